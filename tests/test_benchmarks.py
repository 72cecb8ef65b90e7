"""Each benchmark runs, in its shortest form, and compares content before it prints a ratio."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner

from bridge.cli.bench import command

pytestmark = pytest.mark.usefixtures("shared_data", "lsst_distribution")

# Beside other tests, or traced for its coverage, one round tells little of speed.
ALONE = sys.gettrace() is None and int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) == 1


@pytest.mark.no_cover
def test_lens_reads_what_fastavro_reads_and_is_faster() -> None:
    result = importlib.import_module("benchmarks.lens").measure(rounds=3)
    assert {task["task"].partition(":")[0] for task in result["tasks"]} == {"LSST", "ZTF"}
    assert "real alerts" in result["inputs"]["LSST"]
    assert all(task["ratio"] > 1 for task in result["tasks"])


@pytest.mark.no_cover
def test_translator_makes_what_voevent_parse_makes_and_is_faster() -> None:
    pytest.importorskip("voeventparse", reason="voevent-parse does not install on this Python")
    result = importlib.import_module("benchmarks.translate").measure(rounds=1)
    assert [len(survey["alerts"]) for survey in result["surveys"]] == [3, 7]
    for survey in result["surveys"]:
        assert survey["ratio_plain"] > (1 if ALONE else 0)
        assert survey["container_us"] > 0
        assert survey["lens_us"] > 0
        assert all(alert["rows"] > 0 for alert in survey["alerts"])


@pytest.mark.no_cover
def test_voevents_are_the_same_after_avro_and_not_much_slower_than_lxml_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    voevent: Any = importlib.import_module("benchmarks.voevent")
    packets, origin = voevent._packets()
    monkeypatch.setattr(voevent, "_packets", lambda: (packets[::16], origin))
    result = voevent.measure(rounds=3)
    ratios = {task["task"]: task["ratio"] for task in result["tasks"]}
    assert "real packets" in result["input"]
    # The target is 4; a busy machine gets some room.
    most = 6 if ALONE else 60
    assert ratios["XML to Avro"] < most
    assert ratios["Avro to XML"] < most
    assert result["sizes"]["Avro, one shared schema"] < 0.7 * result["sizes"]["XML"]


def test_a_voevent_that_avro_would_change_fails_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    voevent: Any = importlib.import_module("benchmarks.voevent")
    packets, origin = voevent._packets()
    write = voevent.write_xml
    monkeypatch.setattr(voevent, "_packets", lambda: (packets[:3], origin))
    monkeypatch.setattr(voevent, "write_xml", lambda record: write(record).replace(b"</Date>", b"Z</Date>"))
    with pytest.raises(AssertionError, match="voe:VOEvent"):
        voevent.measure(rounds=1)


def test_a_dropped_value_fails_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("voeventparse", reason="voevent-parse does not install on this Python")
    translate: Any = importlib.import_module("benchmarks.translate")
    ours = translate._ours
    monkeypatch.setattr(
        translate, "_ours", lambda *a, **k: ours(*a, **k).replace(b"<TD>r</TD>", b"<TD></TD>", 1)
    )
    with pytest.raises(AssertionError, match="the packets differ"):
        translate.measure(rounds=1)


def test_the_command_writes_a_table_and_json(tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["filters", "--rounds", "1", "-o", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    document = orjson.loads(done.stdout)
    assert document["filters"] == 100
    assert document == orjson.loads((tmp_path / "filters.json").read_bytes())
    assert "whole visit" in (tmp_path / "filters.txt").read_text()


def test_simulated_alerts_stand_in_and_the_result_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SHARED_DATA", str(tmp_path))
    result = importlib.import_module("benchmarks.lens").measure(rounds=3)
    assert "SIMULATED" in result["inputs"]["ZTF"]


@pytest.mark.no_cover
def test_searches_of_a_journal_find_what_an_r_tree_finds_and_publishing_goes_on_beside_upkeep() -> None:
    journal: Any = importlib.import_module("benchmarks.journal")
    result = journal.measure(rounds=2, events=3_000)
    publishing = result["publishing"]
    assert publishing["removed_packets"] == publishing["forgotten_events"] >= 300
    assert sum(one["rtree_ms"] is not None for one in result["searches"]) == 3
    assert "cone of 10 degrees" in journal.report(result)


@pytest.mark.no_cover
def test_noise_through_each_end_of_vtp_raises_nothing_and_adds_up() -> None:
    fuzz: Any = importlib.import_module("benchmarks.fuzz")
    result = fuzz.measure(rounds=1, frames=3_000)
    assert result["exceptions"] == 0, fuzz.report(result)
    assert {name: end["frames"] for name, end in result["ends"].items()} == dict.fromkeys(
        ("broadcaster", "receiver", "subscriber", "author"), 3_000
    )


def test_the_fuzzer_tells_what_it_finds_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    fuzz: Any = importlib.import_module("benchmarks.fuzz")
    subscriber: Any = importlib.import_module("bridge.vtp.subscriber_connection")

    def careless(frame: bytes) -> Any:
        raise IndexError("nobody has expected that")

    monkeypatch.setattr(subscriber, "parse_transport", careless)
    result = fuzz.measure(rounds=1, frames=300)
    assert result["ends"]["subscriber"]["frames"] == 300
    assert result["exceptions"] == result["ends"]["subscriber"]["exceptions"] > 20
    assert "subscriber: IndexError: nobody has expected that, at b" in fuzz.report(result)
