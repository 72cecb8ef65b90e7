"""Where a group begins: as it is told when it is new, and afterwards nowhere but where it has been."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import NewPartitions
from kafka_broker import Broker
from processes import wait_for
from reading import Following, reached, settings


def member(broker: Broker, folder: Path, topics: str, group: str) -> Following:
    """A member of a group without a journal that would know anything."""
    config = settings(folder, f'group.id = "{group}"\nheartbeat.interval.ms = 200\n')
    return Following(f"kafka://{broker.bootstrap}/{topics}", kafka_config=config)


def begin_and_leave(broker: Broker, folder: Path, topics: str, group: str) -> list[str]:
    """A new group begins, and its only member leaves; gives what it has read."""
    first = member(broker, folder, topics, group)
    first.until(lambda: first.positions, "the place where the group begins")
    first.close()
    return first.texts


def test_partitions_that_came_while_a_group_was_away_are_read_from_their_first_message(
    kafka: Broker, topics: Any, topics_of: Callable[[Broker], Any], tmp_path: Path
) -> None:
    topic = topics.new("grows")
    topics.fill(topic, b"<v>long ago</v>")
    assert begin_and_leave(kafka, tmp_path, topic, topic) == []
    topics.fill(topic, b"<v>1</v>")
    topics.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(60)
    wait_for(lambda: topics.is_led(topic, 2), "the new partition")
    topics_of(kafka).fill(topic, b"<v>2</v>", b"<v>3</v>", partition=1)
    second = member(kafka, tmp_path, topic, topic)
    second.until_texts("<v>1</v>", "<v>2</v>", "<v>3</v>")
    second.close()


def test_tonights_topic_that_was_made_while_a_group_was_away_is_read_from_its_first_message(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    group = f"g{uuid.uuid4().hex[:8]}"
    last_night, tonight = (
        f"{group}_{(datetime.now(UTC) - timedelta(days=days)).strftime('%Y%m%d')}" for days in (1, 0)
    )
    topics.new(last_night, exact=True)
    topics.fill(last_night, b"<v>long ago</v>")
    pattern = f"{group}_{{yyyymmdd}}"
    assert begin_and_leave(kafka, tmp_path, pattern, group) == []
    topics.new(tonight, exact=True)
    topics.fill(tonight, b"<v>1</v>")
    second = member(kafka, tmp_path, pattern, group)
    second.until_texts("<v>1</v>")
    second.close()


def test_members_that_come_later_find_where_the_group_began(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("shared", partitions=3)
    for number in range(3):
        topics.fill(topic, *[b"<v/>"] * (number + 1), partition=number)
    begin_and_leave(kafka, tmp_path, topic, topic)
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": topic})
    try:
        begun = consumer.committed([TopicPartition(topic, number) for number in range(3)], timeout=30)
    finally:
        consumer.close()
    assert [one.offset for one in begun] == [1, 2, 3]


def test_a_name_that_is_added_to_a_feed_begins_as_told_and_one_that_appears_with_its_first_message(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    old, added = topics.new("old"), topics.new("added")
    missing = f"{old}-later"
    topics.fill(added, b"<v>long ago</v>")
    url = f"kafka://{kafka.bootstrap}/{old}"
    config = settings(tmp_path)
    known: dict[str, int] = {}
    for names in (url, f"{url},{missing}"):
        first = Following(names, known, kafka_config=config)
        first.until(lambda first=first: first.positions, "the place where it begins")
        first.close()
        known |= first.positions
    topics.new(missing, exact=True)
    topics.fill(missing, b"<v>1</v>")
    topics.fill(old, b"<v>2</v>")
    second = Following(f"{url},{missing},{added}", known, kafka_config=config)
    second.until(lambda: len(second.texts) == 2, "what came meanwhile")
    topics.fill(added, b"<v>3</v>")
    second.until_texts("<v>1</v>", "<v>2</v>", "<v>3</v>")
    second.close()


def test_a_journal_that_does_not_say_what_was_looked_for_leaves_nothing_out_unless_told(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    old, other = topics.new("old"), topics.new("other")
    topics.fill(other, b"<v>1</v>")
    url = f"kafka://{kafka.bootstrap}/{old},{other}"
    config = settings(tmp_path)
    first = Following(f"kafka://{kafka.bootstrap}/{old}", kafka_config=config)
    first.until(lambda: first.positions, "the place where it begins")
    first.close()
    before = reached(first.positions)
    assert before != first.positions
    second = Following(url, before, kafka_config=config)
    second.until_texts("<v>1</v>")
    second.close()
    third = Following(url, before, kafka_config=config, start="latest")
    third.until(lambda: reached(third.positions), "the place where it begins")
    topics.fill(other, b"<v>2</v>")
    third.until_texts("<v>2</v>")
    third.close()
