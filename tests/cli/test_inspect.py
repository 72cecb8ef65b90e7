"""The command as a user starts it: output, figures and exit status."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bridge", "inspect", *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, check=False)


def test_alert_from_standard_input_is_shown(shared_data: Path) -> None:
    done = run("-", stdin=(shared_data / "alerts" / "ztf-ZTF19acihgng.avro").read_bytes())
    assert done.returncode == 0, done.stderr
    assert b"ZTF19acihgng" in done.stdout
    assert b"standard input" in done.stdout
    assert done.stderr == b""


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed")
def test_json_and_figures_in_one_go(shared_data: Path, tmp_path: Path) -> None:
    plot, folder = tmp_path / "alert.png", tmp_path / "stamps"
    path = shared_data / "alerts" / "fink-lsst-2026-03.avro"
    done = run(path, "--index", "1", "--json", "--plot", plot, "--cutouts", folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["identity"]["alert_id"] == 170094456251351059
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert len(list(folder.iterdir())) == 3
    assert done.stderr.count(b"Cutout: ") == 3


def test_refused_input_gives_status_1_and_wrong_usage_2(tmp_path: Path) -> None:
    (tmp_path / "empty.avro").touch()
    for arguments, status, words in (
        ([tmp_path / "empty.avro"], 1, b"The message is empty."),
        ([tmp_path / "missing.avro"], 1, b"cannot be opened (No such file or directory)"),
        ([tmp_path / "empty.avro", "--index", "-1"], 2, b"--index"),
        ([tmp_path / "empty.avro", "--schemas", tmp_path / "nowhere"], 2, b"nowhere"),
    ):
        done = run(*arguments)
        assert done.returncode == status
        assert words in done.stderr
        assert b"Traceback" not in done.stderr
        assert done.stdout == b""
