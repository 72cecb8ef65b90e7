"""Messages of a topic as they came, before anything is made of them: also those that nothing can be made of.

An archive must keep what cannot be decoded today, and a person who looks for a fault must see it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from bridge.alerts.packet import Origin
from bridge.alerts.store import SchemaStore
from bridge.errors import UsageError
from bridge.streams.kafka.settings import KafkaSettings, load_settings
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.url import KafkaUrl, is_kafka_url, parse_url

__all__ = ["Message", "RawSource", "kafka_url", "open_messages", "place_of"]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a topic.

    Parameters
    ----------
    value
        Its bytes; None for a tombstone.
    origin
        Where it came from, with key, headers and time.
    """

    value: bytes | None
    origin: Origin

    @property
    def timestamp_ms(self) -> int | None:
        """Unix milliseconds (UTC) that the topic gives it."""
        envelope = self.origin.envelope
        return None if envelope is None else envelope.timestamp_ms

    @property
    def size(self) -> int:
        """Bytes of the value."""
        return len(self.value or b"")


class RawSource(KafkaSource):
    """As `KafkaSource`, but its batches hold a `Message` for each message."""

    def _items(self, value: bytes | None, origin: Origin) -> Iterable[Any]:
        return (Message(value, origin),)

    def batches(self) -> Iterator[tuple[list[Message], dict[str, int]]]:
        """Messages and the positions reached with them; without messages a sign of life."""
        for batch in self:
            yield cast(list[Message], list(batch)), batch.positions


def kafka_url(text: str) -> KafkaUrl:
    """Read the URL of a topic.

    Raises
    ------
    UsageError
        If it is none.
    """
    if not is_kafka_url(text):
        raise UsageError(f"{text} names no topic; write kafka://host[:9092]/topic.")
    return parse_url(text)


def open_messages(
    url: str,
    *,
    kafka_config: str | os.PathLike[str] | None = None,
    group: str | None = None,
    start: str | None = None,
    resume: Mapping[str, int] | None = None,
    follow: bool,
    stop: Callable[[], bool],
    member: str = "",
) -> RawSource:
    """Open topics for reading messages as they came.

    Parameters
    ----------
    url
        ``kafka://host[:9092][,host]/topic[,topic]``.
    kafka_config
        Settings of the client: a file, or the name of a preset.
    group
        Consumer group to read in, over that of the settings; empty to read alone.
    start
        "earliest" or "latest", over the settings: where a partition begins that `resume` does not know.
    resume
        Positions of an earlier run.
    follow
        Wait for new messages.
    stop
        Asked after every wait.
    member
        Name of this process in its group, the same in every run.

    Raises
    ------
    UsageError
        If the URL or a setting cannot be used.
    """
    topics = kafka_url(url)
    settings = load_settings(kafka_config)
    given = {"auto.offset.reset": start, "group.id": group}
    values = {**settings.values, **{key: value for key, value in given.items() if value is not None}}
    if not values.get("group.id", "-"):
        del values["group.id"]
    return RawSource(
        topics,
        KafkaSettings(values, settings.origin),
        SchemaStore(),
        resume or {},
        follow=follow,
        stop=stop,
        member=member,
    )


def place_of(partition: str) -> tuple[str, int]:
    """Topic and number of a partition by its name in positions (``kafka://cluster/topic/0``)."""
    topic, _, number = partition.partition("://")[2].partition("/")[2].rpartition("/")
    return topic, int(number)
