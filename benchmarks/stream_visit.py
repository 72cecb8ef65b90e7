"""A whole LSST visit through Kafka, a hundred filters and the feed, to a VTP subscriber.

The survey's beat is 39 s a visit. The peer is a plain consumer with fastavro and predicates by hand; it is
given a part of the visit, because the whole would take minutes.
"""

from __future__ import annotations

import io
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastavro
from confluent_kafka import Consumer

from benchmarks.filters import by_hand
from benchmarks.kafka_at_hand import drop_topic, new_topic
from benchmarks.stream_feed import Arrivals, running_feed, wait_until
from benchmarks.stream_filters import Condition, filter_file, kept_by_hand, make_conditions
from benchmarks.stream_variants import simulated_lsst, variants
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.bulk.pace import Pace
from bridge.bulk.produce import produce
from bridge.journal import JournalReader
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import KafkaSink
from bridge.streams.kafka.url import parse_url

__all__ = ["BEAT_S", "measure_visit"]

BEAT_S = 39.0
"""Between two visits of LSST, in seconds."""

PARTITIONS = 16
DISTINCT = 500
"""Light curves of a visit, which come again and again."""

PATIENCE_S = 300.0


def measure_visit(
    bootstrap: str,
    *,
    alerts: int,
    filters: int,
    rounds: int,
    peer_alerts: int,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Wall seconds from the first message sent until all is filtered and all that is kept has arrived.

    Raises
    ------
    AssertionError
        If what arrives is not what predicates by hand keep, each alert once.
    """
    made = make_conditions(filters, seed=1)
    progress(f"simulating {alerts:,} alerts")
    few = simulated_lsst(min(DISTINCT, alerts))
    schema = few[0].packet.schema

    def visit() -> Iterator[Packet]:
        return variants(few, alerts)

    sizes = [len(packet.data) for packet in visit()]
    expected = list(kept_by_hand(visit(), made))
    assert len(set(expected)) == len(expected), "two alerts of the visit have one identifier"
    sent_s: list[float] = []
    done_s: list[float] = []
    peer_s = 0.0
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        for turn in range(rounds):
            folder = Path(name) / str(turn)
            folder.mkdir()
            (folder / "filters.toml").write_text(filter_file(made))
            topic = new_topic(bootstrap, "bench-visit", PARTITIONS)
            url = f"kafka://{bootstrap}/{topic}"
            with running_feed(url, folder, "--filters", folder / "filters.toml") as arrivals:
                progress(f"sending {alerts:,} alerts, round {turn + 1} of {rounds}")
                sent, done = _send(url, visit(), arrivals, alerts, len(expected))
            arrivals.compare(len(expected))
            came = {int(event.ivorn.rpartition("#")[2]) for event in arrivals.events}
            assert came == set(expected), "the feed keeps other alerts than predicates by hand do"
            sent_s.append(sent)
            done_s.append(done)
            if turn == rounds - 1:
                progress("the same by hand, a part of it")
                peer_s = _by_hand(bootstrap, topic, schema, made, set(expected), peer_alerts)
            drop_topic(bootstrap, topic)
    return {
        "input": f"{alerts} SIMULATED LSST alerts, {len(few)} light curves under ever new identifiers, "
        f"{sum(sizes) // len(sizes)} bytes on average",
        "alerts": alerts,
        "bytes": sum(sizes),
        "filters": filters,
        "partitions": PARTITIONS,
        "kept": len(expected),
        "sent_s": round(min(sent_s), 2),
        "done_s": round(min(done_s), 2),
        "worst_s": round(max(done_s), 2),
        "beat_s": BEAT_S,
        "peer": "Consumer.consume, fastavro, full decode, predicates by hand, on part of the visit",
        "peer_alerts": peer_alerts,
        "peer_visit_s": round(peer_s / peer_alerts * alerts, 1),
        "ratio": round(peer_s / peer_alerts * alerts / min(done_s), 1),
    }


def _send(
    url: str, visit: Iterator[Packet], arrivals: Arrivals, alerts: int, kept: int
) -> tuple[float, float]:
    """Wall seconds until the broker has all, and until all is filtered and what is kept has arrived."""
    sink = KafkaSink(parse_url(url), KafkaSettings())
    with JournalReader.open(arrivals.journal) as journal:

        def is_done() -> bool:
            return len(arrivals.events) >= kept and sum(journal.positions().values()) >= alerts

        began = time.monotonic()
        sent = produce(visit, sink, Pace())
        wait_until(is_done, "the end of the visit", PATIENCE_S)
        done_s = time.monotonic() - began
    assert sent.messages == alerts, f"{sent.messages} of {alerts} alerts were sent"
    return sent.seconds, done_s


def _by_hand(
    bootstrap: str,
    topic: str,
    schema: Schema,
    made: list[list[Condition]],
    expected: set[int],
    alerts: int,
) -> float:
    """Wall seconds of the peer for a number of alerts; it must keep what is kept of these."""
    accepts = [by_hand(parts) for parts in made]
    parsed = fastavro.parse_schema(schema.json)
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": topic,
        "auto.offset.reset": "earliest",
        "log_level": 0,
    }
    consumer = Consumer(settings)
    consumer.subscribe([topic])
    seen: set[int] = set()
    kept: set[int] = set()
    messages = consumer.consume(1, PATIENCE_S)
    began = time.perf_counter()
    while len(seen) < alerts:
        assert messages, f"the peer has got {len(seen)} of {alerts} alerts"
        for message in messages:
            if message.error() is None:
                alert: Any = fastavro.schemaless_reader(io.BytesIO(message.value()[5:]), parsed)
                seen.add(alert["diaSourceId"])
                if any(accept(alert) for accept in accepts):
                    kept.add(alert["diaSourceId"])
            if len(seen) == alerts:
                break
        else:
            messages = consumer.consume(50, timeout=1.0) or consumer.consume(1, PATIENCE_S)
    took = time.perf_counter() - began
    consumer.close()
    assert kept == seen & expected, "fastavro in full and in part keep different alerts"
    return took
