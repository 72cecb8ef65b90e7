"""Where filtered topics go: into topics, with or without transactions, or into folders."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from bridge.alerts.packet import Envelope, Packet, Refusal
from bridge.convert.topics import commit_offsets
from bridge.errors import UsageError
from bridge.filters import FilterSet
from bridge.streams import Sink
from bridge.streams.kafka.cursors import place_of
from bridge.streams.kafka.outbox import BY_KEY, Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import KafkaSink, check_target, message_bytes
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.transactions import Transactions
from bridge.streams.kafka.url import KafkaUrl

__all__ = ["FolderOutlet", "TopicOutlet", "target_topics", "topic_sinks"]

_log = logging.getLogger(__name__)

_NOTHING = Envelope()

HEADER_CHARACTERS = 10_000
"""Longest reason in a header: a packet of 100 kB can break rules a thousand times, or in one long value."""


def target_topics(url: KafkaUrl, filters: FilterSet) -> tuple[str, ...]:
    """The topic of each filter: that of the URL, or for named filters the URL's, a dot and the name.

    Raises
    ------
    UsageError
        If the URL does not name one topic, or a name would be too long.
    """
    stem = check_target(url)
    if not any(filters.names):
        return (stem,)
    prefix = stem if stem[-1] in "-._" else f"{stem}."
    topics = tuple(prefix + name for name in filters.names)
    longest = max(topics, key=len)
    if len(longest) > 249:
        raise UsageError(
            f"{longest!r} is too long for the name of a topic, which has 249 characters at most."
        )
    return topics


def topic_sinks(url: KafkaUrl, settings: KafkaSettings, filters: FilterSet) -> list[Sink]:
    """A sink for each filter, which share one connection.

    Raises
    ------
    UsageError
        As `target_topics`.
    SourceError
        If the broker cannot be used, or lacks a topic.
    """
    topics = target_topics(url, filters)
    outbox = Outbox(KafkaUrl(url.servers, topics), settings)
    return [KafkaSink(KafkaUrl(url.servers, (topic,)), settings, outbox) for topic in topics]


def _header(text: str) -> bytes:
    if len(text) > HEADER_CHARACTERS:
        text = f"{text[:HEADER_CHARACTERS]} ... ({len(text):,} characters)"
    return text.encode(errors="backslashreplace")


class TopicOutlet:
    """Sends alerts to topics, each as it came.

    Parameters
    ----------
    outbox
        Sends.
    topics
        The topic of each filter.
    transactions
        Made of the same outbox; without them an alert may come twice after a crash.
    dead_letters
        Topic for what is refused.
    in_order
        Who reads the topics counts on the order of alerts: it is said where that is lost.
    """

    def __init__(
        self,
        outbox: Outbox,
        topics: Sequence[str],
        transactions: Transactions | None,
        dead_letters: str = "",
        *,
        in_order: bool = False,
    ) -> None:
        self._outbox = outbox
        self._topics = topics
        self._transactions = transactions
        self._dead_letters = dead_letters
        self._in_order = in_order
        self._partitions: dict[str, int] = {}

    def reading(self, partitions: Mapping[str, int]) -> None:
        """Where a topic read and one written have the same number of partitions, alerts stay in theirs."""
        new = {topic: count for topic, count in partitions.items() if topic not in self._partitions}
        self._partitions = dict(partitions)
        for source, count in new.items():
            for topic in self._topics:
                if self._in_order and self._outbox.partitions[topic] != count:
                    _log.warning(
                        "%s has %d partitions and %s has %d: alerts get out of order between them, and caps "
                        "behind may close a visit too early. Make it with %d partitions.",
                        topic,
                        self._outbox.partitions[topic],
                        source,
                        count,
                        count,
                    )

    def write(self, index: int, packet: Packet) -> None:
        """Send an alert; raises `SourceError` if it, or one before it, cannot be delivered."""
        envelope = packet.origin.envelope or _NOTHING
        topic = self._topics[index]
        source, number = place_of(packet.origin.partition)
        stays = self._partitions.get(source) == self._outbox.partitions[topic]
        self._send(topic, message_bytes(packet), envelope, number if stays else BY_KEY)

    def refuse(self, refusal: Refusal) -> None:
        """Send what is refused to the dead-letter topic, with reason, findings and position as headers."""
        if self._dead_letters:
            envelope = refusal.origin.envelope or _NOTHING
            about = [("reason", _header(refusal.reason)), ("origin", str(refusal.origin).encode())]
            if refusal.findings:
                about.append(("findings", _header("\n".join(refusal.findings))))
            marked = Envelope(envelope.key, (*envelope.headers, *about), envelope.timestamp_ms)
            self._send(self._dead_letters, refusal.data, marked)

    def commit(self, positions: Mapping[str, int], source: KafkaSource) -> None:
        """Have the broker keep all that was sent, and the positions."""
        if self._transactions is not None:
            self._transactions.commit(positions, source.consumer)
        else:
            self._outbox.flush()
            commit_offsets(positions, source)

    def _send(self, topic: str, value: bytes, envelope: Envelope, partition: int = BY_KEY) -> None:
        if self._transactions is not None:
            self._transactions.begin()
        self._outbox.send(
            topic,
            value,
            key=envelope.key,
            headers=envelope.headers,
            timestamp_ms=envelope.timestamp_ms,
            partition=partition,
        )


class FolderOutlet:
    """Keeps alerts in folders; a file that comes twice replaces itself.

    Parameters
    ----------
    sinks
        The sink of each filter.
    """

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks

    def reading(self, partitions: Mapping[str, int]) -> None:
        """Nothing: files have no partitions."""

    def write(self, index: int, packet: Packet) -> None:
        """Keep an alert; raises `SourceError` if that fails."""
        self._sinks[index].write(packet)

    def refuse(self, refusal: Refusal) -> None:
        """Nothing: the command names it."""

    def commit(self, positions: Mapping[str, int], source: KafkaSource) -> None:
        """When the files are on the disk, commit the positions."""
        for sink in self._sinks:
            sink.secure()
        commit_offsets(positions, source)
