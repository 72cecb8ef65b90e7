"""The session on docs/bulk.md works as it stands, on a real broker."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from kafka_broker import Broker

from bridge.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "bulk.md"


def keys_of(document: Any) -> set[str]:
    """All keys of a JSON document, but not the kinds of messages, which are data."""
    if isinstance(document, list):
        return {key for each in document for key in keys_of(each)}
    if isinstance(document, dict):
        below = [keys_of(value) for key, value in document.items() if key != "kinds"]
        return set(document).union(*below)
    return set()


def test_each_key_of_a_json_document_is_explained(
    kafka: Broker, topics: Any, tmp_path: Path, shared_data: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new()}"
    alert = min((shared_data / "alerts").glob("ztf-*.avro"))
    text = (DOCS / "cli.md").read_text("utf-8")
    for words in (
        ("produce", alert, "--to", url, "--visit", 1),
        ("consume", url, "--once", "--group", url.rpartition("/")[2]),
        ("monitor", url, "--once", "--group", url.rpartition("/")[2]),
        ("archive", url, "--once", "-o", tmp_path / "archive"),
        ("replay", tmp_path / "archive", "--to", tmp_path / "again"),
    ):
        capfdbinary.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*map(str, words), "--json"])
        assert end.value.code == 0, words
        out = capfdbinary.readouterr().out.decode()
        lines = out.splitlines() if words[0] in ("consume", "monitor") else [out]
        section = re.search(rf"^## {words[0]}\n(.*?)(?=^## )", text, re.M | re.S)
        assert section
        told = set(re.findall(r"`(\w+)`", section[1]))
        for line in lines:
            assert keys_of(json.loads(line)) <= told, words[0]


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
