"""What a bad night may bring: broker and feed killed together, topics that grow and shrink."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions
from feeding import Survey, entries_of, feed_command, identifiers
from kafka_broker import Broker
from processes import ready_port, running, wait_for
from reading import settings

from bridge.errors import SourceError
from bridge.journal import JournalReader

FROM_START = 'auto.offset.reset = "earliest"\n'


def published(journal: Path) -> int:
    try:
        with JournalReader.open(journal) as reader:
            return reader.last_seq()
    except SourceError:
        return 0


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_broker_and_feed_killed_at_the_same_time_lose_nothing_and_repeat_nothing(
    own_kafka: Broker, topics_of: Callable[[Broker], Any], tmp_path: Path
) -> None:
    topics = topics_of(own_kafka)
    topic = topics.new("survey", partitions=2)
    journal, log = tmp_path / "feed.journal", tmp_path / "feed.log"
    log.touch()
    url = f"kafka://{own_kafka.bootstrap}/{topic}"
    feed = feed_command(url, tmp_path, "feed", settings(tmp_path, FROM_START), "--broadcast", 0)
    survey = Survey(topics, topic, 360, pause_s=0.02)
    survey.start()
    at_kill = []
    for number in range(2):
        skip = log.stat().st_size
        with running(feed, log) as process:
            ready_port(process, log, skip)
            target = published(journal) + 15
            wait_for(lambda target=target: published(journal) >= target, "events to be published")
            # One is dead a moment before the other, each time the other one.
            kills = [process.kill, lambda: own_kafka.stop(signal.SIGKILL)]
            for kill in kills if number else reversed(kills):
                kill()
            process.wait()
        at_kill.append(published(journal))
        own_kafka.start()
    survey.hurry.set()
    survey.join()
    skip = log.stat().st_size
    with running(feed, log) as process:
        ready_port(process, log, skip)
        wait_for(lambda: published(journal) >= 360, "all alerts in the journal")
    assert at_kill[-1] < 360
    assert sorted(identifiers(entries_of(tmp_path, "feed"))) == sorted(survey.identifiers)
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_a_topic_grows_while_the_feed_runs_and_shrinks_while_it_is_away(
    kafka: Broker, topics: Any, topics_of: Callable[[Broker], Any], tmp_path: Path
) -> None:
    topic = topics.new("survey")
    journal, log = tmp_path / "feed.journal", tmp_path / "feed.log"
    url = f"kafka://{kafka.bootstrap}/{topic}"
    feed = feed_command(url, tmp_path, "feed", settings(tmp_path, FROM_START), "--broadcast", 0)
    alerts = Survey(topics, topic, 120).alerts

    def send(some: slice, partition: int) -> None:
        # A producer of its own, that knows how many partitions there are by now.
        topics_of(kafka).fill(topic, *(data for _, data in alerts[some]), partition=partition)

    with running(feed, log) as process:
        ready_port(process, log)
        send(slice(0, 30), 0)
        wait_for(lambda: published(journal) >= 30, "the first partition")
        topics.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(60)
        wait_for(lambda: topics.is_led(topic, 2), "the partition to have a leader")
        send(slice(30, 60), 1)
        wait_for(lambda: published(journal) >= 60, "the partition that was added")
    # Retention passes over 25 of the alerts that come while the feed is away.
    send(slice(60, 100), 0)
    send(slice(100, 110), 1)
    places = [TopicPartition(topic, 0, 55), TopicPartition(topic, 1, 30)]
    for gone in topics.admin.delete_records(places).values():
        gone.result(60)
    with running(feed, log):
        wait_for(lambda: published(journal) >= 85, "what the broker still has")
        send(slice(110, 120), 1)
        wait_for(lambda: published(journal) >= 95, "what comes afterwards")
    expected = [name for number, (name, _) in enumerate(alerts) if not 60 <= number < 85]
    assert sorted(identifiers(entries_of(tmp_path, "feed"))) == sorted(expected)
    told = re.findall(r"warning .*\bdeleted\b.*", log.read_text())
    assert len(told) == 1
    assert f"25 messages of {topic} (partition 0, offsets 30 to 54)" in told[0]
