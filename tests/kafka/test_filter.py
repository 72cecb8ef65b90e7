"""Filters between topics of a real broker: exactly once, whatever happens to the process."""

from __future__ import annotations

import json
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from feeding import Survey
from kafka_broker import Broker
from processes import bridge_command, running, wait_for
from reading import items, read_all, settings

from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore
from bridge.cli import root
from bridge.filters import FilterSet, parse_filter
from bridge.simulate import simulate
from bridge.streams import open_source
from bridge.streams.kafka.exchange import exchange
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import parse_url

BRIGHT = "candidate.magpsf < 19"
FILTERS = f"""
[[filter]]
name = "bright"
where = "{BRIGHT}"

[[filter]]
name = "all"
where = "candidate.magpsf IS NOT NULL"
"""


@pytest.mark.slow
@pytest.mark.interop
def test_killed_again_and_again_each_packet_is_kept_exactly_once(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    here, there = topics.new("survey", partitions=2), topics.new("kept")
    survey = Survey(topics, here, 300)
    quick = "session.timeout.ms = 6000\nheartbeat.interval.ms = 500\ntransaction.timeout.ms = 3000\n"
    config = settings(tmp_path, f'auto.offset.reset = "earliest"\n{quick}')
    place = f"kafka://{kafka.bootstrap}"
    command = bridge_command(
        *(
            "filter",
            "--from",
            f"{place}/{here}",
            "--to",
            f"{place}/{there}",
            "--where",
            "candidate.magpsf > 0",
        ),
        *("--kafka-config", config),
    )
    dice = random.Random(3)

    def kept() -> int:
        return len(items(read_all(f"{place}/{there}")))

    for _ in range(3):
        survey.send(60)
        before = kept()
        with running(command, tmp_path / "filter.log") as process:
            target = before + dice.randrange(1, 30)
            wait_for(lambda target=target: kept() >= target, "packets to be kept")
            process.send_signal(signal.SIGKILL)
            process.wait()
    survey.send(300)
    topics.flush()
    with running(command, tmp_path / "filter.log"):
        wait_for(lambda: kept() >= 300, "all packets to be kept")
    read = sorted(item.data for item in items(read_all(f"{place}/{there}")))
    assert read == sorted(data for _, data in survey.alerts)
    assert "Traceback" not in (tmp_path / "filter.log").read_text()


def test_each_filter_has_a_topic_and_a_second_run_goes_on(kafka: Broker, topics: Any, tmp_path: Path) -> None:
    here, stem = topics.new("survey", partitions=2), topics.new("kept")
    for name in ("bright", "all"):
        topics.new(f"{stem}.{name}", exact=True)
    (tmp_path / "filters.toml").write_text(FILTERS)
    alerts = [alert.packet for visit in simulate("ztf", visits=2, alerts=30, seed=8) for alert in visit]
    place = f"kafka://{kafka.bootstrap}"
    words = ["filter", "--from", f"{place}/{here}", "--to", f"{place}/{stem}", "--once", "--json"]
    for part in (alerts[:40], alerts[40:]):
        for packet in part:
            topics.send(here, packet.data, key=b"k", headers=[("h", b"1")])
        topics.flush()
        result = CliRunner().invoke(root, [*words, "--filters", str(tmp_path / "filters.toml")])
        assert result.exception is None, result.exception
        assert json.loads(result.stdout)["read"] == len(part)
    bright = items(read_all(f"{place}/{stem}.bright"))
    assert sorted(i.data for i in bright) == sorted(p.data for p in alerts if is_bright(p))
    assert {i.origin.envelope.headers for i in bright if i.origin.envelope} == {(("h", b"1"),)}
    assert len(items(read_all(f"{place}/{stem}.all"))) == 60


def is_bright(packet: Packet) -> bool:
    return bool(
        FilterSet([parse_filter(BRIGHT)]).compile(packet.schema)(packet.data, packet.start, packet.stop)
    )


def test_what_was_sent_for_a_batch_that_failed_is_never_seen(kafka: Broker, topics: Any) -> None:
    here, there = topics.new(), topics.new()
    topics.fill(here, b"<v>1</v>", b"<v>2</v>")
    url, to = parse_url(f"kafka://{kafka.bootstrap}/{here}"), parse_url(f"kafka://{kafka.bootstrap}/{there}")
    config = KafkaSettings({"group.id": here, "auto.offset.reset": "earliest"})
    for fails in (True, False):
        outbox = Outbox(to, KafkaSettings(), transactional_id=f"{here}-{fails}")
        batches = exchange(url, config, SchemaStore(), outbox, follow=False, stop=lambda: False)
        for batch in batches:
            for item in batch:
                outbox.send(there, item.data)
            if fails and batch:
                outbox.flush()
                break
        batches.close()  # type: ignore[attr-defined]
    assert [item.data for item in items(read_all(f"kafka://{kafka.bootstrap}/{there}"))] == [
        b"<v>1</v>",
        b"<v>2</v>",
    ]


def test_files_go_to_topics_and_topics_to_folders(kafka: Broker, topics: Any, tmp_path: Path) -> None:
    stem = topics.new("kept")
    for name in ("bright", "all"):
        topics.new(f"{stem}.{name}", exact=True)
    (tmp_path / "filters.toml").write_text(FILTERS)
    runner, place = CliRunner(), f"kafka://{kafka.bootstrap}/{stem}"
    made = runner.invoke(
        root, ["simulate", "ztf", "--visits", "1", "--alerts", "20", "-o", str(tmp_path / "in")]
    )
    assert made.exception is None
    filters = ["--filters", str(tmp_path / "filters.toml")]
    sent = runner.invoke(root, ["filter", "--from", str(tmp_path / "in"), "--to", place, *filters])
    assert sent.exception is None, sent.exception
    back = ["filter", "--from", f"{place}.all", "--once", "--to", str(tmp_path / "out"), "--where", "1 = 1"]
    assert runner.invoke(root, back).exception is None
    before, after = (
        sorted(i.data for b in open_source(tmp_path / f, store=SchemaStore()) for i in b)
        for f in ("in", "out")
    )
    assert before == after
    assert len(before) == 20
