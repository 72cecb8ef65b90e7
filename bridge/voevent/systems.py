"""What a packet's coordinate system means for who reads its times and positions: a scale and a frame.

VOEvent 2.0 says both in one identifier (``UTC-FK5-GEO``), 2.1 also in elements of their own, and a time may
name its scale itself. Apart, because the model, the relay's headline and `inspect` must not differ in it: 37
seconds, or another part of the sky.
"""

from __future__ import annotations

import re

__all__ = ["EQUATORIAL", "frame_of_system", "scale_of_system"]

EQUATORIAL = ("ICRS", "FK5")
"""Frames in which C1 is a right ascension and C2 a declination (J2000), 0.1 arcsec apart at most."""

_SCALES = frozenset("UTC TAI TT TDT GPS TDB TCB TCG UT1".split())  # noqa: SIM905
# Words of http://www.ivoa.net/rdf/refframe and of VOEvent 1.1 to 2.1, as far as they stand in identifiers.
_FRAMES = frozenset("ICRS FK5 FK4 GALACTIC GAL SUPERGALACTIC ECLIPTIC GEOD".split())  # noqa: SIM905
_WORD = re.compile(r"[A-Z0-9]+")


def scale_of_system(identifier: str | None, *stated: str | None) -> str | None:
    """The time scale, in capitals; None where nothing says it, which means UTC to all readers.

    Parameters
    ----------
    identifier
        The system's identifier.
    stated
        What elements say (TimeScale of the instant, of the TimeFrame), the nearest first; they go before
        the identifier.
    """
    for text in stated:
        if text is not None and text.strip():
            return text.strip().upper()
    return next((word for word in _words(identifier) if word in _SCALES), None)


def frame_of_system(identifier: str | None, stated: str | None = None) -> str:
    """The frame of positions, in capitals; ICRS where nothing says it.

    Parameters
    ----------
    identifier
        The system's identifier.
    stated
        SpaceRefFrame, which goes before the identifier.
    """
    said = (stated or "").strip().upper()
    if said and said != "UNKNOWN":
        return said
    return next((word for word in _words(identifier) if word in _FRAMES), "ICRS")


def _words(identifier: str | None) -> list[str]:
    return _WORD.findall((identifier or "").upper())
