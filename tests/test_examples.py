"""The files in examples/ are such that one can start from them: read by the programs that they are for."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from bridge.alerts.user_schemas import user_folder
from bridge.cli import root

PROJECT = Path(__file__).resolve().parent.parent
UNIT = PROJECT / "examples" / "voevent-bridge.service"
CONTAINERFILE = PROJECT / "examples" / "Containerfile"


def check_call(words: list[str]) -> None:
    """The words name a command of ours and options that it has."""
    assert Path(words[0]).name == "voevent-bridge"
    command = root.get_command(click.Context(root), words[1])
    assert command is not None
    given, rest, _ = command.make_parser(click.Context(command)).parse_args(words[2:])
    assert not rest
    assert words[1] != "serve" or given["config"] == "/etc/voevent-bridge/feed.toml"


def test_the_unit_starts_a_command_that_there_is() -> None:
    (line,) = re.findall(r"^ExecStart=(.*)$", UNIT.read_text(), re.M)
    check_call(shlex.split(line))


def test_the_unit_has_a_place_for_credentials_and_one_for_schemas_that_it_may_write() -> None:
    values = dict(re.findall(r"^(\w+)=(.+)$", UNIT.read_text(), re.M))
    assert values["EnvironmentFile"].startswith("-"), "most feeds need none"
    name, folder = values["Environment"].split("=")
    assert user_folder({name: folder}).is_relative_to(Path("/var/lib") / values["StateDirectory"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_finds_no_fault_with_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("/opt/voevent-bridge/bin/voevent-bridge", sys.executable)
    unit = tmp_path / UNIT.name
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert UNIT.name not in done.stderr, done.stderr
    assert done.returncode == 0, done.stderr


def test_the_unit_waits_longer_than_the_feed_needs() -> None:
    from bridge.feed.run import PATIENCE_S

    values = dict(re.findall(r"^(\w+)=(.+)$", UNIT.read_text(), re.M))
    assert values["Type"] == "notify"
    assert int(values["TimeoutStopSec"]) > PATIENCE_S
    assert values["RestartPreventExitStatus"] == "2"


def test_the_container_starts_and_asks_commands_that_there_are() -> None:
    text = CONTAINERFILE.read_text().replace("\\\n", " ")
    called = re.findall(r"CMD (\[.*\])$", text, re.M)
    assert len(called) == 2
    for each in called:
        check_call(tomllib.loads(f"words = {each}")["words"])
    known = {"FROM", "COPY", "RUN", "USER", "WORKDIR", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "CMD"}
    assert set(re.findall(r"^([A-Z]+) ", text, re.M)) == known


def test_the_container_installs_what_it_uses() -> None:
    extras = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for name in re.findall(r"/src\[(\w+)\]", CONTAINERFILE.read_text()):
        assert name in extras
