"""The simulator as a whole: equal seeds, wrong arguments, light curves, and the command."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bridge.cli.simulate import command
from bridge.errors import SchemaError, UsageError
from bridge.simulate import KINDS, Survey, simulate, writer_schema
from bridge.simulate import run as front
from bridge.simulate.population import _explosion, _sawtooth, share_out

DIGEST = """
import hashlib, sys
from bridge.simulate import simulate
digest = hashlib.sha256()
for visit in simulate(sys.argv[1], seed=11, visits=3, alerts=20, backlog=6):
    for alert in visit:
        digest.update(alert.data)
print(digest.hexdigest())
"""


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_equal_seeds_give_equal_bytes_in_another_process(survey: Survey) -> None:
    digest = hashlib.sha256()
    for visit in simulate(survey, seed=11, visits=3, alerts=20, backlog=6):
        for alert in visit:
            digest.update(alert.data)
    environment = os.environ | {"PYTHONHASHSEED": "123"}
    run = subprocess.run(
        [sys.executable, "-c", DIGEST, survey], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == digest.hexdigest()


def test_other_seeds_give_other_bytes() -> None:
    first, second = (
        [
            alert.data
            for visit in simulate("lsst", seed=seed, visits=1, alerts=5, backlog=3)
            for alert in visit
        ]
        for seed in (1, 2)
    )
    assert not set(first) & set(second)


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
def test_a_visit_read_late_or_twice_gives_the_same_alerts(survey: Survey) -> None:
    at_once = [[alert.data for alert in visit] for visit in simulate(survey, visits=4, alerts=12, backlog=4)]
    kept = list(simulate(survey, visits=4, alerts=12, backlog=4))
    assert [[alert.data for alert in visit] for visit in kept] == at_once
    assert [alert.data for alert in kept[0]] == at_once[0]


@pytest.mark.parametrize("survey", ["ztf", "lsst"])
@pytest.mark.parametrize("alerts", [1, 2, 7, 33])
def test_every_visit_has_as_many_alerts_as_asked_for(survey: Survey, alerts: int) -> None:
    for visit in simulate(survey, seed=alerts, visits=3, alerts=alerts, backlog=2):
        found = list(visit)
        assert len(found) == len(visit) == alerts
        assert len({alert.identifier for alert in found}) == alerts


def test_without_a_backlog_the_first_visit_finds_only_new_objects() -> None:
    lsst = next(simulate("lsst", visits=1, alerts=20, backlog=0))
    assert max(len(alert.data) for alert in lsst) < 145_000
    ztf = next(simulate("ztf", visits=1, alerts=20, backlog=0))
    assert len(list(ztf)) == 20


def test_shares_add_up_for_any_number() -> None:
    for count in (*range(1, 60), 1000, 9999):
        shares = share_out(count)
        assert sum(shares) == count
        assert min(shares) >= 0
    assert len(share_out(10)) == len(KINDS)
    assert min(share_out(10)) >= 1


def test_supernova_rises_fast_and_fades_slowly() -> None:
    days = np.arange(-60.0, 120.0, 0.25)
    for band in range(6):
        curve = _explosion(days, np.full(len(days), band))
        assert curve.max() == pytest.approx(1, abs=1e-3)
        assert abs(days[curve.argmax()]) < 0.5
        assert curve[0] < 1e-3
        assert np.interp(-12, days, curve) < np.interp(12, days, curve)


def test_rr_lyrae_rises_in_a_seventh_of_its_period() -> None:
    curve = _sawtooth(np.linspace(0, 1, 101)[:-1])
    assert curve.argmax() == 15
    assert curve.mean() == pytest.approx(0, abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"survey": "sdss"}, "choose ztf or lsst"),
        ({"version": "9.0"}, "choose 10.0 or 11.1"),
        ({"seed": -1}, "seed is -1"),
        ({"visits": -1}, "visits is -1"),
        ({"alerts": 0}, "from 1 to 50000"),
        ({"alerts": 60_000}, "from 1 to 50000"),
        ({"backlog": -3}, "backlog is -3"),
        ({"start_mjd_tai": 0.0}, "between 58000"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        simulate(**({"survey": "lsst"} | arguments))  # type: ignore[arg-type]


def test_missing_schema_is_an_error_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "schemas_folder", lambda: tmp_path)
    with pytest.raises(SchemaError, match="install voevent-bridge anew"):
        writer_schema("ztf", "4.02")


def test_command_fills_a_folder_and_reports_in_json(tmp_path: Path) -> None:
    folder = tmp_path / "alerts"
    arguments = ["lsst", "--visits", "2", "--alerts", "6", "--backlog", "2", "-o", str(folder), "--json"]
    outcome = CliRunner().invoke(command, arguments)
    assert outcome.exit_code == 0, outcome.output
    summary = json.loads(outcome.stdout)
    files = sorted(path.name for path in folder.iterdir())
    wanted = [
        f"{alert.identifier}.bin"
        for visit in simulate("lsst", visits=2, alerts=6, backlog=2)
        for alert in visit
    ]
    assert files == sorted(wanted)
    assert summary["alerts"] == 12 == sum(summary["kinds"].values())
    assert summary["bytes"]["sum"] == sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("name", ["night.tar", "night.tar.gz"])
def test_command_writes_archives(tmp_path: Path, name: str) -> None:
    outcome = CliRunner().invoke(command, ["ztf", "--alerts", "5", "-o", str(tmp_path / name)])
    assert outcome.exit_code == 0, outcome.output
    assert "10 alerts" in outcome.stderr
    with tarfile.open(tmp_path / name) as archive:
        members = {m.name: archive.extractfile(m).read() for m in archive.getmembers()}  # type: ignore[union-attr]
    wanted = {
        f"{alert.identifier}.avro": alert.data for visit in simulate("ztf", alerts=5) for alert in visit
    }
    assert members == wanted


def test_command_keeps_the_pace_of_visits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("bridge.cli.simulate.time.sleep", waits.append)
    arguments = ["ztf", "--visits", "3", "--alerts", "2", "--interval", "1000", "-o", str(tmp_path / "z")]
    assert CliRunner().invoke(command, arguments).exit_code == 0
    assert waits[0] == 0
    assert 900 < waits[1] < 1000 < 1900 < waits[2] < 2000
