"""Sources of files: bounded batches, and positions from which a second run goes on without loss or repeat."""

from __future__ import annotations

import io
import os
import random
import sys
import tarfile
from pathlib import Path

import pytest

from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError, UsageError
from bridge.streams import Batch, finished_mark, is_finished, open_source
from bridge.streams.follow import Follower
from bridge.streams.source import MAX_BYTES, MAX_ITEMS, PathSource

STORE = SchemaStore()


def xml(path: Path, text: str = "<v/>", *, mtime: float = 1_000_000.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (mtime, mtime))
    return path


def tar_of(path: Path, count: int) -> Path:
    with tarfile.open(path, "w") as tar:
        for i in range(count):
            content = f"<v>{i}</v>".encode()
            info = tarfile.TarInfo(f"{i}.xml")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def texts(batches: list[Batch]) -> list[str]:
    return [item.data.decode() for batch in batches for item in batch if isinstance(item, Document)]


def limited(path: Path, resume: dict[str, int], *, items: int, folder: bool = False) -> PathSource:
    return PathSource(str(path), STORE, resume, None, lambda: False, is_folder=folder, max_items=items)


def test_a_real_folder_gives_every_alert_once(shared_data: Path) -> None:
    batches = list(open_source(shared_data / "alerts", store=STORE))
    items: list[Item] = [item for batch in batches for item in batch]
    assert sum(isinstance(item, Packet) for item in items) == 3 + 11 + 7
    # The seven LSST packets in wire format are refused: this store knows no schema.
    assert sum(isinstance(item, Refusal) for item in items) == 7
    assert len({(item.origin.partition, item.origin.offset) for item in items}) == 28


def test_batches_are_bounded_in_count_and_in_bytes(tmp_path: Path) -> None:
    tar_of(tmp_path / "many.tar", 600)
    assert [len(batch) for batch in open_source(tmp_path / "many.tar", store=STORE)] == [256, 256, 88]
    for i in range(5):
        xml(tmp_path / "big" / f"{i}.xml", "<v>" + "x" * (MAX_BYTES // 2))
    assert [len(batch) for batch in open_source(tmp_path / "big", store=STORE)] == [2, 2, 1]
    assert MAX_ITEMS == 256


def test_a_run_that_stops_anywhere_is_continued_without_loss_or_repeat(tmp_path: Path) -> None:
    tar_of(tmp_path / "a.tar", 7)
    xml(tmp_path / "b.xml", "<one/>")
    tar_of(tmp_path / "c.tar", 4)
    everything = texts(list(open_source(tmp_path, store=STORE)))
    assert len(everything) == 12
    chance = random.Random(4)
    for _ in range(30):
        positions: dict[str, int] = {}
        seen: list[str] = []
        while len(seen) < 12:
            for batch in limited(tmp_path, positions, items=chance.randint(1, 5), folder=True):
                seen += texts([batch])
                positions.update(batch.positions)
                if chance.random() < 0.5:
                    break
        assert seen == everything
        assert texts(list(limited(tmp_path, positions, items=3, folder=True))) == []


def test_a_finished_file_is_not_opened_again_unless_it_has_changed(tmp_path: Path) -> None:
    path = xml(tmp_path / "a.xml", "<one/>")
    positions: dict[str, int] = {}
    for batch in open_source(tmp_path, store=STORE):
        positions.update(batch.positions)
    assert positions == {str(path): finished_mark(6)}
    path.chmod(0)
    assert list(open_source(tmp_path, store=STORE, resume=positions)) == []
    path.chmod(0o644)
    xml(path, "<other/>")
    assert texts(list(open_source(tmp_path, store=STORE, resume=positions))) == ["<other/>"]


def test_positions_are_numbers_that_a_journal_can_keep_and_only_grow() -> None:
    assert 10**12 < finished_mark(0) < finished_mark(10**13) < 2**63
    assert is_finished(finished_mark(5), 5)
    assert not is_finished(finished_mark(5), 6)
    assert not is_finished(5, 5)


def test_partitions_are_named_by_absolute_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    xml(tmp_path / "a.xml")
    monkeypatch.chdir(tmp_path)
    (batch,) = open_source("a.xml", store=STORE)
    assert batch[0].origin.partition == str(tmp_path / "a.xml")


def test_bare_messages_need_the_callers_word(tmp_path: Path) -> None:
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "i", "type": "long"}]})
    (tmp_path / "1.bin").write_bytes(b"\x02")
    (without,) = open_source(tmp_path, store=STORE)
    (with_schema,) = open_source(tmp_path, store=STORE, default_schema=schema)
    assert isinstance(without[0], Refusal)
    assert isinstance(with_schema[0], Packet)
    assert with_schema[0].schema is schema


