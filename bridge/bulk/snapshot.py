"""What a watcher says of topics at a moment: plain values, for a table on the terminal and for JSON lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

__all__ = ["PartitionState", "Snapshot", "spread"]


@dataclass(frozen=True, slots=True)
class PartitionState:
    """One partition.

    Parameters
    ----------
    topic, partition
        Which one.
    first, end
        Offset of the earliest message there is, and of the next one to be written.
    messages, bytes
        Read within the interval.
    committed
        Offset that the group will read next, or None.
    """

    topic: str
    partition: int
    first: int
    end: int
    messages: int = 0
    bytes: int = 0
    committed: int | None = None

    @property
    def lag(self) -> int | None:
        """Messages that the group has still to read, or None without a group or a commit of it."""
        return None if self.committed is None else max(0, self.end - max(self.committed, self.first))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Topics at a moment.

    Parameters
    ----------
    time_unix_s
        When, in Unix seconds (UTC).
    seconds
        Length of the interval that was watched; 0 for a single look.
    partitions
        Their states.
    kinds
        Kind of message (with the schema id of the wire format) to its number.
    message_age_s, alert_age_s
        Ages of the messages by the topic's time, and of a sample of alerts by the time of their exposure, in
        seconds, when they were read.
    group
        The group whose lag is told, or empty.
    trouble
        Why a question to the cluster was not answered, else empty.
    """

    time_unix_s: float
    seconds: float
    partitions: tuple[PartitionState, ...]
    kinds: dict[str, int] = field(default_factory=dict)
    message_age_s: tuple[float, ...] = ()
    alert_age_s: tuple[float, ...] = ()
    group: str = ""
    trouble: str = ""

    @property
    def messages(self) -> int:
        """Read within the interval."""
        return sum(each.messages for each in self.partitions)

    @property
    def bytes(self) -> int:
        """Size of these."""
        return sum(each.bytes for each in self.partitions)

    @property
    def lag(self) -> int | None:
        """Messages that the group has still to read, all partitions together; None where it is not known."""
        known = [each.lag for each in self.partitions if each.lag is not None]
        return sum(known) if known else None

    def document(self) -> dict[str, Any]:
        """The snapshot as a JSON object."""
        seconds = self.seconds or None
        return {
            "time_unix_s": round(self.time_unix_s, 3),
            "seconds": round(self.seconds, 3),
            "messages": self.messages,
            "bytes": self.bytes,
            "rate_hz": round(self.messages / seconds, 3) if seconds else None,
            "bytes_per_s": round(self.bytes / seconds, 1) if seconds else None,
            "lag": self.lag,
            "group": self.group or None,
            "message_age_s": spread(self.message_age_s),
            "alert_age_s": spread(self.alert_age_s),
            "kinds": self.kinds,
            "partitions": [
                {
                    "topic": each.topic,
                    "partition": each.partition,
                    "first": each.first,
                    "end": each.end,
                    "messages": each.messages,
                    "bytes": each.bytes,
                    "lag": each.lag,
                }
                for each in self.partitions
            ],
            "trouble": self.trouble or None,
        }


def spread(ages_s: Sequence[float]) -> dict[str, float] | None:
    """Smallest, middle and largest of some ages in seconds; None of none."""
    if not ages_s:
        return None
    return {
        "min": round(min(ages_s), 3),
        "median": round(median(ages_s), 3),
        "max": round(max(ages_s), 3),
    }
