"""A Kafka broker for a benchmark: the one in ``KAFKA_BOOTSTRAP``, else one that lasts as long as the run.

It stands apart because a broker can only be started in a checkout, where its tools lie beside the tests.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bridge.errors import UsageError

__all__ = ["broker_at_hand", "drop_topic", "new_topic"]

DEADLINE_S = 60.0
ANSWER_S = 10.0
REMEDY = "Set KAFKA_BOOTSTRAP to host:port of one that runs."


@contextmanager
def broker_at_hand() -> Iterator[tuple[str, str]]:
    """A broker's address (host:port) and where it is from.

    Raises
    ------
    UsageError
        If none is given and none can be started.
    """
    given = os.environ.get("KAFKA_BOOTSTRAP")
    if given:
        _check(given)
        yield given, f"the broker at {given}"
        return
    tool = _broker_of_the_tests()
    with tempfile.TemporaryDirectory(prefix="kafka-") as folder:
        broker = tool.Broker(Path(folder) / "broker")
        try:
            broker.__enter__()
        except (tool.UnavailableError, RuntimeError) as problem:
            raise UsageError(f"No Kafka broker can be started: {problem}. {REMEDY}") from None
        try:
            yield broker.bootstrap, "Apache Kafka on this machine, started for this run"
        finally:
            broker.stop()


def _check(bootstrap: str) -> None:
    try:
        AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=ANSWER_S)
    except KafkaException as error:
        raise UsageError(
            f"No Kafka broker answers at {bootstrap}, which KAFKA_BOOTSTRAP names ({error.args[0].str()})."
        ) from None


def _broker_of_the_tests() -> Any:
    place = Path(__file__).resolve().parents[1] / "tests" / "kafka"
    if not (place / "kafka_broker.py").is_file():
        raise UsageError(f"Only in a checkout of the source tree a Kafka broker can be started. {REMEDY}")
    if str(place) not in sys.path:
        sys.path.append(str(place))
    return importlib.import_module("kafka_broker")


def new_topic(bootstrap: str, stem: str, partitions: int = 1) -> str:
    """Make a topic and wait until it can be written to."""
    name = f"{stem}-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    # What is dropped goes at once: what the disk has not got yet it need not write.
    config = {"file.delete.delay.ms": "1000"}
    topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config)
    admin.create_topics([topic])[name].result(60)
    limit = time.monotonic() + DEADLINE_S
    while time.monotonic() < limit:
        known = admin.list_topics(name, timeout=10).topics[name].partitions
        if len(known) == partitions and all(place.leader >= 0 for place in known.values()):
            return name
        time.sleep(0.05)
    raise UsageError(f"Kafka at {bootstrap} has not made topic {name} within {DEADLINE_S:g} s.")


def drop_topic(bootstrap: str, name: str) -> None:
    """Give the room of a topic back."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    admin.delete_topics([name])[name].result(60)
