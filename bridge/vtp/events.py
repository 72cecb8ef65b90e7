"""What a broadcaster's connection reports: things that happened on the wire, as plain values.

The connection decides, the adapter acts: it looks up cursors, logs, closes sockets.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "Acked",
    "Alive",
    "Authenticated",
    "Dead",
    "Event",
    "GraceOver",
    "Nacked",
    "Stray",
]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The peer has answered authenticate, for the first time or again (then its filters replace the old).

    Parameters
    ----------
    ivo
        The peer's identifier; None when it gave none.
    filters
        XPath filters it asks for, as text.
    late
        True when it is being served as anonymous already.
    since
        From where it asks to be served; None when it does not.
    """

    ivo: str | None
    filters: tuple[str, ...]
    late: bool
    since: str | None = None


@dataclass(frozen=True, slots=True)
class GraceOver:
    """The peer has not answered authenticate in time: it is served as anonymous (pygcn never answers)."""


@dataclass(frozen=True, slots=True)
class Acked:
    """The peer has acknowledged the events at these places of the journal, in this order."""

    seqs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nacked:
    """The peer has refused the event; it will not be sent again."""

    ivorn: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The peer has answered iamalive."""


@dataclass(frozen=True, slots=True)
class Stray:
    """Something that makes no sense here and is overlooked, for now; the first in a row, or one more."""

    reason: str
    first: bool = True


@dataclass(frozen=True, slots=True)
class Dead:
    """The connection is of no more use and must be closed."""

    reason: str


Event = Authenticated | GraceOver | Acked | Nacked | Alive | Stray | Dead
