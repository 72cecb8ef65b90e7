"""The state of a feed at one moment, as values: what health, status and metrics are made from.

It holds names of files, addresses and identifiers, and never a credential.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from bridge.vtp import BroadcasterStatus
from bridge.vtp.status import ReceiverStatus, UpstreamStatus

__all__ = ["FeedStatus", "IntakeStatus", "JournalStatus", "SourceStatus"]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Where the alerts come from.

    Parameters
    ----------
    url
        As it was configured, without credentials.
    state
        ``none``: the feed serves what its journal holds. ``reading``: it is read, or waited for.
        ``refused``: what was read cannot be written. ``ended``: it has come to its end. ``failed``: it
        has ended the feed.
    last_item_at
        When the last item was read, in Unix seconds; None when there was none since the start.
    waiting
        Messages in its topics that have not been read, about a second ago; None where that is not known.
    """

    url: str | None
    state: Literal["none", "reading", "refused", "ended", "failed"]
    last_item_at: float | None
    waiting: int | None = None


@dataclass(frozen=True, slots=True)
class IntakeStatus:
    """What became of the items that came in since the start, and how fast it went in the last minute.

    Those from the source, from authors and from upstream brokers together.

    Parameters
    ----------
    read, published, dropped, refused, duplicates, conflicts
        Items read; new events; what no filter kept; what went to the dead letters; what the journal had
        already; events refused because their IVORN has another content.
    read_hz, published_hz
        Items and events per second, in the mean over the last minute.
    last_published_at
        Unix seconds; None when there was none since the start.
    dead_letters
        The folder of what was refused.
    """

    read: int
    published: int
    dropped: int
    refused: int
    duplicates: int
    conflicts: int
    read_hz: float
    published_hz: float
    last_published_at: float | None
    dead_letters: str


@dataclass(frozen=True, slots=True)
class JournalStatus:
    """How large the journal is, and what room is left.

    Parameters
    ----------
    file_bytes, free_bytes, log_bytes
        Length of the file, what of it is free, and the length of the log beside it.
    first_kept_seq, last_seq
        Places of the oldest packet that is kept, and of the newest event.
    disk_free_bytes
        Room on the disk for whoever writes the journal.
    """

    file: str
    file_bytes: int
    free_bytes: int
    log_bytes: int
    first_kept_seq: int | None
    last_seq: int
    disk_free_bytes: int


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """All of it.

    Parameters
    ----------
    healthy
        Whether there are no problems.
    problems
        What a person should look at, in sentences.
    started_at, now
        Unix seconds.
    lag
        Events between the slowest subscriber and the newest event.
    test_events
        Test events published since the start.
    receiver
        What authors have sent; None where none are received.
    upstreams
        The subscriptions to upstream brokers.
    """

    healthy: bool
    problems: tuple[str, ...]
    version: str
    local_ivo: str
    process: int
    started_at: float
    now: float
    source: SourceStatus
    intake: IntakeStatus
    journal: JournalStatus
    lag: int
    test_events: int
    broadcast: BroadcasterStatus
    receiver: ReceiverStatus | None = None
    upstreams: tuple[UpstreamStatus, ...] = ()

    def document(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        return asdict(self)
