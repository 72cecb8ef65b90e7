"""The example for MirrorMaker copies a survey's topic from one broker to another, where a feed reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from committed import Message, committed
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)
from feeding import entries_of, feed_command, identifiers
from kafka_broker import HEAP, Broker
from kafka_config import GUEST, PASSWORD
from kafka_jars import MIRROR_MAKER, UnavailableError, fetch_jars
from processes import wait_for
from reading import settings

from bridge.simulate import simulate

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mirror-maker.properties"
ALERTS = 200
TOPIC = "lsst-alerts-v10"
OPEN_TOPIC = "lsst-alerts-v9"


@contextmanager
def mirror_maker(survey: Broker, home: Broker, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The example at work between two brokers; nothing of it is changed but the addresses."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for written, real in (
        ("rubin-alert-stream-bootstrap.slac.stanford.edu:9094", survey.address("SCRAM")),
        ("localhost:9092", home.bootstrap),
    ):
        assert text.count(written) == 1
        text = text.replace(written, real)
    path = folder / EXAMPLE.name
    path.write_text(text)
    logging = f"-Dlog4j2.configurationFile={home.folder / 'log4j2.xml'}"
    name = "org.apache.kafka.connect.mirror.MirrorMaker"
    command = ["java", *HEAP, logging, "-cp", f"{fetch_jars(MIRROR_MAKER)}/*", name, str(path)]
    credentials = {"LSST_KAFKA_USERNAME": GUEST, "LSST_KAFKA_PASSWORD": PASSWORD}
    with (folder / "mirror.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **credentials})
    try:
        yield process
    finally:
        # It keeps nothing that a kill could cost, and takes its time to end otherwise.
        process.kill()
        process.wait()


def allow_reading_only(topics: Any, topic: str) -> None:
    """Let the guest read a topic, and do nothing else with it."""
    place = (ResourceType.TOPIC, topic, ResourcePatternType.LITERAL)
    rights = [(GUEST, AclOperation.READ), (GUEST, AclOperation.DESCRIBE), ("ANONYMOUS", AclOperation.ALL)]
    bindings = [AclBinding(*place, f"User:{who}", "*", what, AclPermissionType.ALLOW) for who, what in rights]
    for done in topics.admin.create_acls(bindings).values():
        done.result(60)


def of_one_partition(messages: list[Message]) -> dict[bytes | None, list[Message]]:
    """The test's messages have their partition for a key."""
    return {key: [m for m in messages if m.key == key] for key in {m.key for m in messages}}


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_mirrored_topic_is_the_same_message_for_message_though_the_mirror_is_killed(
    kafka: Broker, topics: Any, own_kafka: Broker, topics_of: Callable[[Broker], Any], tmp_path: Path,
    lsst_distribution: Path,
) -> None:  # fmt: skip
    try:
        fetch_jars(MIRROR_MAKER)
    except UnavailableError as problem:
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail(f"REQUIRE_KAFKA is set, and MirrorMaker cannot be started: {problem}")
        pytest.skip(f"MirrorMaker cannot be started: {problem}")
    alerts = [alert for visit in simulate("lsst", visits=4, alerts=ALERTS // 4, seed=3) for alert in visit]
    assert len(alerts) == ALERTS
    topics.new(TOPIC, partitions=3, exact=True)
    topics.new("another-topic", exact=True)
    # What a guest may not ask about is made at home beforehand; a topic open to questions MirrorMaker makes.
    allow_reading_only(topics, TOPIC)
    at_home = topics_of(own_kafka)
    at_home.new(TOPIC, partitions=3, exact=True)
    topics.fill(topics.new(OPEN_TOPIC, exact=True), b"the only one", key=b"k")
    sending = enumerate(alerts)

    def send(count: int) -> None:
        for number, alert in islice(sending, count):
            topics.send(TOPIC, alert.packet.data, key=b"%d" % (number % 3), partition=number % 3,
                        headers=[("n", b"\x00%d" % number), ("empty", None), ("n", b"")])  # fmt: skip
        topics.flush()

    def mirrored() -> int:
        return len(committed(own_kafka, TOPIC))

    def is_open_one_there() -> bool:
        there = at_home.admin.list_topics(timeout=10).topics
        return OPEN_TOPIC in there and bool(committed(own_kafka, OPEN_TOPIC))

    send(ALERTS // 2)
    with mirror_maker(kafka, own_kafka, tmp_path) as process:
        wait_for(lambda: mirrored() >= ALERTS // 2 or process.poll() is not None, "the first half")
        wait_for(is_open_one_there, "the topic that MirrorMaker makes")
        assert process.poll() is None, (tmp_path / "mirror.log").read_text()
        # It is killed with these on their way, and may leave a transaction open.
        send(ALERTS // 4)
    send(ALERTS)
    with mirror_maker(kafka, own_kafka, tmp_path) as process:
        wait_for(lambda: mirrored() >= ALERTS or process.poll() is not None, "the other half")
        assert process.poll() is None, (tmp_path / "mirror.log").read_text()
    # All of it by partition and in order: value, key, headers and time.
    original, copy = (of_one_partition(committed(broker, TOPIC)) for broker in (kafka, own_kafka))
    assert sum(map(len, original.values())) == ALERTS
    assert copy == original
    assert committed(own_kafka, OPEN_TOPIC) == committed(kafka, OPEN_TOPIC)
    assert PASSWORD not in (tmp_path / "mirror.log").read_text()
    assert "another-topic" not in at_home.admin.list_topics(timeout=10).topics
    # A guest has left nothing at the survey.
    assert not [name for name in topics.admin.list_topics(timeout=10).topics if "mm2" in name]

    url = f"kafka://{own_kafka.bootstrap}/{TOPIC}"
    more = ("--broadcast", 0, "--once", "--history", "none", "--schemas", lsst_distribution)
    command = feed_command(url, tmp_path, "feed", settings(tmp_path), *more)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    found = identifiers(entries_of(tmp_path, "feed"))
    assert sorted(found) == sorted(str(alert.identifier) for alert in alerts)
