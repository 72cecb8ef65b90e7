"""``filter`` as a user calls it: packets stay what they are, and every mistake is a sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Outcome, call, contents

Filter = Callable[..., Outcome]

FILTERS = """
[[filter]]
name = "bright"
where = "candidate.magpsf < 18.5"
[[filter]]
name = "all"
where = "candidate.magpsf > 0"
"""


@pytest.fixture
def keep(capsysbinary: pytest.CaptureFixture[bytes]) -> Filter:
    return lambda *words: call(capsysbinary, "filter", *words)


@pytest.fixture
def one(shared_data: Path) -> Path:
    return shared_data / "alerts" / "ztf-ZTF19acihgng.avro"


def test_a_kept_packet_is_the_packet(keep: Filter, one: Path, tmp_path: Path) -> None:
    outcome = keep("--from", one, "--to", tmp_path / "kept", "--where", "candidate.magpsf > 0")
    assert outcome.status == 0
    assert "1 read, 1 kept, 0 refused" in outcome.err
    assert list(contents(tmp_path / "kept").values()) == [one.read_bytes()]


def test_each_filter_of_a_file_has_its_folder(keep: Filter, shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "filters.toml").write_text(FILTERS)
    source = shared_data / "alerts" / "fink-ztf-2019-11.avro"
    words = ("--from", source, "--to", tmp_path / "kept", "--filters", tmp_path / "filters.toml")
    document = json.loads(keep(*words, "--json").out)
    assert document["read"] == document["kept"] == document["by_filter"]["all"] == 11
    assert 0 < document["by_filter"]["bright"] < 11
    for name, count in document["by_filter"].items():
        assert len(contents(tmp_path / "kept" / name)) == count
    assert "bright: " in keep(*words).err


def test_what_is_no_alert_is_refused_and_kept_aside(keep: Filter, shared_data: Path, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "a.json").write_text('{"ra": 1}')
    (inbox / "b.xml").write_text("<v/>")
    words = ("--from", inbox, "--to", tmp_path / "kept", "--dead-letters", tmp_path / "dead")
    outcome = keep(*words, "--where", "Who.AuthorIVORN = 'x'")
    assert outcome.status == 1
    assert "a.json#0: it is a JSON document, and no filter names a value that it has." in outcome.err
    assert "b.xml#0: it is XML but no VOEvent (its root is v)." in outcome.err
    assert len(contents(tmp_path / "dead")) == 4


def test_packets_go_through_pipes(shared_data: Path, one: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "bridge",
        "filter",
        "--from",
        "-",
        "--to",
        "-",
        "--where",
        "candidate.rb > -1",
    ]
    done = subprocess.run(command, input=one.read_bytes(), capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"Obj\x01")


MISTAKES: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "no condition": (2, "Give a condition", ("--from", "{one}", "--to", "{tmp}/x")),
    "two conditions": (
        2,
        "Give a condition",
        ("--from", "{one}", "--to", "{tmp}/x", "--where", "1 = 1", "--filters", "{one}"),
    ),
    "json on stdout": (2, "--json needs", ("--from", "{one}", "--to", "-", "--where", "1 = 1", "--json")),
    "unknown field": (
        2,
        "candidate.magpsf",
        ("--from", "{one}", "--to", "{tmp}/x", "--where", "candidate.magps > 1"),
    ),
    "no SQL": (2, "Filter", ("--from", "{one}", "--to", "{tmp}/x", "--where", "><")),
    "filters are no TOML": (2, "is not TOML", ("--from", "{one}", "--to", "{tmp}/x", "--filters", "{one}")),
    "filters are a folder": (
        2,
        "cannot be read",
        ("--from", "{one}", "--to", "{tmp}/x", "--filters", "{tmp}"),
    ),
    "missing source": (1, "cannot be read", ("--from", "{tmp}/no", "--to", "{tmp}/x", "--where", "1 = 1")),
    "empty source": (2, "empty name", ("--from", "", "--to", "{tmp}/x", "--where", "1 = 1")),
    "broker": (2, "by this version", ("--from", "vtp://h", "--to", "{tmp}/x", "--where", "1 = 1")),
    "broker out": (2, "by this version", ("--from", "{one}", "--to", "vtp://h", "--where", "1 = 1")),
    "topics": (2, "one topic", ("--from", "kafka://h/t", "--to", "kafka://h/a,b", "--where", "1 = 1")),
    "loop": (2, "read and written", ("--from", "kafka://h/t", "--to", "kafka://h/t", "--where", "1 = 1")),
    "group": (
        2,
        "that read Kafka",
        ("--from", "{one}", "--to", "{tmp}/x", "--where", "1 = 1", "--group", "g"),
    ),
    "archive": (
        2,
        "Name a folder",
        ("--from", "kafka://h/t", "--to", "x.tar", "--where", "a > 1", "--group", "g"),
    ),
    "output is a file": (2, "is a file", ("--from", "{one}", "--to", "{one}.x", "--where", "1 = 1")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_one_sentence(keep: Filter, one: Path, tmp_path: Path, mistake: str) -> None:
    copy = tmp_path / "one"
    copy.write_bytes(one.read_bytes())
    (tmp_path / "one.x").touch()
    status, sentence, words = MISTAKES[mistake]
    outcome = keep(*(word.format(one=copy, tmp=tmp_path) for word in words))
    assert outcome.status == status
    assert sentence in " ".join(outcome.err.split())
    assert outcome.out == b""
