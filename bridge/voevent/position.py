"""Where an event was, as plain degrees: what handlers want, from the many places where VOEvent puts it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.voevent.systems import EQUATORIAL, frame_of_system
from bridge.voevent.where import Coordinate

if TYPE_CHECKING:
    from bridge.voevent.model import VOEvent

__all__ = ["Position", "degrees_of_unit", "position_of"]

_DEGREES = {"deg": 1.0, "degrees": 1.0, "degree": 1.0, "rad": math.degrees(1.0)}
_ERROR_DEGREES = {**_DEGREES, "arcmin": 1 / 60, "arcsec": 1 / 3600}


@dataclass(frozen=True, slots=True)
class Position:
    """A direction.

    Parameters
    ----------
    ra_deg, dec_deg
        In degrees.
    error_deg
        Radius of the error in degrees; None where none is stated.
    frame
        ``FK5`` or ``ICRS``, from the packet's coordinate system; ICRS where it names neither.
    """

    ra_deg: float
    dec_deg: float
    error_deg: float | None
    frame: str


def position_of(event: VOEvent) -> Position | None:
    """The direction of an event; None where it has none, one that cannot be, or one in another frame.

    Parameters
    ----------
    event
        Units are taken from Position2D or Position3D: ``deg`` (where nothing is stated) or ``rad``, and of a
        list such as ``deg deg Mpc`` the first. A position of 0/0/0 or an error of -1, by which some authors
        say that they know none, is given as it is written.
    """
    coords = event.coords
    if coords is None:
        return None
    flat, deep = coords.position2d, coords.position3d
    values = flat.value2 if flat is not None and flat.value2 is not None else deep.value3 if deep else None
    if values is None:
        return None
    stated = flat.unit if flat is not None and flat.value2 is not None else deep.unit if deep else None
    scale = degrees_of_unit(stated)
    ra, dec = _number(values.c1), _number(values.c2)
    if scale is None or ra is None or dec is None or abs(dec * scale) > 90:
        return None
    frame = _frame(event)
    if frame not in EQUATORIAL:
        return None
    radius = flat.error2_radius if flat is not None else None
    error = _number(radius)
    if error is not None:
        own = radius.unit if radius is not None and radius.unit else _first(stated)
        error = error * _ERROR_DEGREES[own] if own in _ERROR_DEGREES else None
    return Position(ra * scale, dec * scale, error, frame)


def _frame(event: VOEvent) -> str:
    place = event.where_when.location if event.where_when is not None else None
    system = place.observation.system if place is not None and place.observation is not None else None
    frame = system.space_frame if system is not None else None
    return frame_of_system(event.coord_system, frame.space_ref_frame if frame is not None else None)


def degrees_of_unit(stated: str | None) -> float | None:
    """How many degrees the unit of a Position2D or Position3D is; None for what is no unit of directions.

    Parameters
    ----------
    stated
        The attribute: ``deg`` where it is missing, and of a list such as ``deg-deg-m`` the first.
    """
    return _DEGREES.get(_first(stated))


def _first(stated: str | None) -> str:
    return ((stated or "").split("-")[0].split() or ["deg"])[0]


def _number(coordinate: Coordinate | None) -> float | None:
    number = None if coordinate is None else coordinate.number
    return float(number) if number is not None and math.isfinite(number) else None
