"""Members of one group: partitions change hands in good order, and no message is handed over by two."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from kafka_broker import Broker
from reading import Following, settings

CONFIG = 'auto.offset.reset = "earliest"\nsession.timeout.ms = 30000\nheartbeat.interval.ms = 200\n'


def xml(*numbers: int) -> list[bytes]:
    return [f"<v>{number}</v>".encode() for number in numbers]


def test_partitions_change_hands_and_no_message_comes_twice(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("shared", partitions=4)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    config = settings(tmp_path, f'{CONFIG}group.id = "{topic}"\n')
    one = Following(url, kafka_config=config, member="one")
    for number in range(40):
        topics.fill(topic, *xml(number), partition=number % 4)
    one.until(lambda: len(one.texts) == 40, "all messages by the only member")
    two = Following(url, kafka_config=config, member="two")
    # From here on both must be asked in turn, as two processes would go on side by side.
    shares = [one, two]
    number = 40
    for _ in range(200):
        topics.fill(topic, *xml(number), partition=number % 4)
        number += 1
        for member in shares:
            member.batches.append(next(member.taking))
        if len(two.texts) >= 4:
            break
    else:
        raise AssertionError("the second member got no share")
    for _ in range(200):
        if len(one.texts) + len(two.texts) >= number:
            break
        for member in shares:
            member.batches.append(next(member.taking))
    read = one.texts + two.texts
    assert sorted(read) == sorted(value.decode() for value in xml(*range(number)))
    for member in shares:
        member.close()
    assert len(one.texts) + len(two.texts) == number


def test_progress_is_committed_for_monitors(kafka: Broker, topics: Any, tmp_path: Path) -> None:
    topic = topics.new("shared")
    config = settings(tmp_path, f'{CONFIG}group.id = "{topic}"\n')
    feed = Following(f"kafka://{kafka.bootstrap}/{topic}", kafka_config=config)
    topics.fill(topic, *xml(1, 2, 3))
    feed.until(lambda: len(feed.texts) == 3, "three messages")
    # Asking for the next batch says that the one before is kept.
    feed.batches.append(next(feed.taking))
    feed.close()
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic})
    try:
        (committed,) = consumer.committed([TopicPartition(topic, 0)], timeout=30)
    finally:
        consumer.close()
    assert committed.offset == 3
