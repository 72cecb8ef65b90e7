"""What flows through topics, in numbers: rates, sizes, lag, age, and which schemas the messages have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from bridge.alerts.packet import Document, Item, Packet, Refusal

__all__ = ["Monitor", "TopicReport"]


@dataclass(slots=True)
class TopicReport:
    """One topic since the report before.

    Attributes
    ----------
    messages, bytes, refused
        Since the monitor was started; refused are those that are no known packet.
    per_second, bytes_per_second
        In the last interval.
    lag
        Messages that wait in the broker; None while that is not known.
    age_s
        Age of the newest message seen, in seconds; None before the first.
    schemas
        Name and, in wire format, id of the schemas, to the number of packets.
    """

    topic: str
    messages: int = 0
    bytes: int = 0
    refused: int = 0
    per_second: float = 0.0
    bytes_per_second: float = 0.0
    lag: int | None = None
    age_s: float | None = None
    schemas: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class _Tally:
    messages: int = 0
    bytes: int = 0
    refused: int = 0
    reported_messages: int = 0
    reported_bytes: int = 0
    newest_ms: int | None = None
    schemas: Counter[str] = field(default_factory=Counter)


class Monitor:
    """Counts what comes, and reports it by topic.

    Parameters
    ----------
    now_s
        Unix seconds (UTC) of the start.
    """

    def __init__(self, now_s: float) -> None:
        self._tallies: dict[str, _Tally] = {}
        self._reported_s = now_s

    def take(self, batch: Sequence[Item]) -> None:
        """Count the messages of a batch; the records of one message are one."""
        last: Any = None
        for item in batch:
            tally = self._tallies.setdefault(PurePath(item.origin.partition).parts[-2], _Tally())
            tally.schemas[_kind(item)] += 1
            if item.origin == last:
                continue
            last = item.origin
            tally.messages += 1
            tally.bytes += len(item.data)
            tally.refused += isinstance(item, Refusal)
            envelope = item.origin.envelope
            if envelope is not None and envelope.timestamp_ms is not None:
                tally.newest_ms = max(tally.newest_ms or 0, envelope.timestamp_ms)

    def report(self, now_s: float, lags: Mapping[str, int]) -> list[TopicReport]:
        """What came since the last report.

        Parameters
        ----------
        now_s
            Unix seconds (UTC).
        lags
            Topic to the messages that wait in the broker.
        """
        seconds = max(now_s - self._reported_s, 1e-9)
        self._reported_s = now_s
        reports = []
        for topic in sorted(self._tallies.keys() | lags.keys()):
            tally = self._tallies.setdefault(topic, _Tally())
            reports.append(
                TopicReport(
                    topic,
                    tally.messages,
                    tally.bytes,
                    tally.refused,
                    round((tally.messages - tally.reported_messages) / seconds, 3),
                    round((tally.bytes - tally.reported_bytes) / seconds, 1),
                    lags.get(topic),
                    None if tally.newest_ms is None else round(now_s - tally.newest_ms / 1000, 3),
                    dict(tally.schemas.most_common()),
                )
            )
            tally.reported_messages, tally.reported_bytes = tally.messages, tally.bytes
        return reports


def _kind(item: Item) -> str:
    if isinstance(item, Document):
        return item.kind
    if isinstance(item, Refusal):
        return "refused"
    assert isinstance(item, Packet)
    if item.framing == "confluent":
        return f"{item.schema.name} (id {int.from_bytes(item.data[item.start - 4 : item.start], 'big')})"
    return item.schema.name