def test_a_file_that_cannot_be_opened_leaves_no_position(tmp_path: Path) -> None:
    xml(tmp_path / "a.xml")
    (tmp_path / "b.xml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "c.pipe")
    (batch,) = open_source(tmp_path, store=STORE)
    assert [type(item).__name__ for item in batch] == ["Document", "Refusal", "Refusal"]
    assert list(batch.positions) == [str(tmp_path / "a.xml")]


def test_the_source_stops_when_it_is_told(tmp_path: Path) -> None:
    for i in range(10):
        xml(tmp_path / f"{i}.xml")
    answers = iter([False, False, False, True])
    batches = list(open_source(tmp_path, store=STORE, stop=lambda: next(answers)))
    assert sum(map(len, batches)) == 3


def test_standard_input_has_no_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<v/>")))
    (batch,) = open_source("-", store=STORE, resume={"-": 5}, follow=True)
    assert texts([batch]) == ["<v/>"]
    assert batch.positions == {}


def test_brokers_are_declined_in_plain_words() -> None:
    for url in ("vtp://host:8099", "http://host/file"):
        with pytest.raises(UsageError, match="cannot be read by this version"):
            open_source(url, store=STORE)


def test_a_missing_path_is_said_when_the_source_is_opened(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        open_source(tmp_path / "missing", store=STORE)


def test_a_file_that_vanishes_before_it_is_read(tmp_path: Path) -> None:
    path = xml(tmp_path / "a.xml")
    source = open_source(path, store=STORE)
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        list(source)


class Clock:
    """Time that passes only in sleep; something may happen in each nap."""

    def __init__(self, *events: object) -> None:
        self.seconds = 1_000_000.0
        self.events = list(events)
        self.naps = 0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps += 1
        self.seconds += seconds
        if self.events:
            event = self.events.pop(0)
            if callable(event):
                event()


def follow(folder: Path, clock: Clock, naps: int, **more: object) -> list[list[str]]:
    source = open_source(
        folder,
        store=STORE,
        follow=True,
        interval_s=2.0,
        sleep=clock.sleep,
        now=clock.now,
        stop=lambda: clock.naps >= naps,
        **more,  # type: ignore[arg-type]
    )
    return [texts([batch]) for batch in source]


def test_new_files_are_taken_as_they_appear_with_a_sign_of_life_at_every_look(tmp_path: Path) -> None:
    xml(tmp_path / "old.xml", "<old/>", mtime=0)
    clock = Clock(
        None,
        lambda: xml(tmp_path / "deep" / "b.xml", "<b/>", mtime=0),
        lambda: (xml(tmp_path / "d.xml", "<d/>", mtime=0), xml(tmp_path / "c.xml", "<c/>", mtime=0)),
    )
    assert follow(tmp_path, clock, 5) == [["<old/>"], [], ["<b/>"], ["<c/>", "<d/>"], []]


def test_a_file_is_left_alone_until_it_has_its_final_name(tmp_path: Path) -> None:
    def rename() -> None:
        (tmp_path / "a.xml.tmp").rename(tmp_path / "a.xml")

    for name in ("a.xml.tmp", ".b.xml", "c.xml~", "d.part"):
        xml(tmp_path / name, "<a/>", mtime=0)
    assert follow(tmp_path, Clock(None, rename), 3) == [[], [], ["<a/>"]]


def test_an_empty_or_growing_file_is_left_for_the_next_look(tmp_path: Path) -> None:
    path = xml(tmp_path / "a.xml", "", mtime=0)
    with path.open("w") as file:

        def more(text: str, at: float) -> None:
            file.write(text)
            file.flush()
            os.utime(path, (at, at))

        clock = Clock(
            lambda: more("<a", 1_000_002.0),
            lambda: more(" ", 1_000_004.0),
            lambda: more("/>", 1_000_006.0),
            file.close,
        )
        assert follow(tmp_path, clock, 5) == [[], [], [], [], ["<a />"]]


def test_a_followed_folder_is_resumed(tmp_path: Path) -> None:
    done = xml(tmp_path / "a.xml", "<a/>", mtime=0)
    xml(tmp_path / "b.xml", "<b/>", mtime=0)
    resume = {str(done): finished_mark(4)}
    assert follow(tmp_path, Clock(), 1, resume=resume) == [["<b/>"]]


def test_a_file_that_goes_away_between_two_looks_is_forgotten(tmp_path: Path) -> None:
    clock = Clock()
    follower = Follower(tmp_path, 1.0, sleep=clock.sleep, now=clock.now)
    (tmp_path / "dead.xml").symlink_to(tmp_path / "later.txt")
    assert follower.look() == []
    path = xml(tmp_path / "a.xml", mtime=clock.seconds)
    with path.open("a"):
        assert follower.look() == []
    path.unlink()
    assert follower.look() == []
    assert follower.look() == []
