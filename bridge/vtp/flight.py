"""Which events are on their way to one peer, and how far it has dealt with the journal.

Acknowledgements come out of order and name an IVORN, not a place; two editions of one IVORN can be on
their way at once. What is durable is a single number, so this finds the place below which nothing is
outstanding. Events are noted and settled many at a time: each call does its work in a few operations of C.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import repeat

__all__ = ["Flight"]

_RESOLUTION_S = 0.1


class Flight:
    """Events sent and not yet acknowledged.

    Parameters
    ----------
    start
        Place in the journal up to which the peer needs nothing.
    """

    def __init__(self, start: int = 0) -> None:
        # IVORN -> place of its oldest edition on its way; further editions are in _later, oldest first.
        self._open: dict[str, int] = {}
        self._later: dict[str, deque[int]] = {}
        # The last place of each sending, and when it was; the event that waits longest is of the first or of
        # a later one.
        self._sendings: deque[tuple[int, float]] = deque()
        self._count = 0
        self._passed = start
        # Places are sent in rising order, and a dict keeps it, until a later edition takes its elder's place.
        self._rising = True

    def __len__(self) -> int:
        return self._count

    @property
    def passed_seq(self) -> int:
        """The last place that was sent or skipped: read on from here."""
        return self._passed

    @property
    def handled_seq(self) -> int:
        """The place up to which everything is acknowledged, refused or skipped."""
        if not self._open:
            return self._passed
        places = self._open.values()
        return (next(iter(places)) if self._rising else min(places)) - 1

    @property
    def oldest_sent_at(self) -> float | None:
        """When the event that waits longest was sent; None when nothing waits."""
        if not self._open:
            return None
        handled = self.handled_seq
        while self._sendings[0][0] <= handled:
            self._sendings.popleft()
        return self._sendings[0][1]

    @property
    def oldest_ivorn(self) -> str:
        """IVORN of the event that waits longest, empty when nothing waits."""
        return min(self._open, key=self._open.__getitem__) if self._open else ""

    def sent(self, ivorns: Sequence[str], seqs: Sequence[int], now: float) -> None:
        """Note that events were sent together, at least one.

        Parameters
        ----------
        ivorns, seqs
            Identifiers and places; places rise, and lie beyond those before.
        now
            Unix seconds; kept to a tenth of a second, so that a peer that leaves one event unanswered and
            hurries with all others fills no memory.
        """
        if seqs[0] <= self._passed:
            raise ValueError(f"place {seqs[0]} comes after place {self._passed}")
        sendings = self._sendings
        if self._open:
            handled = self.handled_seq
            while sendings[0][0] <= handled:
                sendings.popleft()
        else:
            sendings.clear()
            self._rising = True
        self._passed = seqs[-1]
        if sendings and now - sendings[-1][1] < _RESOLUTION_S:
            now = sendings.pop()[1]
        sendings.append((self._passed, now))
        places = dict(zip(ivorns, seqs, strict=True))
        if len(places) == len(seqs) and self._open.keys().isdisjoint(places):
            self._open.update(places)
        else:
            for ivorn, seq in zip(ivorns, seqs, strict=True):
                if ivorn in self._open:
                    self._later.setdefault(ivorn, deque()).append(seq)
                else:
                    self._open[ivorn] = seq
        self._count += len(seqs)

    def skipped(self, seq: int) -> None:
        """Note that the peer does not get the events up to this place (a filter, or their size)."""
        self._passed = max(self._passed, seq)

    def settle(self, ivorns: Sequence[str]) -> list[int | None]:
        """Note answers to events; gives the place of each, or None if no such event is on its way."""
        if self._later:
            return [self._settle(ivorn) for ivorn in ivorns]
        places = list(map(self._open.pop, ivorns, repeat(None)))
        self._count = len(self._open)
        return places

    def _settle(self, ivorn: str) -> int | None:
        seq = self._open.get(ivorn)
        if seq is None:
            return None
        later = self._later.get(ivorn)
        if later:
            self._open[ivorn] = later.popleft()
            self._rising = False
        else:
            del self._open[ivorn]
        if not later:
            self._later.pop(ivorn, None)
        self._count -= 1
        return seq

    def restart(self, seq: int) -> None:
        """Go on from another place; what is on its way is forgotten and, if it lies behind, sent again."""
        self._open.clear()
        self._later.clear()
        self._sendings.clear()
        self._count = 0
        self._passed = seq
