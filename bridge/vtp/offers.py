"""What a VTP role hands inwards, and what it is told back: an event from a peer, and what became of it.

Receiver and upstream subscriber offer; the feed judges, writes to the journal, and settles. Nothing here
knows how.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Offer", "Outcome", "Take", "Verdict"]

Outcome = Literal["published", "duplicate", "refused", "unwritable"]


@dataclass(frozen=True, slots=True)
class Verdict:
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


@dataclass(frozen=True, slots=True)
class Offer:
    """One event from a peer.

    Parameters
    ----------
    data
        The packet as it came.
    peer
        Who sent it: ``vtp://host:port``.
    settle
        Called once with the verdict, in the thread that offered it (the network's).
    """

    data: bytes
    peer: str
    settle: Callable[[Verdict], None]


Take = Callable[[Offer], None]
