"""Which visits are still open: whether alerts of a visit can be expected to come yet.

A stream comes in lanes (the partitions of a topic), each more or less in the order of visits, and none in
step with the others. A visit is over when every lane has passed it; a lane that is silent holds nobody up
for longer than the wait. Time is an argument everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["LONGEST_WAITS", "VisitKey", "VisitWatch"]

VisitKey = tuple[str, float | str | None]
"""By which expression a visit is told, and its number (or name); None for an alert that says none."""

LONGEST_WAITS = 4
"""A visit whose alerts do not stop coming is closed after so many waits."""


@dataclass(slots=True)
class _Lane:
    """How far a lane has come."""

    heard_s: float
    stream_s: float | None = None
    newest: dict[str, float | str] = field(default_factory=dict)

    def has_passed(self, key: VisitKey, latest_stream_s: float | None, wait_s: float, now_s: float) -> bool:
        series, visit = key
        newest = self.newest.get(series)
        if visit is not None and newest is not None and newest > visit:  # type: ignore[operator]
            return True
        if None not in (self.stream_s, latest_stream_s) and self.stream_s > latest_stream_s + wait_s:  # type: ignore[operator]
            return True
        return now_s - self.heard_s >= wait_s


@dataclass(slots=True)
class _Open:
    """When alerts of an open visit came, by our clock (monotonic) and by the stream's."""

    first_s: float
    latest_stream_s: float | None = None


class VisitWatch:
    """Follows all lanes of a stream, and says which visits are over.

    Parameters
    ----------
    wait_s
        How long a lane may be silent, or go on without the visit, before it counts as past it, in seconds.
    """

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        self._lanes: dict[str, _Lane] = {}
        self._open: dict[VisitKey, _Open] = {}

    def set_lanes(self, names: Iterable[str], now_s: float) -> None:
        """These are the lanes from now on; one that has not been heard of yet is waited for."""
        self._lanes = {name: self._lanes.get(name) or _Lane(now_s) for name in names}

    def see(self, lane: str, key: VisitKey, stream_s: float | None, now_s: float) -> None:
        """Note that an alert of a visit has come, wanted or not.

        Parameters
        ----------
        lane
            Where it came.
        key
            Its visit.
        stream_s
            When it was sent, in Unix seconds; None where that is not known.
        now_s
            Monotonic seconds.
        """
        place = self._lanes.get(lane)
        if place is None:
            place = self._lanes[lane] = _Lane(now_s)
        place.heard_s = now_s
        if stream_s is not None and (place.stream_s is None or stream_s > place.stream_s):
            place.stream_s = stream_s
        series, visit = key
        if visit is not None:
            newest = place.newest.get(series)
            if newest is None or visit > newest:  # type: ignore[operator]
                place.newest[series] = visit
        waiting = self._open.get(key)
        if waiting is not None:
            waiting.latest_stream_s = _later(waiting.latest_stream_s, stream_s)

    def open(self, key: VisitKey, stream_s: float | None, now_s: float) -> None:
        """Something waits for the end of a visit."""
        if key not in self._open:
            self._open[key] = _Open(now_s, stream_s)

    def over(self, now_s: float) -> Iterator[VisitKey]:
        """The visits that are over; each is told once and forgotten."""
        for key, waiting in list(self._open.items()):
            too_long = now_s - waiting.first_s >= LONGEST_WAITS * self.wait_s
            if too_long or all(
                lane.has_passed(key, waiting.latest_stream_s, self.wait_s, now_s)
                for lane in self._lanes.values()
            ):
                del self._open[key]
                yield key

    def oldest(self) -> VisitKey | None:
        """The visit that has waited longest, which is forgotten; None if there is none."""
        if not self._open:
            return None
        key = next(iter(self._open))
        del self._open[key]
        return key

    def forget(self) -> None:
        """Nothing waits any more."""
        self._open.clear()


def _later(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return first if second is None else second
    return max(first, second)
