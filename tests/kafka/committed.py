"""What readers of committed messages find in a topic."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition
from kafka_broker import Broker

__all__ = ["Message", "committed", "keys"]


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


def keys(broker: Broker, topic: str) -> list[str]:
    """The keys of all messages of a topic, in order."""
    return sorted((message.key or b"").decode() for message in committed(broker, topic))
