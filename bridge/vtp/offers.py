"""What a VTP role hands inwards, and what it is told back: an event from a peer, and what became of it.

Receiver and upstream subscriber offer; the feed judges, writes to the journal, and settles. Nothing here
knows how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

__all__ = ["Offer", "Outcome", "Take", "Tend", "Verdict", "settle_all"]

Outcome = Literal["published", "duplicate", "refused", "unwritable"]


Tend = Callable[[], object]


class Verdict(NamedTuple):
    """What became of an offered event.

    Parameters
    ----------
    outcome
        It is in the journal now; it was before; it is not taken; or the journal cannot be written for now.
    ivorn
        The event's identifier; empty where none could be read.
    reason
        Why it was not taken, as a clause; empty for published ones.
    """

    outcome: Outcome
    ivorn: str
    reason: str = ""


class Offer(NamedTuple):
    """One event from a peer.

    Parameters
    ----------
    data
        The packet as it came.
    peer
        Who sent it: ``vtp://host:port``.
    settle
        Called once with the verdict, in the thread that offered it (the network's). Gives what is to be
        called afterwards, once for all verdicts that are at hand; None where nothing is.
    """

    data: bytes
    peer: str
    settle: Callable[[Verdict], Tend | None]


Take = Callable[[Offer], None]


def settle_all(settled: Iterable[tuple[Offer, Verdict]]) -> None:
    """Tell what became of offers; a connection that made many of them answers for all of these together."""
    afterwards = {offer.settle(verdict): None for offer, verdict in settled}
    for tend in afterwards:
        if tend is not None:
            tend()
