"""What can be asked of a journal, as SQL: a search becomes conditions that its indexes answer.

Apart from the reader, because what makes a search fast over ten million rows (zones of declination, ranges
of places, prefixes) is one subject, and nothing else there is concerned with it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from bridge.errors import UsageError
from bridge.journal.tables import STRETCH, STRETCH_BITS, ZONE, ZONES_PER_DEGREE
from bridge.sky import separation

__all__ = ["Cone", "Search", "conditions", "teach"]

# The clock of a feed may be set back; within this, events may lie in the journal out of the order of their
# times (seconds).
CLOCK_STEP_S = 3600.0

# Of a cone as wide as this most of the sky's zones are met: looking at every event is as good.
_WIDE_DEG = 20.0

# One turn too many or too few is put up with; a number beyond that is no right ascension.
_LEAST_RA_DEG, _MOST_RA_DEG = -360.0, 720.0
_TURNS_DEG = (-720.0, -360.0, 0.0, 360.0, 720.0)

# What rounding may take from a position at the very edge of a cone; the exact distance decides later.
_EDGE_DEG = 1e-9


@dataclass(frozen=True, slots=True)
class Cone:
    """All directions within an angle of a position.

    Parameters
    ----------
    ra_deg, dec_deg
        The position, ICRS, in degrees.
    radius_deg
        The angle in degrees, 0 to 180.

    Raises
    ------
    UsageError
        If there is no such cone.
    """

    ra_deg: float
    dec_deg: float
    radius_deg: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.ra_deg) and -90.0 <= self.dec_deg <= 90.0):
            raise UsageError(
                f"There is no position {self.ra_deg:g}, {self.dec_deg:g}: "
                "give right ascension and declination (-90 to 90) in degrees."
            )
        if not 0.0 <= self.radius_deg <= 180.0:
            raise UsageError(f"A cone cannot have the radius {self.radius_deg:g}: give 0 to 180, in degrees.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which events are wanted; a field that is None asks for nothing.

    Parameters
    ----------
    ivorn
        One event's identifier.
    glob
        A pattern for identifiers: ``*`` any text, ``?`` one character, ``[a-f]`` one of these.
    stream
        The identifier before ``#``: all events of one stream.
    role
        VOEvent role.
    object_key
        All events about one object.
    since, until
        Published at or after, and before, in Unix seconds (UTC).
    cone
        Where the event is.
    before
        Only places before this one.
    """

    ivorn: str | None = None
    glob: str | None = None
    stream: str | None = None
    role: str | None = None
    object_key: str | None = None
    since: float | None = None
    until: float | None = None
    cone: Cone | None = None
    before: int | None = None


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection the function that searches need."""
    connection.create_function("separation_deg", 4, separation, deterministic=True)


class Hints(Protocol):
    """What the journal's indexes tell before a search, so that it goes the short way."""

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow."""
        ...

    def seq_before(self, time_unix_s: float) -> int:
        """The place of the latest event published before a time; 0 if there is none."""
        ...

    def first_seq(self) -> int:
        """The oldest place of which anything is known; 0 in an empty journal."""
        ...

    def last_seq(self) -> int:
        """The newest place."""
        ...

    def has_many(self, low: str, high: str) -> bool:
        """Whether so many identifiers lie from one up to another that sorting them would take long."""
        ...


def conditions(search: Search, hints: Hints) -> tuple[str, tuple[Any, ...]]:
    """The search as a ``WHERE`` clause over the table of events, with its values."""
    terms: list[str] = []
    values: list[Any] = []

    def add(term: str, *given: Any) -> None:
        terms.append(term)
        values.extend(given)

    if search.ivorn is not None:
        add("ivorn = ?", search.ivorn)

    def add_range(low: str, high: str) -> None:
        # Few are found by the index and sorted; many are met soon by looking at the newest first, which the
        # plus brings about.
        column = "+ivorn" if hints.has_many(low, high) else "ivorn"
        add(f"{column} >= ? AND {column} < ?", low, high)

    if search.glob is not None:
        add("+ivorn GLOB ?", search.glob)
        if fixed := _before_wildcards(search.glob):
            add_range(fixed, fixed + chr(0x10FFFF))
    if search.stream is not None:
        # '$' is the character after '#': the range holds just the identifiers that start with 'stream#'.
        name = search.stream.rstrip("#")
        add_range(name + "#", name + "$")
    if search.role is not None:
        add("role = ?", search.role)
    if search.object_key is not None:
        add("object_key = ? AND object_key <> ''", search.object_key)
    oldest, newest = -math.inf, math.inf
    if search.since is not None:
        # By place, so that the newest come first without sorting; the plus keeps the index of times out.
        oldest = hints.seq_before(search.since - CLOCK_STEP_S) + 1
        add("seq >= ? AND +published_at >= ?", oldest, search.since)
    if search.until is not None:
        newest = hints.seq_at(search.until + CLOCK_STEP_S)
        add("seq <= ? AND +published_at < ?", newest, search.until)
    if search.before is not None:
        newest = min(newest, search.before - 1)
        add("seq < ?", search.before)
    if search.cone is not None:
        places = int(max(oldest, hints.first_seq())), int(min(newest, hints.last_seq()))
        _add_cone(search.cone, places, add)
    return (" WHERE " + " AND ".join(terms) if terms else ""), tuple(values)


def _before_wildcards(pattern: str) -> str:
    return pattern[: min((at for at in map(pattern.find, "*?[") if at >= 0), default=len(pattern))]


def _add_cone(cone: Cone, places: tuple[int, int], add: Callable[..., None]) -> None:
    # The plus keeps these bounds from being taken for the search in the index, in place of the narrow ones.
    exact = (
        f"+ra_deg BETWEEN {_LEAST_RA_DEG} AND {_MOST_RA_DEG} AND separation_deg(ra_deg, dec_deg, ?, ?) <= ?"
    )
    circle = (cone.ra_deg, cone.dec_deg, cone.radius_deg)
    reach = cone.radius_deg + _EDGE_DEG
    south, north = max(-90.0, cone.dec_deg - reach), min(90.0, cone.dec_deg + reach)
    if cone.radius_deg > _WIDE_DEG:
        add(f"dec_deg BETWEEN ? AND ? AND {exact}", south, north, *circle)
        return
    zones = range(_zone(south), _zone(north) + 1)
    first, last = (place >> STRETCH_BITS for place in places)
    spans = _spans(cone, reach) if south > -90.0 and north < 90.0 else [(-math.inf, math.inf)]
    add(
        f"seq IN (WITH RECURSIVE stretch (number) AS (VALUES ({first}) UNION ALL SELECT number + 1 "
        f"FROM stretch WHERE number < {last}), span (low, high) AS "
        f"(VALUES {', '.join(['(?, ?)'] * len(spans))}) "
        "SELECT event.seq FROM stretch CROSS JOIN span CROSS JOIN event INDEXED BY event_sky "
        f"WHERE dec_deg IS NOT NULL AND ra_deg IS NOT NULL AND {STRETCH} = number "
        f"AND {ZONE} IN ({', '.join(map(str, zones))}) AND ra_deg BETWEEN low AND high AND {exact})",
        *(bound for span in spans for bound in span),
        *circle,
    )


def _spans(cone: Cone, reach_deg: float) -> list[tuple[float, float]]:
    """How far a circle that meets no pole reaches in right ascension, where it touches the meridians."""
    half = math.degrees(
        math.asin(min(1.0, math.sin(math.radians(reach_deg)) / math.cos(math.radians(cone.dec_deg))))
    )
    half += _EDGE_DEG
    middle = cone.ra_deg % 360.0
    # Zero is 360, and a stranger's packet may say -1: the same range some turns before and after.
    return [
        (middle + turn - half, middle + turn + half)
        for turn in _TURNS_DEG
        if middle + turn + half >= _LEAST_RA_DEG and middle + turn - half <= _MOST_RA_DEG
    ]


def _zone(dec_deg: float) -> int:
    return int((dec_deg + 90.0) * ZONES_PER_DEGREE)
