"""The one writer: everybody's events in order, in shared transactions, and everybody's own answer."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import SourceError
from bridge.feed.writer import Writer, shares
from bridge.journal import Appended, Journal, NewEntry


def entry(name: str, content: str = "", kind: str = "relayed") -> NewEntry:
    data = f"<{name}>{content}".encode()
    return NewEntry(f"ivo://a/b#{name}", data, kind, hashlib.sha256(data).digest(), "test")  # type: ignore[arg-type]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "j", durability="normal") as opened:
        yield opened


class Gate:
    """A journal whose commits wait until the test lets them through."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.open = threading.Event()
        self.entered = threading.Event()
        self.groups: list[int] = []

    def append(self, entries, positions) -> Appended:
        self.entered.set()
        assert self.open.wait(20)
        self.groups.append(len(entries))
        return self.journal.append(entries, positions)

    def previous_ivorn(self, key: str) -> None:
        return None


def test_what_comes_while_a_commit_is_under_way_makes_up_the_next(journal: Journal) -> None:
    gate = Gate(journal)
    writer = Writer(gate)  # type: ignore[arg-type]
    writer.start()
    answers: list[Appended | BaseException] = []
    writer.put([entry("first")], {}, answers.append)
    assert gate.entered.wait(20)
    for number in range(50):
        writer.put([entry(f"n{number}")], {"part": number}, answers.append)
    gate.open.set()
    writer.close()
    assert gate.groups == [1, 50]
    assert [answer.seqs for answer in answers] == [(seq,) for seq in range(1, 52)]  # type: ignore[union-attr]
    assert journal.positions() == {"part": 49}


def test_a_group_has_its_bounds(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.feed.writer.GROUP_EVENTS", 5)
    gate = Gate(journal)
    writer = Writer(gate)  # type: ignore[arg-type]
    for number in range(6):
        writer.put([entry(f"{number}.{place}") for place in range(2)], {}, lambda _: None)
    writer.put([entry(f"long {place}") for place in range(9)], {}, lambda _: None)
    gate.open.set()
    writer.start()
    writer.close()
    assert gate.groups == [4, 4, 4, 9]


def test_many_threads_get_each_what_became_of_its_own(journal: Journal) -> None:
    writer = Writer(journal)
    writer.start()
    found: dict[int, list[Appended]] = {}

    def work(number: int) -> None:
        found[number] = [writer.append([entry("shared"), entry(f"{number}.{turn}")]) for turn in range(20)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    writer.close()
    assert journal.last_seq() == 1 + 8 * 20
    everything = [answer for answers in found.values() for answer in answers]
    assert sum(answer.stored for answer in everything) == 1 + 8 * 20
    assert all(answer.seqs[1] is not None for answer in everything)
    ivorns = {seq: journal.read(seq - 1, 1)[0].ivorn for answer in everything for seq in answer.seqs if seq}
    for number, answers in found.items():
        assert [ivorns[answer.seqs[1]] for answer in answers] == [
            f"ivo://a/b#{number}.{t}" for t in range(20)
        ]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.booleans()), max_size=4),
        min_size=1,
        max_size=5,
    )
)
def test_shares_are_what_each_would_have_been_told_alone(drawn) -> None:
    parts = [
        [entry(name, content, "authored" if ours else "relayed") for name, content, ours in part]
        for part in drawn
    ]
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal.open(f"{folder}/together", durability="normal") as together,
        Journal.open(f"{folder}/alone", durability="normal") as alone,
    ):
        appended = together.append([each for part in parts for each in part])
        expected = [alone.append(part) for part in parts]
    for share, told in zip(shares(appended, parts), expected, strict=True):
        assert (share.seqs, share.duplicates, share.conflicts) == (told.seqs, told.duplicates, told.conflicts)


def test_a_failure_is_told_to_everybody_in_the_group_and_the_writer_goes_on(journal: Journal) -> None:
    class Full(Gate):
        def append(self, entries, positions) -> Appended:
            if len(self.groups) < 1:
                self.groups.append(0)
                raise SourceError("The journal cannot be used: the disk is full.")
            return self.journal.append(entries, positions)

    writer = Writer(Full(journal))  # type: ignore[arg-type]
    answers: list[Appended | BaseException] = []
    both = threading.Semaphore(0)

    def done(answer: Appended | BaseException) -> None:
        answers.append(answer)
        both.release()

    writer.put([entry("a")], {}, done)
    writer.put([entry("b")], {}, done)
    writer.start()
    assert both.acquire(timeout=20)
    assert both.acquire(timeout=20)
    assert writer.append([entry("c")]).seqs == (1,)
    writer.close()
    assert [type(answer) for answer in answers] == [SourceError, SourceError]


def test_a_bug_in_the_journal_reaches_who_waits_and_the_log(
    journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Gate):
        def append(self, entries, positions) -> Appended:
            raise ZeroDivisionError

    writer = Writer(Broken(journal))  # type: ignore[arg-type]
    writer.start()
    with pytest.raises(ZeroDivisionError):
        writer.append([entry("a")])
    writer.close()
    assert "this is a bug" in caplog.text


def test_what_is_queued_is_written_before_the_end_and_nothing_after(journal: Journal) -> None:
    writer = Writer(journal)
    answers: list[Appended | BaseException] = []
    for number in range(10):
        writer.put([entry(str(number))], {}, answers.append)
    writer.start()
    writer.close()
    assert len(answers) == journal.last_seq() == 10
    with pytest.raises(SourceError, match="the feed is ending"):
        writer.append([entry("late")])
