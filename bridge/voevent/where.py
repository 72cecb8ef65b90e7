"""The WhereWhen of a VOEvent: position, time, and the observatory (VOEvent 2.0, section 3.4, and 2.1).

The names and the nesting are those of STC-1.30, from which VOEvent took them. Frames, intervals, names of
places and errors by axis are 2.1's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from bridge.voevent.grammar import attribute, child, number_child, text_child, text_children, triple
from bridge.voevent.grammar import children as many
from bridge.voevent.numbers import format_number, value_of
from bridge.voevent.what import Reference

__all__ = [
    "AstroCoordSystem",
    "AstroCoords",
    "Coordinate",
    "Coordinates",
    "Number",
    "ObsDataLocation",
    "ObservationLocation",
    "ObservatoryLocation",
    "Position2D",
    "Position3D",
    "SpaceFrame",
    "Time",
    "TimeFrame",
    "TimeInstant",
    "TimeInterval",
    "WhereWhen",
]


@dataclass(frozen=True, slots=True)
class Number:
    """A number with the way it is written.

    Parameters
    ----------
    number, text, decimals
        As `bridge.voevent.numbers` has them.
    """

    NUMBER: ClassVar[str] = ""

    number: int | float | None = triple("value")
    text: str | None = triple("text")
    decimals: int = triple("decimals", 0)

    @classmethod
    def of(cls, value: float | str) -> Number:
        """Of a number or text."""
        return cls(*value_of(value))

    @property
    def written(self) -> str:
        """As it is written in XML."""
        return format_number(self.number, self.text, self.decimals) or ""


@dataclass(frozen=True, slots=True)
class Coordinate:
    """One coordinate, or an error.

    Parameters
    ----------
    number, text, decimals
        As `bridge.voevent.numbers` has them.
    ucd, unit
        Meaning and unit of this coordinate (2.1; its attribute is ``pos_unit``).
    """

    NUMBER: ClassVar[str] = ""

    number: int | float | None = triple("value")
    text: str | None = triple("text")
    decimals: int = triple("decimals", 0)
    ucd: str | None = attribute("ucd")
    unit: str | None = attribute("pos_unit")

    @classmethod
    def of(cls, value: float | str) -> Coordinate:
        """Of a number or text."""
        return cls(*value_of(value))


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Two or three coordinates (Value2, Value3), or errors (2.1's Error2, Error3)."""

    c1: Coordinate | None = child("C1", Coordinate)
    c2: Coordinate | None = child("C2", Coordinate)
    c3: Coordinate | None = child("C3", Coordinate)


@dataclass(frozen=True, slots=True)
class TimeInstant:
    """A moment: ISO 8601 without zone, or an offset in the time's unit; the scale only in 2.1."""

    iso_time: str | None = text_child("ISOTime")
    time_offset: Number | None = number_child("TimeOffset")
    time_scale: str | None = text_child("TimeScale")


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """From one moment to another (2.1), in ISO 8601."""

    start: str | None = text_child("ISOTimeStart")
    stop: str | None = text_child("ISOTimeStop")


@dataclass(frozen=True, slots=True)
class Time:
    """When: an instant or (2.1) an interval, and the error in `unit`."""

    unit: str | None = attribute("unit")
    time_instant: TimeInstant | None = child("TimeInstant", TimeInstant)
    time_interval: TimeInterval | None = child("TimeInterval", TimeInterval)
    error: Number | None = number_child("Error")


@dataclass(frozen=True, slots=True)
class Position2D:
    """A direction, with a radius of error or (2.1) errors by axis; all in `unit`."""

    unit: str | None = attribute("unit")
    name1: str | None = text_child("Name1")
    name2: str | None = text_child("Name2")
    value2: Coordinates | None = child("Value2", Coordinates)
    error2_radius: Coordinate | None = child("Error2Radius", Coordinate)
    error2: Coordinates | None = child("Error2", Coordinates)


@dataclass(frozen=True, slots=True)
class Position3D:
    """A place in space, with (2.1) errors by axis; in `unit`."""

    unit: str | None = attribute("unit")
    name1: str | None = text_child("Name1")
    name2: str | None = text_child("Name2")
    name3: str | None = text_child("Name3")
    value3: Coordinates | None = child("Value3", Coordinates)
    error3: Coordinates | None = child("Error3", Coordinates)


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """A time scale and where its clock stands (2.1)."""

    id: str | None = attribute("id")
    name: str | None = text_child("Name")
    reference_position: str | None = text_child("ReferencePosition")
    time_scale: str | None = text_child("TimeScale")


@dataclass(frozen=True, slots=True)
class SpaceFrame:
    """A frame of coordinates, their kind, and where its origin is (2.1)."""

    id: str | None = attribute("id")
    name: str | None = text_child("Name")
    space_ref_frame: str | None = text_child("SpaceRefFrame")
    coord_flavor: str | None = text_child("CoordFlavor")
    reference_position: str | None = text_child("ReferencePosition")


@dataclass(frozen=True, slots=True)
class AstroCoordSystem:
    """The system of the coordinates: by an identifier such as ``UTC-FK5-GEO``, or (2.1) by frames."""

    id: str | None = attribute("id")
    time_frame: TimeFrame | None = child("TimeFrame", TimeFrame)
    space_frame: SpaceFrame | None = child("SpaceFrame", SpaceFrame)


@dataclass(frozen=True, slots=True)
class AstroCoords:
    """Time and position in one system; or (2.1) the name of a place."""

    coord_system_id: str | None = attribute("coord_system_id")
    time: Time | None = child("Time", Time)
    position_name: str | None = text_child("PositionName")
    position2d: Position2D | None = child("Position2D", Position2D)
    position3d: Position3D | None = child("Position3D", Position3D)


@dataclass(frozen=True, slots=True)
class ObservatoryLocation:
    """Where the observer is: by an identifier such as ``GEOSURFACE``, or by coordinates."""

    id: str | None = attribute("id")
    system: AstroCoordSystem | None = child("AstroCoordSystem", AstroCoordSystem)
    coords: AstroCoords | None = child("AstroCoords", AstroCoords)


@dataclass(frozen=True, slots=True)
class ObservationLocation:
    """Where and when what was observed is."""

    system: AstroCoordSystem | None = child("AstroCoordSystem", AstroCoordSystem)
    coords: AstroCoords | None = child("AstroCoords", AstroCoords)


@dataclass(frozen=True, slots=True)
class ObsDataLocation:
    """The observer and the observed."""

    observatory: ObservatoryLocation | None = child("ObservatoryLocation", ObservatoryLocation)
    observation: ObservationLocation | None = child("ObservationLocation", ObservationLocation)


@dataclass(frozen=True, slots=True)
class WhereWhen:
    """Where and when.

    Parameters
    ----------
    id
        Identifier inside the packet.
    location
        The observer and the observed. A packet may hold several; the first is the one of the model, further
        ones are kept in the layout.
    descriptions, references
        Further words and links.
    """

    id: str | None = attribute("id")
    location: ObsDataLocation | None = child("ObsDataLocation", ObsDataLocation)
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = many("Reference", Reference)
