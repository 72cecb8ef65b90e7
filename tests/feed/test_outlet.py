"""On the way into the journal: nobody waits for the disk, nothing is lost or overtaken when it refuses."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from at_once import AtOnce
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.packet import Document, Origin
from bridge.errors import SourceError
from bridge.feed import outlet as outlet_module
from bridge.feed.outlet import RETRY_S, Outlet
from bridge.feed.writer import Done, Writer
from bridge.journal import Appended, Journal, NewEntry
from bridge.streams import Batch

FULL = SourceError("The journal cannot be used: the disk is full.")


def entry(name: object, size: int = 10) -> NewEntry:
    data = f"<{name}>".encode().ljust(size)
    return NewEntry(f"ivo://a/b#{name}", data, "relayed", hashlib.sha256(data).digest(), "test")


class Slow:
    """A writer that answers when the test wants it to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Sequence[NewEntry], Mapping[str, int], Done]] = []
        self.written: list[NewEntry] = []

    def put(self, entries: Sequence[NewEntry], positions: Mapping[str, int], done: Done) -> None:
        self.waiting.append((list(entries), dict(positions), done))

    def answer(self, answer: BaseException | None = None) -> None:
        entries, _, done = self.waiting.pop(0)
        if answer is not None:
            done(answer)
            return
        self.written += entries
        done(Appended(tuple(range(1, len(entries) + 1)), 0, (), len(self.written)))


