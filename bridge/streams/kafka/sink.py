"""A sink that is a Kafka topic: packets leave it byte for byte, with what came beside them."""

from __future__ import annotations

from bridge.alerts.packet import Document, Envelope, Packet
from bridge.errors import UsageError
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import KafkaUrl
from bridge.streams.naming import file_bytes
from bridge.streams.sink import BaseSink

__all__ = ["KafkaSink", "check_target", "message_bytes"]

_NOTHING = Envelope()


class KafkaSink(BaseSink):
    """Sends packets to a topic; when it is closed, the broker has all of them.

    Parameters
    ----------
    url
        Brokers and one topic.
    settings
        Of the client.
    outbox
        To send by, where several sinks share one.

    Raises
    ------
    UsageError
        If the URL does not name one topic.
    SourceError
        If the broker cannot be used.
    """

    def __init__(self, url: KafkaUrl, settings: KafkaSettings, outbox: Outbox | None = None) -> None:
        self.topic = check_target(url)
        self.outbox = outbox or Outbox(url, settings)

    def write(self, packet: Packet | Document) -> None:
        """Send a packet; raises `SourceError` if it, or one before it, cannot be delivered."""
        envelope = packet.origin.envelope or _NOTHING
        self.outbox.send(
            self.topic,
            message_bytes(packet),
            key=envelope.key,
            headers=envelope.headers,
            timestamp_ms=envelope.timestamp_ms,
        )

    def close(self) -> None:
        """Wait until the broker has all; raises `SourceError` if it does not take it."""
        self.outbox.flush()

    def discard(self) -> None:
        """Send nothing more; what the broker has stays there."""
        self.outbox.discard()


def check_target(url: KafkaUrl) -> str:
    """The one topic that a URL names.

    Raises
    ------
    UsageError
        If it names several, or a pattern.
    """
    if len(url.topics) != 1 or "*" in url.topics[0] or "{" in url.topics[0]:
        raise UsageError(f"Packets are sent to one topic, named in full; {url} names others.")
    return url.topics[0]


def message_bytes(packet: Packet | Document) -> bytes:
    """The message that a packet becomes: as it arrived if it arrived alone, else framed anew."""
    if isinstance(packet, Document) or packet.whole:
        return packet.data
    return file_bytes(packet)
