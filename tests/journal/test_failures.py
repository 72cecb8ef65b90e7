"""What goes wrong with files and processes: said in a sentence, and nothing half-written stays."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import SourceError
from bridge.journal import Journal, JournalReader, NewEntry
from bridge.journal.connection import open_writing
from bridge.journal.tables import MIGRATIONS, migrate, version_of

PROJECT = Path(__file__).resolve().parents[2]

WRITE_FOR_EVER = """
import sys
from bridge.journal import Journal, NewEntry
journal = Journal.open(sys.argv[1])
batch = 0
while True:
    events = [NewEntry(f"ivo://a/b#{batch}.{n}", b"x" * 5000, "authored", b"d", "test") for n in range(7)]
    journal.append(events, {"file": batch})
    batch += 1
    print(batch, flush=True)
"""

HOLD = """
import sys
from bridge.journal import Journal
journal = Journal.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def start(script: str, path: Path) -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )


def event(name: object, size: int = 10) -> NewEntry:
    return NewEntry(f"ivo://a/b#{name}", b"x" * size, "authored", b"d", "test")


def test_kill_9_loses_nothing_that_was_acknowledged_and_splits_no_batch(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    writer = start(WRITE_FOR_EVER, path)
    assert writer.stdout is not None
    for _ in range(40):
        told = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.wait(10)
    told = int(rest[-1]) if rest else told
    with Journal.open(path) as journal:
        written = journal.last_seq()
        assert written >= 7 * told
        assert written % 7 == 0
        assert journal.positions() == {"file": written // 7 - 1}
        journal.check()


def test_two_feeds_on_one_journal_are_refused_until_the_first_ends(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    first = start(HOLD, path)
    assert first.stdout is not None
    assert first.stdout.readline() == b"open\n"
    with pytest.raises(SourceError, match=rf"in use by another feed \(process {first.pid}\)"):
        Journal.open(path)
    with JournalReader.open(path) as reader:
        assert reader.last_seq() == 0
    first.kill()
    first.communicate()
    Journal.open(path).close()


def test_a_disk_that_is_full_is_named_and_the_batch_is_undone(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        journal.append([event(1)], {"file": 1})
        pages = journal._rows("PRAGMA page_count")[0][0]
        journal._rows(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(SourceError, match="the disk is full; free some space"):
            journal.append([event(2), event(3, size=100_000)], {"file": 3})
        assert (journal.last_seq(), journal.positions()) == (1, {"file": 1})
        journal._rows(f"PRAGMA max_page_count = {pages + 500}")
        assert journal.append([event(2)]).seqs == (2,)


def test_a_group_that_breaks_off_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        journal.append([event(1)], {"file": 1})
        group = [event(number, size=9_000) for number in range(2, 60)]
        group[40] = group[40]._replace(kind="neither authored nor relayed")  # type: ignore[arg-type]
        with pytest.raises(sqlite3.IntegrityError):
            journal.append(group, {"file": 2})
        assert (journal.last_seq(), journal.positions()) == (1, {"file": 1})
        assert journal._rows("SELECT (SELECT count(*) FROM event), (SELECT count(*) FROM body)") == [(1, 1)]
        del group[40]
        assert journal.append(group, {"file": 2}).seqs == tuple(range(2, 59))


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="Check that the folder exists"):
        Journal.open(tmp_path / "nowhere" / "journal")


def test_another_kind_of_file_is_not_touched(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but long enough to have a header" * 10)
    with pytest.raises(SourceError, match="the file is not a journal"):
        Journal.open(text)
    assert text.read_text().startswith("not a database")
    database = tmp_path / "other.sqlite"
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE things (a)")
    connection.close()
    for opening in (Journal.open, JournalReader.open):
        with pytest.raises(SourceError, match="a database, but not a journal"):
            opening(database)


def test_a_journal_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    Journal.open(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for opening in (Journal.open, JournalReader.open):
        with pytest.raises(SourceError, match="newer version of this program"):
            opening(path)


def test_readers_need_a_journal_that_is_there_and_in_use(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="There is no journal"):
        JournalReader.open(tmp_path / "journal")
    (tmp_path / "empty").touch()
    with pytest.raises(SourceError, match="older version of this program, or never used"):
        JournalReader.open(tmp_path / "empty")


def test_damage_is_found_and_named(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    with Journal.open(path) as journal:
        journal.append([event(n, 3_000) for n in range(200)])
    with path.open("r+b") as file:
        for page in range(20, 150):
            file.seek(page * 4096)
            file.write(b"\xa5" * 2048)
    with pytest.raises(SourceError, match="damaged"), JournalReader.open(path) as reader:
        reader.check()


def test_a_closed_journal_says_so(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "journal")
    journal.close()
    journal.close()
    with pytest.raises(SourceError, match="has been closed already"):
        journal.read(0)


def test_older_files_are_brought_up_to_date_step_by_step(tmp_path: Path) -> None:
    connection = open_writing(tmp_path / "journal", "full")
    scripts = (*MIGRATIONS, "ALTER TABLE event ADD COLUMN extra TEXT;", "CREATE TABLE more (a);")
    assert migrate(connection, scripts) == 2
    assert migrate(connection, scripts) == 0
    assert version_of(connection) == len(scripts)
    connection.execute("SELECT extra FROM event").fetchall()
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*scripts, "CREATE TABLE half (a); NONSENSE;"))
    assert version_of(connection) == len(scripts)
    assert not connection.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall()
    connection.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_journal_by_another_name_is_the_same_journal(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path, link = tmp_path / "data" / "journal", tmp_path / "link"
    link.symlink_to(path)
    with Journal.open(link) as journal:
        journal.append([event(1)])
        assert journal.space().log_bytes > 0, "the log lies beside the file, not beside the link"
        with pytest.raises(SourceError, match="in use by another feed"):
            Journal.open(path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["data", "link"]


def test_a_full_disk_is_not_first_met_at_the_lock(tmp_path: Path) -> None:
    # The number of the process in the lock file is for people; it is the journal that must say what is wrong.
    (tmp_path / "journal.lock").symlink_to("/dev/full")
    with Journal.open(tmp_path / "journal") as journal:
        assert journal.append([NewEntry("ivo://a/b#1", b"<x/>", "authored", b"d", "test")]).last_seq == 1
