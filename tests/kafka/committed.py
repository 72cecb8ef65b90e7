"""What readers of committed messages find in a topic."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, IsolationLevel, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from kafka_broker import Broker
from processes import wait_for

__all__ = ["Message", "committed", "keys", "wait_until_visible"]


@dataclass(frozen=True)
class Message:
    """A message as a reader of committed messages sees it."""

    value: bytes
    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    time_ms: int


def committed(broker: Broker, topic: str) -> list[Message]:
    """All messages of a topic, partition after partition, for readers of committed ones."""
    config = {"group.id": "reader", "isolation.level": "read_committed", "enable.partition.eof": True}
    reader = Consumer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **config})
    found: dict[int, list[Message]] = defaultdict(list)
    try:
        partitions = list(reader.list_topics(topic, timeout=30).topics[topic].partitions)
        reader.assign([TopicPartition(topic, number, 0) for number in partitions])
        ended: set[int] = set()
        while len(ended) < len(partitions):
            message: Any = reader.poll(30)
            assert message is not None, f"{topic} is silent"
            if message.error() is None:
                head = tuple(message.headers() or ())
                one = Message(message.value(), message.key(), head, message.timestamp()[1])
                found[message.partition()].append(one)
            else:
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                ended.add(message.partition())
    finally:
        reader.close()
    return [message for number in sorted(found) for message in found[number]]


def wait_until_visible(broker: Broker, *topics: str) -> None:
    """A transaction is committed a moment before its messages can be read: wait for that moment to pass."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
    places = [
        TopicPartition(topic, number)
        for topic in topics
        for number in admin.list_topics(topic, timeout=30).topics[topic].partitions
    ]

    def ends(level: IsolationLevel) -> list[int]:
        wanted = {place: OffsetSpec.latest() for place in places}
        found = admin.list_offsets(wanted, isolation_level=level)
        return [found[place].result(30).offset for place in places]

    wait_for(
        lambda: ends(IsolationLevel.READ_COMMITTED) == ends(IsolationLevel.READ_UNCOMMITTED),
        f"{', '.join(topics)} to show what was committed",
    )


def keys(broker: Broker, topic: str) -> list[str]:
    """The keys of all messages of a topic, in order."""
    return sorted((message.key or b"").decode() for message in committed(broker, topic))
