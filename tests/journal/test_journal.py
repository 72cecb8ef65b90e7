"""The journal's promises: one IVORN one content, nothing twice, positions with events, no place reused."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import SourceError
from bridge.journal import Conflict, Journal, JournalReader, NewEntry, SavedCursor

IVO = "ivo://org.example/ztf"


class Now:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def __call__(self) -> float:
        return self.time


def authored(name: object, content: str = "", data: bytes | None = None, **values) -> NewEntry:
    content = content or f"datum {name}"
    digest = hashlib.sha256(content.encode()).digest()
    values.setdefault("role", "observation")
    return NewEntry(f"{IVO}#{name}", data or f"<v>{name}</v>".encode(), "authored", digest, **values)


def relayed(name: object, data: bytes, **values) -> NewEntry:
    values.setdefault("role", "observation")
    return NewEntry(f"{IVO}#{name}", data, "relayed", hashlib.sha256(data).digest(), **values)


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def journal(tmp_path: Path, now: Now) -> Iterator[Journal]:
    with Journal.open(tmp_path / "journal", clock=now) as journal:
        yield journal


def test_events_come_back_in_order_with_their_bytes(journal: Journal) -> None:
    appended = journal.append([authored(n) for n in range(5)], {"file": 5})
    assert appended.seqs == (1, 2, 3, 4, 5)
    assert (appended.stored, appended.duplicates, appended.last_seq) == (5, 0, 5)
    assert [(entry.seq, entry.ivorn, entry.data) for entry in journal.read(3)] == [
        (4, f"{IVO}#3", b"<v>3</v>"),
        (5, f"{IVO}#4", b"<v>4</v>"),
    ]
    assert journal.positions() == {"file": 5}


def test_the_same_alert_again_is_a_duplicate_even_if_its_xml_differs(journal: Journal) -> None:
    journal.append([authored(1, data=b"<v>written at noon</v>")])
    again = journal.append([authored(1, data=b"<v>written at one</v>"), authored(2)], {"file": 2})
    assert (again.seqs, again.duplicates, again.conflicts) == ((None, 2), 1, ())
    assert [entry.data for entry in journal.read(0)] == [b"<v>written at noon</v>", b"<v>2</v>"]
    assert journal.positions() == {"file": 2}


def test_another_content_under_our_ivorn_is_refused_and_reported(journal: Journal) -> None:
    first = authored(1, "one")
    second = authored(1, "two")
    appended = journal.append([first, second])
    assert appended.conflicts == (Conflict(f"{IVO}#1", 1, first.digest, second.digest),)
    assert (appended.seqs, appended.stored, appended.duplicates) == ((1, None), 1, 0)
    assert (journal.statistics().conflicts, journal.statistics().duplicates) == (1, 0)


def test_relayed_editions_of_one_ivorn_are_different_events(journal: Journal) -> None:
    appended = journal.append([relayed(1, b"<v1.1/>"), relayed(1, b"<v2.0/>"), relayed(1, b"<v1.1/>")])
    assert appended.seqs == (1, 2, None)
    assert [data for _, data in journal.editions(f"{IVO}#1")] == [b"<v1.1/>", b"<v2.0/>"]


def test_our_own_event_come_home_is_a_duplicate(journal: Journal) -> None:
    journal.append([authored(1, data=b"<ours/>")])
    assert journal.append([relayed(1, b"<ours/>")]).duplicates == 1
    assert journal.append([relayed(1, b"<ours mangled='1'/>")]).duplicates == 1


def test_an_empty_batch_with_positions_moves_them(journal: Journal) -> None:
    assert journal.append([], {"a": 1, "b": 2}).last_seq == 0
    journal.append([], {"a": 7})
    assert journal.positions() == {"a": 7, "b": 2}
    assert journal.append([]).seqs == ()


def test_a_page_ends_at_its_bytes_but_has_one_event_at_least(journal: Journal) -> None:
    journal.append([relayed(n, bytes([n]) * 1000) for n in range(6)])
    assert len(journal.read(0, 10, 2_500)) == 3
    assert len(journal.read(0, 2, 1 << 20)) == 2
    assert len(journal.read(5, 10, 1)) == 1
    assert journal.read(6) == []


def test_what_was_written_survives_and_places_go_on(tmp_path: Path, now: Now) -> None:
    with Journal.open(tmp_path / "journal", clock=now) as journal:
        journal.append([authored(1), authored(2)], {"file": 2})
    with Journal.open(tmp_path / "journal", durability="normal", clock=now) as journal:
        assert (journal.last_seq(), journal.positions()) == (2, {"file": 2})
        assert journal.append([authored(2), authored(3)]).seqs == (None, 3)


def test_an_objects_latest_event_is_found_for_citations(journal: Journal) -> None:
    journal.append([authored(n, object_key=f"object {n % 2}") for n in range(4)])
    journal.append([authored("nameless")])
    assert journal.previous_ivorn("object 1") == f"{IVO}#3"
    assert journal.previous_ivorn("object 2") is None
    assert journal.previous_ivorn("") is None


def test_retention_removes_bytes_in_steps_and_remembers_the_rest(journal: Journal, now: Now) -> None:
    journal.append([authored(n, object_key="object") for n in range(5)])
    now.time += 1000
    journal.append([authored(5)])
    steps = [journal.prune(now.time - 500, max_rows=2) for _ in range(4)]
    assert [step.events for step in steps] == [2, 2, 1, 0]
    assert sum(step.size_bytes for step in steps) == 5 * len(b"<v>0</v>")
    assert [entry.seq for entry in journal.read(0)] == [6]
    assert journal.first_kept_seq() == 6
    assert journal.append([authored(0)]).duplicates == 1
    assert len(journal.append([authored(1, "other")]).conflicts) == 1
    assert journal.previous_ivorn("object") == f"{IVO}#4"
    assert journal.editions(f"{IVO}#4")[0][1] is None
    statistics = journal.statistics()
    assert (statistics.events, statistics.kept, statistics.first_kept_seq) == (6, 1, 6)


def test_places_are_never_used_again(journal: Journal, now: Now) -> None:
    journal.append([authored(1)])
    journal.prune(now.time + 1)
    assert journal.last_seq() == 1
    assert journal.first_kept_seq() is None
    assert journal.append([authored(2)]).seqs == (2,)


def test_a_time_is_turned_into_a_place(journal: Journal, now: Now) -> None:
    for n in range(3):
        journal.append([authored(n)])
        now.time += 100
    assert journal.seq_at(now.time - 300) == 0
    assert journal.seq_at(now.time - 250) == 1
    assert journal.seq_at(now.time) == 3


def test_subscribers_places_are_kept(journal: Journal, now: Now) -> None:
    assert journal.cursor("ivo://a/b") is None
    journal.save_cursors({"ivo://a/b": 3, "ivo://c/d": 1})
    journal.save_cursors({"ivo://a/b": 5})
    journal.save_cursors({})
    assert journal.cursor("ivo://a/b") == 5
    assert journal.cursors()["ivo://c/d"] == SavedCursor(1, now.time)
    assert journal.statistics().subscribers == 2


def test_events_are_found_by_what_people_ask_for(journal: Journal, now: Now) -> None:
    journal.append(
        [authored(1, ra_deg=1.5, dec_deg=-2.5, observed_at="2026-01-01T00:00:00Z", object_key="o")]
    )
    journal.append([NewEntry("ivo://org.example/ztf2#1", b"<v/>", "relayed", b"d", "test")])
    now.time += 100
    journal.append([authored(2, role="test")])
    assert [found.seq for found in journal.find()] == [3, 2, 1]
    assert [found.seq for found in journal.find(limit=1, before=3)] == [2]
    assert [found.seq for found in journal.find(stream=IVO)] == [3, 1]
    assert [found.seq for found in journal.find(role="test", since=now.time)] == [3]
    assert journal.find(object_key="") == []
    (found,) = journal.find(object_key="o")
    assert (found.ra_deg, found.dec_deg, found.observed_at) == (1.5, -2.5, "2026-01-01T00:00:00Z")
    assert (found.kind, found.size_bytes, found.kept) == ("authored", 8, True)
    assert dict(journal.statistics().by_role) == {"observation": 1, "test": 2}


def test_searches_use_indexes(journal: Journal) -> None:
    for where in (
        "object_key = 'a' AND object_key <> ''",
        "role = 'test'",
        "ivorn = 'x'",
        "published_at >= 1",
    ):
        plan = journal._rows(f"EXPLAIN QUERY PLAN SELECT seq FROM event WHERE {where}")
        assert "USING" in plan[0][3], where


def test_a_reader_in_another_thread_sees_what_is_committed(journal: Journal) -> None:
    journal.append([authored(0)])
    seen: list[int] = []
    with journal.reader() as reader:

        def follow() -> None:
            while len(seen) < 200:
                seen.extend(entry.seq for entry in reader.read(len(seen), 7))

        thread = threading.Thread(target=follow)
        thread.start()
        for n in range(1, 200, 10):
            journal.append([authored(k) for k in range(n, n + 10)])
        thread.join(20)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 200


def test_a_reader_cannot_write(journal: Journal) -> None:
    with journal.reader() as reader, pytest.raises(SourceError, match="cannot be written"):
        reader._rows("DELETE FROM event")


def test_a_batch_that_fails_leaves_nothing_behind(journal: Journal) -> None:
    journal.append([authored(1)], {"file": 1})
    with pytest.raises(sqlite3.IntegrityError):
        journal.append([authored(2), NewEntry("ivo://a/b#c", b"x", "other", b"d", "test")], {"file": 3})  # type: ignore[arg-type]
    assert (journal.last_seq(), journal.positions()) == (1, {"file": 1})
    assert journal.append([authored(2)]).seqs == (2,)


STEP = st.tuples(st.sampled_from(["authored", "relayed"]), st.integers(0, 3), st.integers(0, 2))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(STEP, max_size=6), max_size=6))
def test_no_order_of_batches_breaks_the_rules(tmp_path_factory, batches) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal"
    ours: dict[int, int] = {}
    theirs: set[tuple[int, int]] = set()
    expected: list[tuple[str, bytes]] = []
    with Journal.open(path, durability="normal") as journal:
        for batch in batches:
            entries = []
            for kind, name, content in batch:
                data = f"{kind} {content}".encode()
                entry = authored(name, str(content), data) if kind == "authored" else relayed(name, data)
                entries.append(entry)
                if kind == "authored":
                    new = name not in ours
                    ours.setdefault(name, content)
                else:
                    new = name not in ours and (name, content) not in theirs
                    theirs |= {(name, content)} if new else set()
                if new:
                    expected.append((entry.ivorn, data))
            journal.append(entries)
        assert [(entry.ivorn, entry.data) for entry in journal.read(0, 1000)] == expected
        counts = journal.statistics()
        assert counts.events + counts.duplicates + counts.conflicts == sum(map(len, batches))
        journal.check()
    with JournalReader.open(path) as reader:
        assert reader.last_seq() == len(expected)


ENTRIES = st.builds(
    lambda name, kind, content: NewEntry(f"ivo://a/b#{name}", content, kind, content * 3, "test"),
    st.sampled_from("abc"),
    st.sampled_from(["authored", "relayed"]),
    st.sampled_from([b"x", b"y"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(ENTRIES, max_size=90), st.lists(ENTRIES, max_size=12))
def test_a_batch_becomes_what_its_events_become_one_by_one(first, second) -> None:
    with TemporaryDirectory() as folder:
        together, alone = (Journal.open(Path(folder) / name, durability="normal") for name in "ab")
        with together, alone:
            for batch in (first, second):
                appended = together.append(batch)
                single = [alone.append([entry]) for entry in batch]
                assert appended.seqs == tuple(one.seqs[0] for one in single)
                assert appended.conflicts == tuple(each for one in single for each in one.conflicts)
                assert appended.duplicates == sum(one.duplicates for one in single)
                assert together.read(0, 200) == alone.read(0, 200)
                assert together.last_seq() == alone.last_seq()
