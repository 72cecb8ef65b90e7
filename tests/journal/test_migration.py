"""A journal of an older version opens with this one, and nothing in it is lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bridge.errors import SourceError
from bridge.journal import Cone, Journal, JournalReader, NewEntry
from bridge.journal.tables import MIGRATIONS, version_of
from tests.journal.version_1 import build, contents


def rows_of(path: Path) -> dict[str, list[tuple]]:
    connection = sqlite3.connect(path)
    try:
        return contents(connection)
    finally:
        connection.close()


def test_nothing_is_lost_on_the_way_from_version_1(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    before = build(path)
    Journal.open(path).close()
    assert rows_of(path) == before
    with Journal.open(path) as journal:
        assert version_of(journal._connection) == len(MIGRATIONS)
        assert (journal.last_seq(), journal.first_kept_seq()) == (300, 101)
        assert journal.positions() == {"/in/a.avro": 7, "kafka://h/t/0": 9}
        assert journal.cursor("ivo://org.example/comet") == 250
        assert len(journal.read(0, 1000)) == 200
        counts = journal.statistics()
        assert (counts.events, counts.kept, counts.duplicates, counts.conflicts) == (300, 200, 4, 2)
        journal.check()


def test_what_version_1_knew_is_still_recognised_and_found(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    rows = build(path)["event"]
    with Journal.open(path) as journal:
        again = [NewEntry(row[1], b"again", row[2], row[3], row[4]) for row in rows]
        assert journal.append(again).duplicates == len(rows)
        with_place = [row for row in rows if row[6] is not None]
        for row in with_place[::10]:
            found = journal.find(cone=Cone(row[6], row[7], 0.001))
            assert row[0] in {event.seq for event in found}
        assert len(journal.find(cone=Cone(0, 0, 180))) == len(with_place)
        assert journal.append([NewEntry("ivo://a/b#new", b"x", "authored", b"d", "test")]).seqs == (301,)


def test_a_reader_says_what_to_do_about_an_older_journal(tmp_path: Path) -> None:
    build(tmp_path / "journal")
    with pytest.raises(SourceError, match=r"older version of this program.*Start a feed on it once"):
        JournalReader.open(tmp_path / "journal")


def test_a_migration_that_is_killed_leaves_the_old_version(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    before = build(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"BEGIN; {MIGRATIONS[1]}")
    connection.close()
    assert rows_of(path) == before
    with Journal.open(path) as journal:
        assert journal.last_seq() == 300


def test_an_older_file_gives_room_back_only_after_it_was_compacted(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    before = build(path, events=3000)
    with Journal.open(path) as journal:
        assert not journal.space().shrinks
        while journal.prune(2e9).events:
            pass
        assert journal.give_back(1000) == 0
        full = journal.space().file_bytes
        journal.compact()
        space = journal.space()
        assert space.shrinks
        assert space.file_bytes < full
        assert space.free_bytes == 0
        journal.check()
    after = rows_of(path)
    assert after.pop("body") == []
    before.pop("body")
    assert after == before
