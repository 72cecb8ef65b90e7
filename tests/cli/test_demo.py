"""``demo``: what a newcomer sees first works, says so, and removes nothing that is not its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from calling import call, contents

from bridge.demo import DemoReport


@pytest.mark.interop
def test_every_simulated_alert_that_passes_reaches_a_stock_comet_quickly(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    words = ("demo", "-o", tmp_path / "demo", "--visits", 1, "--alerts", 30, "--interval", 0)
    outcome = call(capsysbinary, *words, "--json")
    document = json.loads(outcome.out)
    assert outcome.status == 0, outcome.err
    assert document["alerts"] == {"ztf": 30, "lsst": 30}
    assert document["complete"]
    assert 0 < document["published"] == document["received_by_comet"] == document["byte_identical"]
    assert document["median_latency_s"] < 10
    # Run again, it replaces what it made, and shows a table to a person.
    outcome = call(capsysbinary, *words)
    assert outcome.status == 0, outcome.err
    assert b"every event arrived, none twice" in outcome.out


def test_a_folder_with_somebody_s_work_is_left_alone(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    # Even if it looks like a feed's.
    (tmp_path / "feed.journal").write_text("precious")
    outcome = call(capsysbinary, "demo", "-o", tmp_path)
    assert outcome.status == 2
    assert "holds other things" in outcome.err
    assert contents(tmp_path) == {"feed.journal": b"precious"}


def test_a_folder_that_cannot_be_made_is_said(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    outcome = call(capsysbinary, "demo", "-o", tmp_path / "file" / "below")
    assert outcome.status == 1
    assert "cannot be made" in outcome.err


def test_the_verdict_wants_every_event_identical_and_at_least_one() -> None:
    report = DemoReport(Path())
    assert not report.complete
    report.published, report.received, report.identical = 5, 5, 4
    assert not report.complete
    report.identical = 5
    assert report.complete
    assert report.median_latency_s != report.median_latency_s