class Nagging(threading.Event):
    """A stop that is never asked for, and pauses that take no time but are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.pauses: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.pauses.append(timeout)
        return False


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "j", durability="normal") as opened:
        yield opened


def test_what_is_made_while_a_transaction_is_under_way_makes_up_the_next() -> None:
    slow = Slow()
    outlet = Outlet(slow, lambda *_: None, threading.Event())
    for number in range(5):
        assert outlet.add([entry(number)], {"part": number + 1})
    assert [len(entries) for entries, _, _ in slow.waiting] == [1]
    slow.answer()
    ((entries, positions, _),) = slow.waiting
    assert ([each.ivorn[-1] for each in entries], positions) == (["1", "2", "3", "4"], {"part": 5})
    slow.answer()
    assert outlet.flush(0)


def test_a_batch_is_kept_when_the_last_of_it_is_written() -> None:
    slow = Slow()
    outlet = Outlet(slow, lambda *_: None, threading.Event())
    first, second = Batch(), Batch()
    first.kept = second.kept = False
    outlet.add([entry(1)], {})
    outlet.add([entry(2)], {"part": 2}, first)
    outlet.add([], {"part": 3}, second)
    slow.answer()
    assert (first.kept, second.kept) == (False, False)
    slow.answer()
    assert (first.kept, second.kept) == (True, True)


@pytest.mark.parametrize(("events", "size"), [(2_000, 10), (6, 2 << 20)])
def test_who_makes_more_than_the_disk_takes_waits_for_it(events: int, size: int) -> None:
    slow = Slow()
    outlet = Outlet(slow, lambda *_: None, threading.Event())
    outlet.add([entry("first")], {})
    large = threading.Thread(target=outlet.add, args=([entry(n, size) for n in range(events)], {}))
    large.start()
    large.join(0.05)
    assert large.is_alive()
    slow.answer()
    large.join(60)
    assert not large.is_alive()


def test_what_no_filter_keeps_does_not_pile_up_while_the_disk_refuses() -> None:
    slow, stop = Slow(), threading.Event()
    outlet = Outlet(slow, lambda *_: None, stop)
    dropped = [Document(b"<v/>", "voevent", Origin("topic", number)) for number in range(256)]
    read: list[int] = []

    def make() -> None:
        while outlet.add([], {"topic": len(read)}, Batch(dropped)):
            read.append(256)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    maker.join(0.3)
    assert maker.is_alive(), "it waits"
    assert sum(read) <= 6 * 256, "and holds few of them in memory"
    stop.set()
    slow.answer(FULL)
    maker.join(30)
    assert not maker.is_alive()


def test_what_the_disk_refuses_is_tried_again_before_what_follows(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    slow, stop = Slow(), Nagging()
    outlet = Outlet(slow, lambda *_: None, stop)
    outlet.add([entry("a")], {"part": 1})
    outlet.add([entry("b")], {"part": 2})
    again = threading.Event()
    monkeypatch.setattr(slow, "put", lambda *given: (slow.waiting.append(given), again.set()))
    slow.answer(FULL)
    assert again.wait(60)
    ((entries, positions, _),) = slow.waiting
    assert ([each.ivorn[-1] for each in entries], positions) == (["a", "b"], {"part": 2})
    assert outlet.trouble == str(FULL)
    assert stop.pauses == [RETRY_S]
    slow.answer()
    assert outlet.trouble is None
    assert outlet.flush(60)
    assert "can be written again" in caplog.text


def test_a_stop_ends_the_waiting_for_a_full_disk_at_once() -> None:
    slow, stop = Slow(), threading.Event()
    outlet = Outlet(slow, lambda *_: None, stop)
    outlet.add([entry("a")], {})
    slow.answer(FULL)
    flushed: list[bool] = []
    waiting = threading.Thread(target=lambda: flushed.append(outlet.flush()))
    waiting.start()
    stop.set()
    waiting.join(60)
    assert flushed == [False]
    assert not outlet.add([entry("b")], {})
    assert (slow.waiting, slow.written) == ([], [])


def test_a_bug_in_the_journal_reaches_who_makes_events() -> None:
    slow = Slow()
    outlet = Outlet(slow, lambda *_: None, threading.Event())
    outlet.add([entry("a")], {})
    slow.answer(ZeroDivisionError())
    for use in (outlet.flush, lambda: outlet.add([entry("b")], {})):
        with pytest.raises(ZeroDivisionError):
            use()


def test_a_writer_that_cannot_even_be_asked_ends_the_making() -> None:
    class Broken:
        def put(self, *_given: object) -> None:
            raise RuntimeError("no threads are left")

    outlet = Outlet(Broken(), lambda *_: None, threading.Event())
    with pytest.raises(RuntimeError):
        outlet.add([entry("a")], {})
    with pytest.raises(RuntimeError):
        outlet.flush()


class Moody:
    """A journal that refuses now and then."""

    def __init__(self, journal: Journal, moods: Iterator[bool]) -> None:
        self.journal = journal
        self.moods = moods

    def append(self, entries: Sequence[NewEntry], positions: Mapping[str, int]) -> Appended:
        if next(self.moods, False):
            raise FULL
        appended = self.journal.append(entries, positions)
        # Whenever the feed is killed: the positions are those of the events.
        assert self.journal.positions()["part"] == self.journal.last_seq()
        return appended


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.lists(st.booleans(), max_size=12))
def test_whatever_the_disk_refuses_all_is_written_once_in_order_with_its_position(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], moods: list[bool]
) -> None:
    path = tmp_path_factory.mktemp("outlet") / "j"
    with Journal.open(path, durability="normal") as journal:
        writer = Writer(Moody(journal, iter(moods)))  # type: ignore[arg-type]
        writer.start()
        seen: list[str] = []
        outlet = Outlet(writer, lambda _, some: seen.extend(each.ivorn for each in some), Nagging())
        made = 0
        for size in sizes:
            outlet.add([entry(made + place) for place in range(size)], {"part": made + size})
            made += size
        assert outlet.flush(60)
        writer.close()
        expected = [entry(number).ivorn for number in range(made)]
        assert [each.ivorn for each in journal.read(0, 1_000)] == expected == seen
        assert journal.positions() == {"part": made}


def test_a_writer_that_answers_at_once_will_do(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet_module, "MOST_EVENTS", 1)
    outlet = Outlet(AtOnce(journal), lambda *_: None, threading.Event())
    for number in range(3):
        assert outlet.add([entry(number)], {"part": number})
    assert journal.last_seq() == 3
