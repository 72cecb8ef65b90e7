"""ZTF alerts serialised, sent, received and decoded: ours beside plain confluent-kafka and fastavro.

Both sides start with the same records and end with equal ones; each has a topic of its own.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import fastavro
from confluent_kafka import Consumer, Producer

from benchmarks.common import ztf_alerts
from benchmarks.kafka_at_hand import drop_topic, new_topic
from bridge.alerts.decode import decode_packet
from bridge.alerts.encoder import compile_encoder
from bridge.alerts.ocf_write import frame_ocf
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.url import parse_url

__all__ = ["PUBLISHED_S", "measure_loop"]

PUBLISHED_S = 4.2  # 1,000 ZTF alerts through Kafka, as LSST's note DMTN-028 gives it
PATIENCE_S = 60.0

Record = dict[str, Any]
Records = list[tuple[Schema, Record]]
Side = Callable[[str, str, Records], list[Record]]


def measure_loop(
    bootstrap: str, *, alerts: int, rounds: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Wall seconds of both sides, in turns; the records that arrive are compared with those sent.

    Raises
    ------
    AssertionError
        If a side does not give back what was sent.
    """
    packets, origin = ztf_alerts()
    records = _numbered([(packet.schema, decode_packet(packet)) for packet in packets], alerts)
    sides: dict[str, Side] = {"ours": _ours, "plain": _plain}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            progress(f"{alerts:,} alerts, {name}, round {turn} of {rounds}")
            topic = new_topic(bootstrap, f"bench-{name}")
            began = time.perf_counter()
            came = side(bootstrap, topic, records)
            took = time.perf_counter() - began
            sent = [record for _, record in records]
            assert came == sent, f"{name}: the alerts that arrived are not those that were sent"
            drop_topic(bootstrap, topic)
            # The first turn warms up client, broker and compiled schema of both sides alike.
            if turn:
                times[name].append(took)
    ours, plain = (min(times[name]) for name in ("ours", "plain"))
    return {
        "input": f"{alerts} alerts, repeating {origin} under new identifiers",
        "alerts": alerts,
        "peer": "fastavro.writer, Producer, Consumer.consume, fastavro.reader",
        "ours_s": round(ours, 3),
        "ours_worst_s": round(max(times["ours"]), 3),
        "plain_s": round(plain, 3),
        "plain_worst_s": round(max(times["plain"]), 3),
        "ratio": round(plain / ours, 2),
        "quoted_s": PUBLISHED_S,
    }


def _numbered(distinct: Sequence[tuple[Schema, Record]], count: int) -> Records:
    """The alerts again and again, each time with another ``candid``."""
    made: Records = []
    for number in range(count):
        schema, record = distinct[number % len(distinct)]
        candid = record["candid"] + number
        head = record["candidate"] | {"candid": candid}
        made.append((schema, record | {"candid": candid, "candidate": head}))
    return made


def _ours(bootstrap: str, topic: str, records: Records) -> list[Record]:
    url = parse_url(f"kafka://{bootstrap}/{topic}")
    outbox = Outbox(url, KafkaSettings())
    for number, (schema, record) in enumerate(records):
        data = compile_encoder(schema)(record)
        outbox.send(topic, frame_ocf(Packet(data, 0, len(data), schema, Origin("bench", number), "bare")))
    outbox.flush()
    source = KafkaSource(url, KafkaSettings(), SchemaStore(), {}, follow=False)
    return [decode_packet(item) for batch in source for item in batch if isinstance(item, Packet)]


def _plain(bootstrap: str, topic: str, records: Records) -> list[Record]:
    parsed = {schema: fastavro.parse_schema(schema.json) for schema, _ in records}
    producer = Producer({"bootstrap.servers": bootstrap, "message.max.bytes": 16 << 20})
    for schema, record in records:
        buffer = io.BytesIO()
        fastavro.writer(buffer, parsed[schema], [record])
        producer.produce(topic, buffer.getvalue())
        producer.poll(0)
    producer.flush()
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest", "log_level": 0}
    )
    consumer.subscribe([topic])
    came: list[Record] = []
    limit = time.monotonic() + PATIENCE_S
    while len(came) < len(records) and time.monotonic() < limit:
        for message in consumer.consume(500, timeout=0.1):
            if message.error() is None:
                came.extend(fastavro.reader(io.BytesIO(message.value())))
    consumer.close()
    return came
