"""The commands of bulk transport on a real broker: produce, consume, monitor."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kafka_broker import Broker
from reading import items, read_all

from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore, open_store
from bridge.cli import root
from bridge.errors import UsageError
from bridge.streams import open_source
from bridge.streams.kafka.monitor import Monitor
from bridge.streams.kafka.pace import Pace, parse_pace
from bridge.streams.kafka.produce import produce
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import KafkaSink
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.url import parse_url

Run = Callable[..., Result]


@pytest.fixture
def run(kafka: Broker) -> Run:
    def invoke(*words: object) -> Result:
        result = CliRunner().invoke(root, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


def test_real_alerts_go_through_a_topic_and_come_out_as_they_went_in(
    kafka: Broker, topics: Any, run: Run, shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('real', partitions=2)}"
    schemas = ("--schemas", lsst_distribution)
    sent = run("produce", shared_data / "alerts", "--to", url, *schemas, "--rate", 2000, "--json")
    assert json.loads(sent.stdout)["messages"] == 28
    taken = run("consume", url, "--once", "-o", tmp_path / "kept", "--stamps", tmp_path / "stamps", *schemas)
    assert "28 messages" in taken.stderr
    assert len(taken.stdout.splitlines()) == 28
    kept = {path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    files = [*(shared_data / "alerts").glob("ztf-*.avro"), *(shared_data / "alerts").rglob("*.bin")]
    assert {path.read_bytes() for path in files} <= kept
    # Records out of files of many come in containers of their own, with the bytes of their datum.
    before, after = (
        {
            item.datum
            for b in open_source(f, store=open_store(lsst_distribution))
            for item in b
            if isinstance(item, Packet)
        }
        for f in (shared_data / "alerts", tmp_path / "kept")
    )
    assert before == after
    stamps = sorted((tmp_path / "stamps").iterdir())
    assert len(stamps) >= 3 * 20
    for path in stamps:
        content = path.read_bytes()
        assert (gzip.decompress(content) if path.suffix == ".gz" else content).startswith(b"SIMPLE")


def test_every_nth_alert_is_shown_in_full_as_json(
    kafka: Broker, topics: Any, run: Run, shared_data: Path
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new()}"
    run("produce", shared_data / "alerts/fink-ztf-2019-11.avro", "--to", url)
    shown = run("consume", url, "--once", "--every", 5, "--json").stdout.splitlines()
    documents = [json.loads(line) for line in shown]
    assert [document["offset"] for document in documents] == [0, 5, 10]
    assert documents[0]["alert"]["candidate"]["magpsf"] > 10
    assert documents[0]["alert"]["cutoutScience"]["stampData"]["bytes"] > 1000


def test_without_decoding_messages_are_only_bytes(
    kafka: Broker, topics: Any, run: Run, tmp_path: Path
) -> None:
    topic = topics.new()
    topics.fill(topic, b"garbage", b"", b"<v/>", b"\x00\x00\x00\x00\x05unknown id")
    url = f"kafka://{kafka.bootstrap}/{topic}"
    taken = run("consume", url, "--once", "--no-decode", "-o", tmp_path)
    assert taken.exit_code == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        f"{topic}-0-0.bin": b"garbage",
        f"{topic}-0-1.bin": b"",
        f"{topic}-0-2.xml": b"<v/>",
        f"{topic}-0-3.bin": b"\x00\x00\x00\x00\x05unknown id",
    }
    decoded = run("consume", url, "--once")
    assert "3 refused" in decoded.stderr
    assert len(decoded.stdout.splitlines()) == 1


def test_consume_ends_after_as_many_messages_as_were_asked_for(kafka: Broker, topics: Any, run: Run) -> None:
    topic = topics.new()
    topics.fill(topic, *[b"<v/>"] * 10)
    taken = run("consume", f"kafka://{kafka.bootstrap}/{topic}", "--once", "--count", 3)
    assert len(taken.stdout.splitlines()) == 3


def test_the_monitor_reports_rate_size_lag_and_schemas(
    kafka: Broker, topics: Any, shared_data: Path, lsst_distribution: Path
) -> None:
    topic = topics.new("watched", partitions=2)
    alerts = [path.read_bytes() for path in sorted((shared_data / "alerts").rglob("*.bin"))]
    topics.fill(topic, *alerts, b"garbage", b"<v/>")
    began = time.time()
    monitor, read = Monitor(began), 0
    source = KafkaSource(
        parse_url(f"kafka://{kafka.bootstrap}/{topic}"),
        KafkaSettings({"auto.offset.reset": "earliest"}),
        open_store(lsst_distribution),
        {},
        follow=True,
        stop=lambda: read == len(alerts) + 2,
    )
    for batch in source:
        monitor.take(batch)
        read += len(batch)
        if read == len(alerts) + 2:
            lags = source.lags()
    assert lags == {topic: 0}
    (report,) = monitor.report(began + 10.0, lags)
    assert report.as_json() == {
        "topic": topic,
        "messages": len(alerts) + 2,
        "bytes": sum(map(len, alerts)) + 11,
        "refused": 1,
        "per_second": (len(alerts) + 2) / 10,
        "bytes_per_second": pytest.approx((sum(map(len, alerts)) + 11) / 10, abs=0.1),
        "lag": 0,
        "age_s": pytest.approx(10.0, abs=8.0),
        "schemas": {"lsst.v10_0.alert (id 1000)": len(alerts), "refused": 1, "voevent": 1},
    }
    (later,) = monitor.report(began + 20.0, {topic: 5})
    assert (later.messages, later.per_second, later.lag) == (len(alerts) + 2, 0.0, 5)


def test_the_monitor_speaks_to_people_and_to_programs(kafka: Broker, topics: Any, run: Run) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('watched')}"
    reports = run("monitor", url, "--interval", 0.1, "--count", 2, "--json").stdout.splitlines()
    assert [set(json.loads(line)) for line in reports] == [{"time", "topics"}] * 2
    assert run("monitor", url, "--interval", 0.1, "--count", 1).stdout


def test_visits_go_at_once_and_each_is_timed(kafka: Broker, topics: Any, run: Run, shared_data: Path) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new()}"
    sent = run(
        *("produce", shared_data / "alerts/fink-ztf-2019-11.avro", "--to", url),
        *("--visit", 4, "--interval", 0.05, "--json"),
    )
    document = json.loads(sent.stdout)
    assert document["messages"] == 11
    assert len(document["visits_s"]) == 3
    assert document["seconds"] >= 0.1
    assert len(items(read_all(url))) == 11


def test_messages_keep_their_pace_by_the_clock() -> None:
    assert [Pace(1, 0.5).due_s(index) for index in range(3)] == [0.0, 0.5, 1.0]
    assert [Pace(2, 39.0).due_s(index) for index in range(5)] == [0.0, 0.0, 39.0, 39.0, 78.0]
    assert parse_pace(4.0, None, None) == Pace(1, 0.25)
    assert parse_pace(None, 1000, None) == Pace(1000, 39.0)
    assert parse_pace(None, None, None) == Pace(1, 0.0)
    for contradiction in ((1.0, 5, None), (1.0, None, 3.0), (None, None, 3.0)):
        with pytest.raises(UsageError):
            parse_pace(*contradiction)


def test_a_slow_pace_waits_between_messages(kafka: Broker, topics: Any, shared_data: Path) -> None:
    now = [100.0]
    url = parse_url(f"kafka://{kafka.bootstrap}/{topics.new()}")
    source = open_source(shared_data / "alerts/fink-ztf-2019-11.avro", store=SchemaStore())
    with KafkaSink(url, KafkaSettings()) as sink:
        done = produce(
            *(source, sink, Pace(1, 2.0)),
            refuse=lambda _: None,
            clock=lambda: now[0],
            sleep=lambda seconds: now.__setitem__(0, now[0] + seconds),
        )
    assert done.messages == 11
    assert done.late == 0
    assert now[0] == pytest.approx(120.0)


@pytest.mark.parametrize("command", ["consume", "monitor"])
def test_commands_of_topics_say_what_they_want(command: str) -> None:
    result = CliRunner().invoke(root, [command, "alerts/"])
    assert result.exit_code == 2
    assert "alerts/ is no Kafka URL" in result.output
