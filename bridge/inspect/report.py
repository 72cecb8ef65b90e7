"""What `inspect` knows about one alert or VOEvent: the values that every way of showing it reads.

Views (one per kind of packet) fill a `Report`; the terminal, the figure and the JSON document only read
it. So a new survey is a new view, and a new way of showing is a new reader.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bridge.inspect.curve import LightCurve
from bridge.inspect.fits import Image

__all__ = ["Cutout", "Fact", "FactList", "Position", "Report", "Section", "Table"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing worth knowing.

    Parameters
    ----------
    key
        Its name in the JSON document, with its unit where it has one (``"psf_flux_njy"``).
    label
        Its name for people.
    text
        What people read.
    value
        What programs read: a number, text, boolean, or a list or dict of these.
    """

    key: str
    label: str
    text: str
    value: Any


class FactList:
    """Collects facts and passes over what the packet does not say."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []

    def add(self, key: str, label: str, value: Any, text: str | None = None) -> None:
        """Note a fact, unless its value is None (`text` defaults to the value itself)."""
        if value is not None:
            self._facts.append(Fact(key, label, str(value) if text is None else text, value))

    def add_number(self, key: str, label: str, value: float | None, form: str) -> None:
        """Note a number, unless it is None, shown by a format (``"{:.2f} mag"``)."""
        if value is not None:
            self._facts.append(Fact(key, label, form.format(value), value))

    def section(self, key: str, title: str) -> Section:
        """The facts so far, as a section."""
        return Section(key, title, tuple(self._facts))


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that belong together, under a title."""

    key: str
    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a VOEvent, as it stands there.

    Parameters
    ----------
    name, description
        What the packet calls it.
    columns
        Names of the columns, with the unit in brackets where one is given.
    rows
        Cells as text.
    ucds
        UCD of each column, or empty text.
    """

    name: str
    description: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ucds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where it is.

    Parameters
    ----------
    ra_deg, dec_deg
        Degrees, in `frame`.
    error_deg
        Radius of the error circle in degrees, where known.
    frame
        "ICRS" or "FK5" (J2000), which differ by less than 0.1 arcsec.
    """

    ra_deg: float
    dec_deg: float
    error_deg: float | None = None
    frame: str = "ICRS"


@dataclass(frozen=True, slots=True)
class Cutout:
    """One postage stamp.

    Parameters
    ----------
    name
        "science", "template" or "difference".
    image
        The pixels and what their header says, or None where they could not be read.
    problem
        Why they could not be read, else empty.
    arcsec_per_pixel
        The survey's pixel scale, where the image does not say it itself.
    sense
        Of a difference: what was subtracted from what, where the packet says so.
    """

    name: str
    image: Image | None
    problem: str = ""
    arcsec_per_pixel: float | None = None
    sense: str = ""

    @property
    def label(self) -> str:
        """Name for people, with the sense of a difference where it is known."""
        return f"{self.name} ({self.sense})" if self.sense else self.name


@dataclass(frozen=True, slots=True)
class Report:
    """All about one packet.

    Parameters
    ----------
    kind
        "alert" or "voevent".
    survey
        Whose it is ("ZTF", "Rubin/LSST", "Fink/ZTF"); for a VOEvent its author.
    title
        One line that identifies it.
    sections
        The facts, in the order in which people want them.
    position, light_curve, cutouts, tables
        Where the packet has them.
    notes
        What a person should know about the packet or this report, as sentences.
    """

    kind: str
    survey: str
    title: str
    sections: tuple[Section, ...]
    position: Position | None = None
    light_curve: LightCurve | None = None
    cutouts: tuple[Cutout, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = field(default=())
