"""One alert is no alerts: what people read counts as they do."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from bridge.cli import main
from bridge.journal import Journal, NewEntry
from bridge.wording import counted


@pytest.mark.parametrize(
    ("number", "nouns", "words"),
    [
        (0, ("event",), "0 events"),
        (1, ("event",), "1 event"),
        (2, ("event",), "2 events"),
        (1204, ("more packet",), "1,204 more packets"),
        (1, ("query", "queries"), "1 query"),
        (3, ("query", "queries"), "3 queries"),
    ],
)
def test_a_number_and_its_noun_agree(number: int, nouns: tuple[str, ...], words: str) -> None:
    assert counted(number, *nouns) == words


def test_commands_say_one_alert_and_one_event(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alerts, events, journal = (str(tmp_path / name) for name in ("alerts", "events", "feed.journal"))
    with Journal.open(journal) as opened:
        opened.append(
            [NewEntry("ivo://org.example/s#1", b"<v/>", "relayed", sha256(b"<v/>").digest(), "test")]
        )
    for words in (
        ("simulate", "ztf", "--visits", "1", "--alerts", "1", "-o", alerts),
        ("convert", alerts, "-o", events),
        ("validate", events),
        ("replay", alerts, "--to", str(tmp_path / "again"), "--speed", "max"),
        ("journal", "list", "--journal", journal),
        ("journal", "check", "--journal", journal),
        ("journal", "export", "--journal", journal, "-o", str(tmp_path / "exported")),
    ):
        with pytest.raises(SystemExit) as end:
            main(list(words))
        assert end.value.code == 0, words
    said = "".join(capsys.readouterr())
    assert not re.findall(r"(?<![\d.,])1 (?!pass)\w+s\b", said)
    for phrase in (
        "1 alert in",
        "1 packet:",
        "1 message (",
        "1 of 1 event;",
        "1 packet, 4 bytes",
        "1 event (",
    ):
        assert phrase in said
