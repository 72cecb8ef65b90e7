"""The values that go into the journal and come out of it.

They stand apart from the database so that a caller can build, compare and test them without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = [
    "Appended",
    "Conflict",
    "Entry",
    "Kind",
    "NewEntry",
    "Pruned",
    "SavedCursor",
    "Space",
    "Statistics",
    "Summary",
]

Kind = Literal["authored", "relayed"]


class NewEntry(NamedTuple):
    """One event to publish.

    Parameters
    ----------
    ivorn
        The event's identifier.
    data
        The packet, byte for byte as subscribers will get it.
    kind
        ``"authored"``: the event is ours and its IVORN has one content for ever.
        ``"relayed"``: somebody else's; the same IVORN with other bytes is another event.
    digest
        Identity of the content. Authored: SHA-256 of the source datum (not of `data`, which holds the
        time of writing and so differs when the same alert is translated again). Relayed: SHA-256 of `data`.
    role
        VOEvent role: observation, prediction, utility or test.
    object_key
        What later events about the same object cite this one by; empty where there is no object.
    ra_deg, dec_deg
        Position in degrees, ICRS, where known.
    observed_at
        Time of the observation in ISO 8601, UTC, where known.
    """

    ivorn: str
    data: bytes
    kind: Kind
    digest: bytes
    role: str
    object_key: str = ""
    ra_deg: float | None = None
    dec_deg: float | None = None
    observed_at: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What the journal knows about an event without its bytes.

    Parameters
    ----------
    seq
        Place in the journal, from 1, rising, never used again.
    size_bytes
        Length of the packet in bytes.
    published_at
        When it was appended, in Unix seconds (UTC).
    kept
        False when retention has removed the packet's bytes.
    """

    seq: int
    ivorn: str
    kind: Kind
    digest: bytes
    role: str
    object_key: str
    ra_deg: float | None
    dec_deg: float | None
    observed_at: str | None
    published_at: float
    size_bytes: int
    kept: bool


class Entry(NamedTuple):
    """One event as subscribers are sent it: `seq` is its place in the journal, `data` its bytes."""

    seq: int
    ivorn: str
    role: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Conflict:
    """An authored event that was refused: its IVORN has been published with another content.

    Parameters
    ----------
    ivorn
        The identifier both contents claim.
    seq
        Place of the content that was published first, and stays.
    stored_digest, refused_digest
        Identity of the content that is kept, and of the one that was refused.
    """

    ivorn: str
    seq: int
    stored_digest: bytes
    refused_digest: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """What became of one batch.

    Parameters
    ----------
    seqs
        For each entry given, in order: its new place in the journal, or None if it was not stored.
    duplicates
        How many entries the journal had already.
    conflicts
        The entries that were refused.
    last_seq
        The newest place in the journal after the batch.
    """

    seqs: tuple[int | None, ...]
    duplicates: int
    conflicts: tuple[Conflict, ...]
    last_seq: int

    @property
    def stored(self) -> int:
        """How many entries are new."""
        return len(self.seqs) - self.duplicates - len(self.conflicts)


@dataclass(frozen=True, slots=True)
class SavedCursor:
    """How far a subscriber has acknowledged: everything up to and including `seq`."""

    seq: int
    saved_at: float


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one step of retention removed; `events` is 0 when nothing old is left."""

    events: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Space:
    """Room that a journal takes on the disk, in bytes.

    Parameters
    ----------
    file_bytes
        Length of the file.
    used_bytes
        The part of it that holds something; the rest is free for new events.
    log_bytes
        Length of the log beside it (``-wal``), which is folded into the file now and then.
    page_bytes
        Length of a page: room is taken and given back in pages.
    shrinks
        Whether free room can be given back in steps. Files made by version 1 of the tables cannot; they
        can after `compact`.
    """

    file_bytes: int
    used_bytes: int
    log_bytes: int
    page_bytes: int
    shrinks: bool

    @property
    def free_bytes(self) -> int:
        """Room in the file for new events."""
        return self.file_bytes - self.used_bytes


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts over the whole life of a journal.

    Parameters
    ----------
    events
        Events ever stored.
    forgotten
        Events of which nothing is known any more.
    kept, kept_bytes
        Events whose packets are still there, and the bytes of these packets.
    duplicates, conflicts
        Entries that came again, and entries that were refused.
    by_role, by_kind
        Events that are remembered, by VOEvent role and by kind.
    oldest_at, newest_at
        Times of the oldest kept and of the newest event, in Unix seconds; None in an empty journal.
    """

    events: int
    forgotten: int
    kept: int
    kept_bytes: int
    duplicates: int
    conflicts: int
    by_role: Mapping[str, int]
    by_kind: Mapping[str, int]
    first_kept_seq: int | None
    last_seq: int
    oldest_at: float | None
    newest_at: float | None
    subscribers: int
