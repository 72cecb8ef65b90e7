"""Rules about WhereWhen and Why: places that are on the sky, times that are times, probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from lxml import etree

from bridge.validate.finding import Context, Finding, Rule, found

__all__ = ["RULES", "check_where"]

COORDINATE = Rule(
    "coordinate",
    "warning",
    "A position in degrees is not on the sky.",
    "Right ascension from 0 to 360, declination from -90 to 90; without a position leave Position2D out.",
    "VOEvent 2.0",
)
UNKNOWN = Rule(
    "position-unknown",
    "advice",
    'Position 0, 0 without an error is how some authors say "unknown"; telescopes go there.',
    "Leave Position2D out.",
    "GCN's practice",
)
RADIUS = Rule(
    "error-radius",
    "warning",
    "An error of a position or time is negative or no number; who compares it with a limit goes wrong.",
    "A radius in the unit of the position; NaN only where 2.0 asks for a radius and none is known.",
    "VOEvent 2.0",
)
SYSTEM = Rule(
    "coord-system",
    "warning",
    "AstroCoords names another coordinate system than the AstroCoordSystem beside it.",
    "The same id in AstroCoordSystem@id and AstroCoords@coord_system_id.",
    "VOEvent 2.0",
)
TIME = Rule(
    "time",
    "warning",
    "The time of the event is not a time, or in another zone than UTC.",
    "ISOTime as YYYY-MM-DDThh:mm:ss.sss without zone: the coordinate system says which time scale it is.",
    "VOEvent 2.0",
)
IMPORTANCE = Rule(
    "importance",
    "warning",
    "Why@importance is not between 0 and 1.",
    "A number from 0 to 1.",
    "VOEvent 2.0",
)

RULES = (COORDINATE, UNKNOWN, RADIUS, SYSTEM, TIME, IMPORTANCE)


def check_where(packet: Context) -> Iterator[Finding]:
    """Findings in WhereWhen and Why."""
    where = packet.sections.get("WhereWhen")
    if where is not None:
        for location in where.iter("{*}ObservationLocation", "{*}ObservatoryLocation"):
            yield from _system(location)
        for location in where.iter("{*}ObservationLocation"):
            for coordinates in location.iter("{*}AstroCoords"):
                yield from _time(coordinates)
                yield from _position(coordinates)
    why = packet.sections.get("Why")
    if why is not None and why.get("importance") is not None:
        importance = _number(why.get("importance"))
        if importance is not None and not 0 <= importance <= 1:
            yield found(IMPORTANCE, why, f"It is {why.get('importance')}.")


def _system(location: etree._Element) -> Iterator[Finding]:
    system, coordinates = location.find("{*}AstroCoordSystem"), location.find("{*}AstroCoords")
    if system is None or coordinates is None:
        return
    one, other = system.get("id"), coordinates.get("coord_system_id")
    if one is not None and other is not None and one != other:
        yield found(SYSTEM, coordinates, f"It is {other!r}, and the system's id is {one!r}.")


def _time(coordinates: etree._Element) -> Iterator[Finding]:
    for element in coordinates.iter("{*}ISOTime", "{*}ISOTimeStart", "{*}ISOTimeStop"):
        text = (element.text or "").strip()
        try:
            offset = datetime.fromisoformat(_without_leap_second(text)).utcoffset()
        except ValueError:
            yield found(TIME, element, f"It is {text!r}." if text else "It is empty.")
            continue
        if offset:
            yield found(TIME, element, f"It is {text!r}: readers do not look at the zone.")
    for element in coordinates.iterfind("{*}Time/{*}Error"):
        error = _number(element.text)
        if error is not None and not error >= 0:
            yield found(RADIUS, element, f"It is {(element.text or '').strip()}.")


def _position(coordinates: etree._Element) -> Iterator[Finding]:
    for position in coordinates.iterchildren("{*}Position2D", "{*}Position3D"):
        unit = (position.get("unit") or "deg").split("-")[0]
        values = position.find("{*}Value2")
        if values is None:
            values = position.find("{*}Value3")
        error = position.find("{*}Error2Radius")
        radius = None if error is None else _number(error.text)
        # An error of -1 with position 0, 0 is one more way to say "unknown".
        if values is not None and unit in ("deg", "degrees"):
            texts = [(values.findtext(f"{{*}}{name}") or "").strip() for name in ("C1", "C2")]
            c1, c2 = map(_number, texts)
            if c1 == c2 == 0 and (radius is None or not radius > 0):
                yield found(UNKNOWN, position, "It is 0, 0 without an error.")
                continue
            if (c1 is not None and not 0 <= c1 <= 360) or (c2 is not None and not -90 <= c2 <= 90):
                yield found(COORDINATE, values, f"It is {', '.join(texts)}.")
        # NaN is how a packet of 2.0, which must state a radius, says that it knows none.
        if error is not None and radius is not None and radius < 0:
            yield found(RADIUS, error, f"It is {(error.text or '').strip()}.")


def _number(text: str | None) -> float | None:
    """A number, NaN included; None where the XSD already says that it is none."""
    try:
        return float(text or "")
    except ValueError:
        return None


def _without_leap_second(text: str) -> str:
    return text.replace(":60", ":59") if text[16:19] == ":60" else text
