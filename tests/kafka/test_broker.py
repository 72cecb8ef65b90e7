"""The broker that the tests run on is a real one: what is sent to it, it keeps in order."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, TopicPartition
from kafka_broker import Broker


def test_a_real_broker_keeps_messages_in_order(kafka: Broker, topics: Any) -> None:
    topic = topics.new(partitions=2)
    topics.fill(topic, b"one", b"two", b"three", partition=1)
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "order"})
    try:
        consumer.assign([TopicPartition(topic, 1, 0)])
        values: list[bytes | None] = []
        while len(values) < 3:
            messages = consumer.consume(3, timeout=60)
            assert messages, "three messages within a minute"
            values += [message.value() for message in messages]
    finally:
        consumer.close()
    assert values == [b"one", b"two", b"three"]
