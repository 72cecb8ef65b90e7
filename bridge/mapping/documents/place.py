"""WhereWhen of a document: position, error and time as far as the notice tells them.

VOEvent 2.0 lets the position be absent, which many notices need: a neutrino burst without direction, a
retraction, a gravitational wave whose place is a sky map.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import PacketError
from bridge.mapping import elements
from bridge.mapping.documents.paths import first_value
from bridge.mapping.model import Instant, Mapping
from bridge.mapping.parts import check_position
from bridge.mapping.times import ISO_SCALE, SCALES, utc_from_iso
from bridge.voevent.event import Earlier

__all__ = ["Whereabouts", "find_whereabouts"]


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where and when.

    Parameters
    ----------
    ra_deg, dec_deg
        Position in degrees, or None.
    observed_at
        Time, UTC in ISO 8601 without zone; empty where it is not known.
    xml
        The WhereWhen, or nothing.
    """

    ra_deg: float | None
    dec_deg: float | None
    observed_at: str
    xml: bytes


def find_whereabouts(mapping: Mapping, content: dict[str, Any], earlier: Sequence[Earlier]) -> Whereabouts:
    """Where and when of a notice.

    Parameters
    ----------
    mapping
        Its mapping.
    content
        The notice.
    earlier
        Earlier packets about the object, oldest first: the last one's time stands for a missing one, where
        the mapping says so.

    Raises
    ------
    PacketError
        If position or time is impossible, or missing although the mapping needs it.
    """
    position = _position(mapping, content)
    when = _time(mapping, content, earlier)
    place = mapping.place
    if place.needed and (position is None or not when):
        missing = "position" if position is None else "time"
        tried = place.ra if position is None else [path for item in mapping.instants for path in item.paths]
        raise PacketError(
            f"it has no {missing} by any name that mapping {mapping.key!r} knows ({', '.join(tried)})"
        )
    if position is None and not when:
        return Whereabouts(None, None, "", b"")
    inner = elements.time_element(when.encode()) if when else b""
    if position is None:
        # What the mapping says about positions is not about this packet.
        return Whereabouts(None, None, when, elements.where_when(replace(place, about=""), inner))
    ra, dec = position
    inner += elements.position_element(repr(ra).encode(), repr(dec).encode(), _radius(mapping, content))
    return Whereabouts(float(ra), float(dec), when, elements.where_when(place, inner))


def _position(mapping: Mapping, content: dict[str, Any]) -> tuple[float, float] | None:
    ra, ra_path = first_value(content, mapping.place.ra)
    dec, dec_path = first_value(content, mapping.place.dec)
    if ra is None and dec is None:
        return None
    for value, path in ((ra, ra_path), (dec, dec_path)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise PacketError(f"position is impossible: {path} is {str(value)[:60]!r}, no number", field=path)
    check_position(ra, dec, ra_path or mapping.place.ra[0], dec_path or mapping.place.dec[0])
    return ra, dec


def _radius(mapping: Mapping, content: dict[str, Any]) -> bytes:
    for path in mapping.place.error:
        value, _ = first_value(content, (path,))
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf:
            return repr(value).encode()
    return repr(mapping.place.error_deg).encode()


def _time(mapping: Mapping, content: dict[str, Any], earlier: Sequence[Earlier]) -> str:
    unfit = None
    for instant in mapping.instants:
        value, path = first_value(content, instant.paths)
        if value is None:
            continue
        if isinstance(value, str) == (instant.scale == ISO_SCALE):
            return _iso(instant, value, path, content)
        unfit = PacketError(f"time {str(value)[:60]!r} is not of the kind {instant.scale}", field=path)
    if unfit is not None:
        raise unfit
    if any(instant.or_earlier for instant in mapping.instants):
        return next((item.observed_at for item in reversed(earlier) if item.observed_at), "")
    return ""


def _iso(instant: Instant, value: Any, path: str, content: dict[str, Any]) -> str:
    try:
        if instant.scale == ISO_SCALE:
            return utc_from_iso(value)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise PacketError(f"time {str(value)[:60]!r} is no number")
        exposure_s, _ = first_value(content, instant.half_of)
        known = isinstance(exposure_s, (int, float)) and 0 < exposure_s < 86_400
        return SCALES[instant.scale](value, exposure_s / 2 if known else 0.0)
    except PacketError as error:
        raise PacketError(error.reason, field=path) from None
