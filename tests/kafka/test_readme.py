"""The Kafka session of the README works as it stands, on a real broker, from the first line to the last."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from feeding import identifiers
from kafka_broker import Broker
from processes import bridge_command

from bridge.journal import JournalReader

README = Path(__file__).resolve().parents[2] / "README.md"


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_the_session_ends_with_events(
    kafka: Broker, topics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(README.parent))
    block = re.search(r"<!-- runs with kafka -->\n```sh\n(.*?)```", README.read_text("utf-8"), re.S)
    assert block
    names = {name: topics.new(name) for name in ("survey", "bright")}
    said = []
    for line in block[1].splitlines():
        for name, topic in names.items():
            line = re.sub(rf"(?<=[/,]){name}\b", topic, line)
        line = line.replace("kafka://localhost/", f"kafka://{kafka.bootstrap}/")
        program, *words = shlex.split(line)
        assert program == "voevent-bridge"
        if words[0] == "serve":
            # The one that goes on for ever in the README.
            words += ["--once", "--broadcast", "0", "--interface", "127.0.0.1"]
        done = subprocess.run(
            bridge_command(*words), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
        said.append(done.stdout + done.stderr)
    kept = re.search(r"200 read, (\d+) kept", said[2])
    assert kept
    with JournalReader.open(tmp_path / "voevent-bridge.journal") as journal:
        events = journal.read(0, 1000, max_bytes=1 << 30)
    assert len(set(identifiers(events))) == int(kept[1]) > 0
