"""Which events are on their way to one peer, and how far it has dealt with the journal.

Acknowledgements come out of order and name an IVORN, not a place; two editions of one IVORN can be on
their way at once. What is durable is a single number, so this finds the place below which nothing is
outstanding.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["Flight"]


@dataclass(frozen=True, slots=True)
class _Sent:
    ivorn: str
    at: float


class Flight:
    """Events sent and not yet acknowledged.

    Parameters
    ----------
    start
        Place in the journal up to which the peer needs nothing.
    """

    def __init__(self, start: int = 0) -> None:
        self._open: dict[int, _Sent] = {}
        self._places: dict[str, deque[int]] = {}
        self._passed = start

    def __len__(self) -> int:
        return len(self._open)

    @property
    def passed_seq(self) -> int:
        """The last place that was sent or skipped: read on from here."""
        return self._passed

    @property
    def handled_seq(self) -> int:
        """The place up to which everything is acknowledged, refused or skipped."""
        # Places are sent in rising order, and a dict keeps it: the first is the least.
        return next(iter(self._open)) - 1 if self._open else self._passed

    @property
    def oldest_sent_at(self) -> float | None:
        """When the event that waits longest was sent; None when nothing waits."""
        return next(iter(self._open.values())).at if self._open else None

    @property
    def oldest_ivorn(self) -> str:
        """IVORN of the event that waits longest, empty when nothing waits."""
        return next(iter(self._open.values())).ivorn if self._open else ""

    def sent(self, seq: int, ivorn: str, now: float) -> None:
        """Note that an event was sent; places must rise."""
        if seq <= self._passed:
            raise ValueError(f"place {seq} comes after place {self._passed}")
        self._open[seq] = _Sent(ivorn, now)
        self._places.setdefault(ivorn, deque()).append(seq)
        self._passed = seq

    def skipped(self, seq: int) -> None:
        """Note that the peer does not get the event at this place (a filter, or its size)."""
        self._passed = max(self._passed, seq)

    def settle(self, ivorn: str) -> int | None:
        """Note an answer to an event; gives its place, or None if no such event is on its way."""
        places = self._places.get(ivorn)
        if not places:
            return None
        seq = places.popleft()
        if not places:
            del self._places[ivorn]
        del self._open[seq]
        return seq

    def restart(self, seq: int) -> None:
        """Go on from another place; what is on its way is forgotten and, if it lies behind, sent again."""
        self._open.clear()
        self._places.clear()
        self._passed = seq
