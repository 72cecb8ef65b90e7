"""The stream benchmark in its shortest form, on the tests' own broker."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from click.testing import CliRunner
from kafka_broker import Broker

from bridge.cli.bench import command

SHORT = {
    "rounds": 1,
    "loop_alerts": 30,
    "visit_alerts": 120,
    "scale_alerts": 64,
    "peer_alerts": 32,
    "filters": 20,
    "members": (2,),
    "rates": (50,),
    "seconds": 0.6,
}

pytestmark = [pytest.mark.usefixtures("shared_data"), pytest.mark.no_cover]


@pytest.fixture
def at_the_broker(kafka: Broker, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("KAFKA_BOOTSTRAP", kafka.bootstrap)
    return kafka.bootstrap


def test_what_is_sent_arrives_and_each_figure_has_its_peer(at_the_broker: str) -> None:
    stream = importlib.import_module("benchmarks.stream")
    result = stream.measure(**SHORT)
    assert result["loop"]["alerts"] == 30
    assert "real alerts" in result["loop"]["input"]
    assert result["loop"]["ours_s"] > 0
    assert result["visit"]["kept"] > 0, "filters that keep nothing prove nothing"
    assert result["visit"]["sent_s"] <= result["visit"]["done_s"]
    (members,) = result["scale"]["members"]
    assert members["processes"] == 2
    assert min(members["ours_per_s"], members["plain_per_s"]) > 0
    (line,) = result["latency"]["rates"]
    assert line["alerts"] == 30
    assert 0 <= line["p50_ms"] <= line["p99_ms"] <= line["max_ms"]
    assert "published" in stream.report(result)


def test_an_alert_that_changes_on_its_way_fails_the_benchmark(
    at_the_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop: Any = importlib.import_module("benchmarks.stream_loop")
    ours = loop._ours
    monkeypatch.setattr(loop, "_ours", lambda *given: ours(*given)[:-1])
    with pytest.raises(AssertionError, match="ours: the alerts that arrived"):
        loop.measure_loop(at_the_broker, alerts=5, rounds=1, progress=lambda _: None)


def test_filters_that_keep_another_alert_fail_the_benchmark(
    at_the_broker: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit: Any = importlib.import_module("benchmarks.stream_visit")
    by_hand = visit.kept_by_hand
    # As many as are kept, so that nothing waits, but one of them another.
    monkeypatch.setattr(visit, "kept_by_hand", lambda *given: [*list(by_hand(*given))[:-1], -1])
    with pytest.raises(AssertionError, match="keeps other alerts"):
        visit.measure_visit(
            at_the_broker, alerts=120, filters=20, rounds=1, peer_alerts=1, progress=lambda _: None
        )


def test_a_broker_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.import_module("benchmarks.kafka_at_hand"), "ANSWER_S", 0.5)
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "127.0.0.1:1")
    done = CliRunner().invoke(command, ["stream"])
    assert done.exit_code != 0
    assert "No Kafka broker answers at 127.0.0.1:1" in str(done.exception)


def test_where_no_broker_can_be_started_the_message_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KAFKA_BOOTSTRAP", raising=False)
    monkeypatch.setenv("PATH", "")
    done = CliRunner().invoke(command, ["stream"])
    assert done.exit_code != 0
    assert "Set KAFKA_BOOTSTRAP to host:port" in str(done.exception)
