"""The session on docs/bulk.md works as it stands, on a real broker."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from kafka_broker import Broker

from bridge.cli import main

PAGE = Path(__file__).resolve().parents[2] / "docs" / "bulk.md"


def test_the_session_runs_from_top_to_bottom(
    kafka: Broker, topics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    block = re.search(r"<!-- runs with kafka -->\n```console\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert block
    names = {name: topics.new(name) for name in ("ztf", "again")}
    for line in block[1].splitlines():
        words = shlex.split(line.removeprefix("$ voevent-bridge "))
        for name, topic in names.items():
            words = [
                re.sub(f"^kafka://localhost/{name}$", f"kafka://{kafka.bootstrap}/{topic}", w) for w in words
            ]
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == 0, line
    assert len(list((tmp_path / "again").glob("*.avro"))) == 40
    assert len(list((tmp_path / "stamps").iterdir())) == 120
