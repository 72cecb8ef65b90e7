"""Caps: at most so many alerts per visit and filter, the best ones first.

What is best is known when a visit is over; until then its best alerts so far are held back, never more of
them than the cap. Nothing here knows where alerts come from or go to: whoever reads the stream offers each
alert, and is told through `Held` what becomes of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.alerts.packet import Packet
from bridge.filters.cap_keys import Cap, CapKeys
from bridge.filters.filter import FilterSet
from bridge.filters.visits import VisitKey, VisitWatch

__all__ = ["Capper", "Held"]

VISITS_REMEMBERED = 10_000
"""Visits that are over, whose cap may have room left for alerts that come late."""


@dataclass(slots=True, eq=False)
class Held:
    """An alert that met filters, and what is decided about it so far.

    Parameters
    ----------
    packet
        The alert; None when it is decided that no filter lets it through.
    passed
        Indices of the filters for which it goes on.
    pending
        How many filters have not decided yet.
    """

    packet: Packet | None
    passed: list[int]
    pending: int = 0

    def release(self) -> None:
        """Let go of an alert that nobody wants any more: others before it may be held back for long."""
        if not self.pending and not self.passed:
            self.packet = None


# How good an alert is, its number in the stream (negative: of equals the first is better), and itself.
_Ranked = tuple[tuple[bool, float], int, Held]


@dataclass(slots=True)
class _Visit:
    """What a visit has so far, by filter."""

    best: dict[int, list[_Ranked]] = field(default_factory=dict)
    used: dict[int, int] = field(default_factory=dict)
    is_over: bool = False


class Capper:
    """Applies the caps of a set of filters to a stream.

    Parameters
    ----------
    filters
        The filters with their caps.

    Attributes
    ----------
    capped
        Alerts that met a filter and were not among its best, by filter.
    late
        Alerts that met a filter when their visit was over already, by filter; they are let through as far
        as the cap has room.
    """

    def __init__(self, filters: FilterSet) -> None:
        self.caps = filters.caps
        self.capped = [0] * len(self.caps)
        self.late = [0] * len(self.caps)
        self._keys = CapKeys(filters)
        self._watches = self._keys.watches
        self._visits: dict[tuple[float, VisitKey], _Visit] = {}
        self._count = 0

    def set_lanes(self, names: Sequence[str], now_s: float) -> None:
        """These are the lanes of the stream from now on (monotonic seconds)."""
        for watch in self._watches.values():
            watch.set_lanes(names, now_s)

    def offer(
        self, packet: Packet, met: Sequence[int], lane: str, stream_s: float | None, now_s: float
    ) -> Held:
        """Decide about an alert, as far as that is possible now.

        Parameters
        ----------
        packet
            The alert; those that meet no filter must be offered too, because they tell where the stream is.
        met
            Indices of the filters that it meets.
        lane
            The part of the stream that it came in.
        stream_s
            When it was sent, in Unix seconds; None where that is not known.
        now_s
            Monotonic seconds.

        Raises
        ------
        ExpressionError
            If the first schema lacks what a cap needs.
        PacketError
            If a later one does, or the packet cannot be read.
        """
        held = Held(packet, [index for index in met if self.caps[index] is None])
        keys = self._keys(packet.schema)
        if not keys.watched:
            return held
        visits = keys.visits(packet.data, packet.start, packet.stop)
        places: list[tuple[VisitWatch, VisitKey]] = []
        for (watch, series), visit in zip(keys.watched, visits, strict=True):
            # NaN is a visit unknown, and so is a string that is NULL.
            series = f"{series} (text)" if isinstance(visit, str) else series
            key = (series, None if visit != visit else visit)
            watch.see(lane, key, stream_s, now_s)
            places.append((watch, key))
        if len(held.passed) == len(met):
            return held
        ranks = keys.ranks(packet.data, packet.start, packet.stop)
        self._count += 1
        for index in met:
            cap = self.caps[index]
            if cap is not None:
                rank = ranks[keys.rank_of[index]] if index in keys.rank_of else None
                watch, key = places[keys.visit_of[index]]
                self._rank(held, index, cap, self._visit(watch, key), rank)
                if held.pending:
                    watch.open(key, stream_s, now_s)
        held.release()
        return held

    def settle(self, now_s: float) -> bool:
        """Close the visits that are over; says whether any was (monotonic seconds)."""
        closed = False
        for watch in self._watches.values():
            for key in watch.over(now_s):
                self._close(watch, key)
                closed = True
        return closed

    def close_oldest(self) -> bool:
        """Close the visit that has waited longest, to have its memory back; says whether there was one."""
        for watch in self._watches.values():
            key = watch.oldest()
            if key is not None:
                self._close(watch, key)
                return True
        return False

    def finish(self) -> None:
        """The stream has ended: close all visits."""
        while self.close_oldest():
            pass

    def drop(self) -> None:
        """Forget all that is held back: it will come again, here or elsewhere."""
        for watch in self._watches.values():
            watch.forget()
        for visit in self._visits.values():
            visit.best.clear()

    def _visit(self, watch: VisitWatch, key: VisitKey) -> _Visit:
        place = (watch.wait_s, key)
        visit = self._visits.get(place)
        if visit is None:
            if len(self._visits) >= VISITS_REMEMBERED:
                self._forget_one()
            visit = self._visits[place] = _Visit()
        return visit

    def _forget_one(self) -> None:
        for place, visit in self._visits.items():
            if not visit.best:
                del self._visits[place]
                return

    def _rank(self, held: Held, index: int, cap: Cap, visit: _Visit, rank: float | None) -> None:
        self.late[index] += visit.is_over
        room = cap.most - visit.used.get(index, 0)
        if room <= 0:
            self.capped[index] += 1
        elif cap.order is None or rank is None:
            visit.used[index] = visit.used.get(index, 0) + 1
            held.passed.append(index)
        else:
            best = visit.best.setdefault(index, [])
            ranked = (cap.order.goodness(rank), -self._count, held)
            held.pending += 1
            if len(best) < room:
                heapq.heappush(best, ranked)
            else:
                worst = heapq.heappushpop(best, ranked)[2]
                worst.pending -= 1
                # The one just offered may be wanted by a filter that has not ranked it yet.
                if worst is not held:
                    worst.release()
                self.capped[index] += 1

    def _close(self, watch: VisitWatch, key: VisitKey) -> None:
        visit = self._visits[watch.wait_s, key]
        visit.is_over = True
        for index, best in visit.best.items():
            visit.used[index] = visit.used.get(index, 0) + len(best)
            for _, _, held in best:
                held.pending -= 1
                held.passed.append(index)
        visit.best.clear()
