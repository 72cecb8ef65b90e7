"""One broker for all test processes, a way to make topics in it, and brokers that a test has to itself."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from kafka_broker import Broker, UnavailableError
from kafka_jars import fetch_jars
from processes import wait_for

START_S = 150.0
NOT_YET = (
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
)


@pytest.fixture(scope="session")
def broker_possible() -> None:
    """Skip what needs a broker where none can be started; under REQUIRE_KAFKA that is a failure."""
    try:
        fetch_jars()
    except UnavailableError as problem:
        if os.environ.get("REQUIRE_KAFKA"):
            pytest.fail(f"REQUIRE_KAFKA is set, and no Kafka broker can be started: {problem}")
        pytest.skip(f"no Kafka broker can be started: {problem}")


@pytest.fixture(scope="session")
def kafka(
    broker_possible: None, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[Broker]:
    """The broker that all test processes share; the first that wants it starts it, it ends after the last."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "kafka"
    folder.mkdir(exist_ok=True)
    state = folder / "state.json"
    with (folder / "users").open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        with (folder / "starting").open("a") as starting:
            fcntl.flock(starting, fcntl.LOCK_EX)
            if not state.exists():
                _start_keeper(folder, state)
            ports = json.loads(state.read_text())
        yield Broker(folder / "broker", ports)


def _start_keeper(folder: Path, state: Path) -> None:
    with (folder / "keeper.log").open("ab") as log:
        command = [sys.executable, str(Path(__file__).with_name("kafka_broker.py")), str(folder)]
        keeper = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    wait_for(lambda: state.exists() or keeper.poll() is not None, "the broker to come up", START_S)
    assert state.exists(), (folder / "keeper.log").read_text()


class Topics:
    """Makes topics in a broker, and fills them."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.admin = AdminClient({"bootstrap.servers": broker.bootstrap, "log_level": 0})
        self._failures: list[object] = []
        config = {"linger.ms": 1, "enable.idempotence": True, "reconnect.backoff.max.ms": 1000}
        self._producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **config})

    def new(self, stem: str = "topic", *, partitions: int = 1, exact: bool = False, **config: str) -> str:
        """A new topic, empty; its name is unique unless it must be exactly `stem`."""
        name = stem if exact else f"{stem}-{uuid.uuid4().hex[:8]}"
        settings = {key.replace("_", "."): value for key, value in config.items()}
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=settings)
        self.admin.create_topics([topic])[name].result(60)
        wait_for(lambda: self.is_led(name, partitions), f"topic {name} to be ready")
        return name

    def is_led(self, name: str, partitions: int) -> bool:
        """Whether a topic has so many partitions, each with a leader."""
        known = self.admin.list_topics(name, timeout=10).topics[name]
        return len(known.partitions) == partitions and all(p.leader >= 0 for p in known.partitions.values())

    def members(self, group: str) -> int:
        """How many members of a group have partitions; none while the broker gets ready for it."""
        try:
            known = self.admin.describe_consumer_groups([group])[group].result(60)
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET:
                raise
            return 0
        return sum(bool(member.assignment.topic_partitions) for member in known.members)

    def fill(self, topic: str, *values: bytes | None, partition: int = -1, **more: object) -> None:
        """Send messages and wait until the broker has them."""
        for value in values:
            self.send(topic, value, partition=partition, **more)
        self.flush()

    def send(self, topic: str, value: bytes | None, **more: Any) -> None:
        """Send a message without waiting."""
        self._producer.produce(topic, value, on_delivery=self._told, **more)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until the broker has all that was sent."""
        assert self._producer.flush(60) == 0
        assert not self._failures, self._failures

    def _told(self, error: object, _message: object) -> None:
        if error is not None:
            self._failures.append(error)


@pytest.fixture
def topics(kafka: Broker) -> Topics:
    return Topics(kafka)


@pytest.fixture
def own_kafka(broker_possible: None, tmp_path: Path) -> Iterator[Broker]:
    """A broker for this test alone, which may stop it."""
    with Broker(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def topics_of() -> Callable[[Broker], Topics]:
    return Topics
