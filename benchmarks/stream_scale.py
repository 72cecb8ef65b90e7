"""Processes that share sixteen partitions: ``filter`` from topic to topic, beside plain consumers.

All alerts are sent in one transaction. The group forms meanwhile and sees nothing of them; the commit is the
starting shot, and it ends when the group's offsets are at the end. Our members send exactly once, the plain
ones at least once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from benchmarks.kafka_at_hand import drop_topic, new_topic
from benchmarks.stream_feed import ended, wait_until
from benchmarks.stream_filters import Condition, filter_file, kept_by_hand, make_conditions
from benchmarks.stream_plain import PROGRAM
from benchmarks.stream_variants import simulated_lsst, variants
from bridge.alerts.lens import compile_lens
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema

__all__ = ["measure_scale"]

PARTITIONS = 16
DISTINCT = 100
PATIENCE_S = 180.0


def measure_scale(
    bootstrap: str,
    *,
    alerts: int,
    peer_alerts: int,
    filters: int,
    members: Sequence[int],
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Messages per second by number of processes.

    Raises
    ------
    AssertionError
        If the target topics do not hold what predicates by hand keep, each alert once.
    """
    few = simulated_lsst(min(DISTINCT, alerts))
    made = make_conditions(filters, seed=1)
    packets = list(variants(few, alerts))
    schema = few[0].packet.schema
    lines: list[dict[str, Any]] = []
    for count in members:
        line: dict[str, Any] = {"processes": count}
        for name, part in (("ours", packets), ("plain", packets[:peer_alerts])):
            progress(f"{count} processes, {name}")
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                seconds = _race(bootstrap, name, count, part, made, Path(folder), schema)
            line[f"{name}_per_s"] = round(len(part) / seconds)
        line["ratio"] = round(line["ours_per_s"] / line["plain_per_s"], 1)
        lines.append(line)
    return {
        "input": f"SIMULATED LSST alerts, {alerts} for ours, {peer_alerts} for the peer",
        "mean_bytes": sum(len(packet.data) for packet in packets) // len(packets),
        "filters": filters,
        "partitions": PARTITIONS,
        "peer": "Consumer.consume in a group, fastavro, full decode, predicates by hand, Producer",
        "members": lines,
    }


def _race(
    bootstrap: str,
    name: str,
    members: int,
    packets: Sequence[Packet],
    made: list[list[Condition]],
    folder: Path,
    schema: Schema,
) -> float:
    """Wall seconds from the commit of the alerts to the commit of the last position behind them."""
    source, target = new_topic(bootstrap, f"bench-{name}", PARTITIONS), new_topic(bootstrap, "bench-kept")
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    (folder / "filters.toml").write_text(filter_file(made))
    (folder / "conditions.json").write_text(json.dumps(made))
    (folder / "schema.json").write_text(json.dumps(schema.json))
    (folder / "kafka.toml").write_text('auto.offset.reset = "earliest"\n')
    ours = [
        *("-m", "bridge", "filter", "--from", f"kafka://{bootstrap}/{source}"),
        *("--to", f"kafka://{bootstrap}/{target}", "--group", target),
        *("--filters", str(folder / "filters.toml"), "--any", "--kafka-config", str(folder / "kafka.toml")),
    ]
    files = [str(folder / "schema.json"), str(folder / "conditions.json")]
    plain = [PROGRAM, "filter", bootstrap, source, target, *files]
    command = [sys.executable, *(ours if name == "ours" else plain)]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "members.log").open("wb"))
        for _ in range(members):
            stack.enter_context(
                ended(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
            )
        sender = _send_all(bootstrap, source, packets)
        wait_until(lambda: _shares(admin, target) == members, "the group to form", PATIENCE_S)
        sender.commit_transaction(PATIENCE_S)
        began = time.monotonic()
        wait_until(lambda: _done(admin, target, source) >= len(packets), "the end of the topic", PATIENCE_S)
        took_s = time.monotonic() - began
    expected = sorted(kept_by_hand(packets, made))
    assert sorted(_kept(bootstrap, target, schema, len(expected))) == expected, f"{name} keep other alerts"
    for topic in (source, target):
        drop_topic(bootstrap, topic)
    return took_s


def _send_all(bootstrap: str, topic: str, packets: Sequence[Packet]) -> Producer:
    """Send alerts to all partitions in turn, in a transaction that is left open."""
    sender = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic, "log_level": 0})
    sender.init_transactions(PATIENCE_S)
    sender.begin_transaction()
    for number, packet in enumerate(packets):
        sender.produce(topic, packet.data, partition=number % PARTITIONS)
        if number % 50 == 49:
            sender.flush()
    assert sender.flush(PATIENCE_S) == 0
    return sender


def _shares(admin: AdminClient, group: str) -> int:
    """How many members have a share; 0 until all partitions are given away."""
    described = admin.describe_consumer_groups([group])[group].result(PATIENCE_S)
    shares = [len(member.assignment.topic_partitions) for member in described.members]
    return sum(map(bool, shares)) if sum(shares) == PARTITIONS else 0


def _done(admin: AdminClient, group: str, topic: str) -> int:
    """How many messages the group's offsets count."""
    asked = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, n) for n in range(PARTITIONS)])
    answer = admin.list_consumer_group_offsets([asked])[group].result(PATIENCE_S)
    return sum(max(0, one.offset) for one in answer.topic_partitions)


def _kept(bootstrap: str, topic: str, schema: Schema, count: int) -> list[int]:
    """Identifiers of the alerts in a topic, of which so many should be there."""
    lens = compile_lens(schema, ("diaSourceId",))
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"{topic}-check", "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    found: list[int] = []
    while True:
        message = consumer.poll(PATIENCE_S)
        assert message is not None, f"the kept alerts cannot be read; have {len(found)} of {count}"
        if message.error() is not None:
            break
        data = message.value()
        found += lens.read(
            Packet(data, 5, len(data), schema, Origin(topic, message.offset()), "confluent", True)
        )
    consumer.close()
    return found
