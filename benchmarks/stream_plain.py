"""What a competent user writes with confluent-kafka and fastavro alone, each program a process of its own.

``python stream_plain.py receive BOOTSTRAP TOPIC`` prints a line per message: Unix time (s) and key.
``python stream_plain.py filter BOOTSTRAP TOPIC TARGET SCHEMA CONDITIONS`` is a member of the group TARGET: it
decodes LSST alerts and sends those that meet any of the conditions (a JSON file) to the topic TARGET.
"""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

__all__ = ["PROGRAM", "receiving"]

PROGRAM = str(Path(__file__))


@contextmanager
def receiving(bootstrap: str, topic: str) -> Iterator[dict[str, float]]:
    """When (Unix seconds) a plain consumer of a topic of one partition got each message, by its key."""
    command = [sys.executable, PROGRAM, "receive", bootstrap, topic]
    seen: dict[str, float] = {}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            stamp, key = line.split()
            seen[key] = float(stamp)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    try:
        yield seen
    finally:
        process.kill()
        process.wait()
        reading.join(10)


def receive(bootstrap: str, topic: str) -> None:
    """Print when each message came."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    while True:
        message = consumer.poll(1.0)
        if message is not None and message.error() is None:
            sys.stdout.write(f"{time.time():.6f} {message.key().decode()}\n")
            sys.stdout.flush()


def filter_topic(bootstrap: str, topic: str, target: str, schema_file: str, conditions_file: str) -> None:
    """Decode each alert, and send on those that meet any of the conditions, until SIGTERM."""
    schema = fastavro.parse_schema(json.loads(Path(schema_file).read_text()))
    conditions = json.loads(Path(conditions_file).read_text())
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": target,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    consumer.subscribe([topic])
    while not stopped.is_set():
        messages = [one for one in consumer.consume(50, timeout=0.1) if one.error() is None]
        for message in messages:
            alert: Any = fastavro.schemaless_reader(io.BytesIO(message.value()[5:]), schema)
            if any(_meets(alert, parts) for parts in conditions):
                producer.produce(target, message.value())
        if messages:
            producer.flush()
            consumer.commit(asynchronous=True)
    consumer.close()


def _meets(alert: dict[str, Any], parts: list[tuple[str, str, float]]) -> bool:
    for path, operator, limit in parts:
        value = alert["diaSource"][path.partition(".")[2]]
        if value is None or not (value >= limit if operator == ">=" else value < limit):
            return False
    return True


if __name__ == "__main__":
    {"receive": receive, "filter": filter_topic}[sys.argv[1]](*sys.argv[2:])
