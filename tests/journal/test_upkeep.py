"""A journal over years: what goes when, that the file shrinks, and copies and checks while it is written."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import SourceError, UsageError
from bridge.journal import Journal, JournalReader, NewEntry
from bridge.journal.backup import back_up
from bridge.journal.check import check_journal


def relayed(n: int, size: int = 2_000) -> NewEntry:
    data = (b"%08d" % n) * (size // 8)
    return NewEntry(f"ivo://a/b#{n}", data, "relayed", hashlib.sha256(data).digest(), "test")


@pytest.fixture
def clock() -> list[float]:
    return [1_700_000_000.0]


@pytest.fixture
def journal(tmp_path: Path, clock: list[float]) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal", durability="normal", clock=lambda: clock[0]) as journal:
        yield journal


def test_a_forgotten_event_is_new_again_and_places_go_on(journal: Journal, clock: list[float]) -> None:
    journal.append([relayed(n) for n in range(10)])
    clock[0] += 100
    journal.append([relayed(10)])
    later = clock[0] - 50
    assert journal.forget(later) == 0, "an event whose packet is kept is not forgotten"
    while journal.prune(later, 3).events:
        pass
    assert [journal.forget(later, 4) for _ in range(4)] == [4, 4, 2, 0]
    assert journal.find(ivorn="ivo://a/b#3") == []
    counts = journal.statistics()
    assert (counts.events, counts.forgotten, counts.kept, counts.last_seq) == (11, 10, 1, 11)
    assert journal.append([relayed(3), relayed(10)]).seqs == (12, None)


def test_places_go_on_when_all_is_forgotten(journal: Journal, clock: list[float]) -> None:
    journal.append([relayed(1)], {"file": 1})
    clock[0] += 10
    journal.prune(clock[0])
    journal.forget(clock[0])
    assert journal.statistics(groups=False).newest_at is None
    assert journal.last_seq() == 1
    assert journal.seq_at(0.0) == 1
    path = journal.path
    journal.close()
    with Journal.open(path) as again:
        assert again.append([]).last_seq == 1
        assert again.append([relayed(2)]).seqs == (2,)


@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_an_event_that_comes_while_it_is_looked_for_old_ones_is_none_of_them(
    journal: Journal, clock: list[float], monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    """In a quiet feed, whose packets are all old, it would have been removed before anybody got it."""
    journal.append([relayed(1)])
    clock[0] += 1_000
    last_seq = Journal.last_seq

    def last_seq_amid(reader: Journal) -> int:
        monkeypatch.setattr(Journal, "last_seq", last_seq)
        if first:
            journal.append([relayed(2)])
        found = last_seq(reader)
        if not first:
            journal.append([relayed(2)])
        return found

    monkeypatch.setattr(Journal, "last_seq", last_seq_amid)
    assert journal.prune(older_than=clock[0] - 500).events == 1
    assert [entry.ivorn for entry in journal.read(0)] == [relayed(2).ivorn]
    assert journal.seq_at(clock[0] - 500) == 1


@pytest.mark.parametrize("most_values", [32_766, 999, 11])
def test_large_groups_are_stored_whatever_sqlite_takes_at_once(journal: Journal, most_values: int) -> None:
    journal._connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, most_values)
    assert journal.append([relayed(n, 80) for n in range(1_100)]).seqs == tuple(range(1, 1_101))
    again = journal.append([relayed(n, 80) for n in range(500, 1_300)])
    assert again.seqs == (*[None] * 600, *range(1_101, 1_301))
    assert [entry.data for entry in journal.read(0, 2_000)] == [relayed(n, 80).data for n in range(1_300)]


def test_nothing_old_is_found_without_a_transaction(journal: Journal, clock: list[float]) -> None:
    journal.append([relayed(n) for n in range(5)])
    version = "PRAGMA data_version"
    with JournalReader.open(journal.path) as reader:
        before = reader._rows(version)
        assert journal.prune(clock[0] - 1).events == 0
        assert journal.forget(clock[0] - 1) == 0
        assert reader._rows(version) == before


def test_the_oldest_packets_can_go_whatever_their_age(journal: Journal) -> None:
    journal.append([relayed(n) for n in range(5)])
    assert journal.prune_oldest(2).events == 2
    assert [entry.seq for entry in journal.read(0)] == [3, 4, 5]


def test_a_step_is_bounded_by_bytes_too(journal: Journal) -> None:
    journal.append([relayed(n, 4 << 20) for n in range(4)])
    assert 1 <= journal.prune_oldest(100).events < 4


def test_free_room_is_given_back_to_the_disk_in_steps(journal: Journal, clock: list[float]) -> None:
    journal.append([relayed(n, 20_000) for n in range(300)])
    full = journal.space()
    assert full.shrinks
    journal.append([], {"x": 1})
    clock[0] += 10
    while journal.prune(clock[0]).events:
        pass
    assert journal.space().free_bytes > full.file_bytes // 2
    assert journal.give_back(10) == 10
    while journal.give_back(100):
        pass
    assert journal.space().free_bytes == 0
    path = journal.path
    journal.close()
    assert path.stat().st_size < full.file_bytes // 5


def test_old_places_of_subscribers_and_files_go(journal: Journal, clock: list[float]) -> None:
    journal.save_cursors({"ivo://old/one": 0})
    journal.append([], {"/in/old": 1, "/in/other": 1})
    clock[0] += 100
    journal.save_cursors({"ivo://new/one": 0})
    journal.append([], {"/in/other": 2})
    assert journal.stale_positions(clock[0]) == ["/in/old"]
    journal.forget_positions(["/in/old"])
    assert journal.forget_subscribers(clock[0]) == 1
    assert journal.positions() == {"/in/other": 2}
    assert journal.cursors().keys() == {"ivo://new/one"}


def test_a_backup_made_while_the_feed_writes_is_whole_and_a_journal(journal: Journal, tmp_path: Path) -> None:
    journal.append([relayed(n) for n in range(3_000)], {"file": 3_000})
    journal.save_cursors({"ivo://a/b": 7})
    done = threading.Event()
    written = [3_000]

    def write() -> None:
        while not done.is_set():
            journal.append([relayed(written[0])], {"file": written[0] + 1})
            written[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    steps: list[tuple[int, int]] = []
    try:
        size = back_up(journal.path, tmp_path / "copy", lambda *step: steps.append(step))
    finally:
        done.set()
        writer.join()
    assert size == (tmp_path / "copy").stat().st_size == steps[-1][0] == steps[-1][1]
    assert len(steps) > 3
    assert written[0] > 3_000, "the writer went on meanwhile"
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith((".copy", "copy-"))]
    with JournalReader.open(tmp_path / "copy") as copy:
        last = copy.last_seq()
        assert 3_000 <= last < written[0]
        assert copy.positions() == {"file": last}
        assert [entry.data for entry in copy.read(0, 10_000, 1 << 30)] == [
            relayed(n).data for n in range(last)
        ]
        assert check_journal(copy).faults == ()
    with Journal.open(tmp_path / "copy") as revived:
        assert revived.append([relayed(0), relayed(99_999)]).seqs == (None, last + 1)


def test_a_backup_overwrites_nothing_and_leaves_nothing_half(journal: Journal, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("precious")
    with pytest.raises(UsageError, match="exists already"):
        back_up(journal.path, tmp_path / "there")
    with pytest.raises(SourceError, match="cannot be"):
        back_up(journal.path, tmp_path / "no" / "folder")
    assert (tmp_path / "there").read_text() == "precious"


def test_a_check_finds_packets_that_are_not_what_was_published(journal: Journal) -> None:
    journal.append([relayed(n) for n in range(150)])
    places: list[tuple[int, int]] = []
    whole = check_journal(journal, lambda *reached: places.append(reached))
    assert (whole.packets, whole.faults, places[-1]) == (150, (), (150, 150))
    with sqlite3.connect(journal.path) as other:
        other.execute("UPDATE body SET data = CAST(replace(data, '7', '8') AS BLOB) WHERE seq = 8")
        other.execute("UPDATE body SET data = x'00' WHERE seq = 9")
        other.execute("INSERT INTO body VALUES (1000, x'00')")
        other.execute("INSERT INTO subscriber VALUES ('ivo://from/nowhere', 5000, 1)")
    other.close()
    faults = check_journal(journal).faults
    assert [fault.split(" ")[1] for fault in faults] == ["8", "9", "1000", "place"]
    assert "its digest is another" in faults[0]
    assert "has 1 byte and" in faults[1]
    assert "of which nothing is known" in faults[2]
    assert "beyond the newest event, 150" in faults[3]


def test_a_check_of_a_damaged_file_says_so(journal: Journal) -> None:
    journal.append([relayed(n, 3_000) for n in range(400)])
    journal.close()
    with journal.path.open("r+b") as file:
        for page in range(20, 150):
            file.seek(page * 8192)
            file.write(b"\xa5" * 4096)
    with JournalReader.open(journal.path) as reader:
        (fault,) = check_journal(reader).faults
    assert "damaged" in fault
