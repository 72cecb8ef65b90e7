"""The arithmetic of a night: sizes and rates times alerts, and its assumptions said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks import night
from benchmarks.delivery import delivery_us
from benchmarks.encodings.timing import Clock
from benchmarks.night import measure, report
from bridge.cli.bench import command

pytestmark = [pytest.mark.usefixtures("peers"), pytest.mark.no_cover]


@pytest.fixture(scope="module")
def ztf(shared_data: Path, lsst_distribution: Path, ticking: Callable[[], Clock]) -> dict[str, Any]:
    return measure("ztf", hours=9.0, link_mbit_s=10_000, rounds=1, clock=ticking())


def test_costs_follow_from_sizes_and_alerts(ztf: dict[str, Any]) -> None:
    line = next(x for x in ztf["lines"] if x["encoding"] == "Avro container" and x["kept_per_visit"] == 1000)
    assert line["alerts"] == 720_000
    assert line["gigabytes"] == pytest.approx(line["bytes"] * 720_000 / 1e9, rel=1e-3)
    assert line["mbit_s"] == pytest.approx(line["bytes"] * 1.05 * 8 * 1000 / 45 / 1e6, rel=1e-3)
    assert line["readers"] == int(10_000 / line["mbit_s"])


def test_the_cut_costs_a_fiftieth_of_the_traffic_and_the_filters(ztf: dict[str, Any]) -> None:
    whole, cut = (
        next(x for x in ztf["lines"] if x["encoding"] == "Avro container" and x["kept_per_visit"] == kept)
        for kept in (1000, 20)
    )
    assert cut["mbit_s"] == pytest.approx(whole["mbit_s"] / 50, abs=1e-3)
    assert cut["cores_to_write"] > whole["cores_to_write"] / 50


def test_a_vtp_feed_serves_no_more_than_its_link_and_its_core(ztf: dict[str, Any]) -> None:
    lines = [line for line in ztf["lines"] if line["transport"] == "VTP"]
    assert [line["kept_per_visit"] for line in lines] == [1000, 20]
    for line in lines:
        assert line["readers"] <= line["subscribers_by_cpu"]
        assert line["bytes"] < 100_000


def test_report_says_what_it_assumes(ztf: dict[str, Any]) -> None:
    text = report(ztf)
    assert "1,000 alerts every 45 s, all of a night of 9 hours: 720 visits." in text
    assert "3 real alerts" in text
    assert "10000 Mbit/s" in text
    assert text.count("VOEvent by this bridge") == 3


def test_each_delivery_is_sent_and_acknowledged() -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 1.0
        return now

    assert delivery_us(b"<x/>", Clock(clock, clock), events=500, rounds=2) == pytest.approx(2_000)


def test_command_wants_a_survey_and_prints_one_document(
    ztf: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(
        night, "measure", lambda survey, **options: asked.update(options, survey=survey) or ztf
    )
    assert CliRunner().invoke(command, ["night"]).exit_code == 2
    assert CliRunner().invoke(command, ["night", "--survey", "ztf", "--hours", "0"]).exit_code == 2
    done = CliRunner().invoke(command, ["night", "--survey", "ztf", "--link", "100", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == ztf
    assert (asked["survey"], asked["hours"], asked["link_mbit_s"]) == ("ztf", 10.0, 100.0)
    assert "Assumed:" in CliRunner().invoke(command, ["night", "--survey", "ztf"]).stdout
