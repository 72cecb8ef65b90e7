"""What comes in over VTP: judged, journalled, answered; whatever the disk does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import relayable
from processes import wait_for

from bridge.errors import SourceError
from bridge.feed.arrivals import BUSY, Arrivals, AuthorsJudge, RelayJudge
from bridge.feed.intake import Counts
from bridge.feed.writer import Writer
from bridge.journal import Appended, Journal, NewEntry
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.vtp.offers import Offer, Verdict


class Gatehouse:
    """Arrivals over a journal, with the verdicts on a list."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        self.journal = journal
        self.verdicts: list[Verdict] = []
        self.announced: list[int] = []
        self.writer = Writer(journal, lambda new: self.announced.append(new[-1].seq))
        self.arrivals = Arrivals(self.writer, lambda call, *args: call(*args), wall=lambda: 5.0)
        self.author = AuthorsJudge(("2.0",))
        self.counts = self.arrivals.counts
        self.dead = folder / "dead"
        self.relay = RelayJudge(Pipeline(Plan()), DeadLetters(self.dead), self.counts)
        self.strict = RelayJudge(Pipeline(Plan(strict=True)), DeadLetters(self.dead), self.counts)

    def offer(self, judge, *packets: bytes) -> None:
        for data in packets:
            self.arrivals.put(Offer(data, "vtp://192.0.2.1:5000", self.verdicts.append), judge)

    def run(self) -> list[str]:
        self.writer.start()
        self.arrivals.start()
        return self.run_out()

    def run_out(self) -> list[str]:
        self.arrivals.close()
        self.writer.close()
        return [verdict.outcome for verdict in self.verdicts]


@pytest.fixture
def gatehouse(tmp_path: Path) -> Iterator[Gatehouse]:
    with Journal.open(tmp_path / "j", durability="normal") as journal:
        yield Gatehouse(journal, tmp_path)


def test_an_author_is_told_what_became_of_each_of_its_events(gatehouse: Gatehouse) -> None:
    broken = relayable(3).replace(b"What", b"Whit")
    gatehouse.offer(gatehouse.author, relayable(1), relayable(1), relayable(2), broken, b"hello")
    assert sorted(gatehouse.run()) == ["duplicate", "published", "published", "refused", "refused"]
    by_ivorn = {(v.ivorn, v.outcome): v.reason for v in gatehouse.verdicts}
    assert by_ivorn["ivo://org.example/relay#1", "duplicate"] == "Previously seen by this broker"
    assert "Element 'Whit'" in by_ivorn["ivo://org.example/relay#3", "refused"]
    assert "not well-formed XML" in by_ivorn["", "refused"]
    assert [entry.data for entry in gatehouse.journal.read(0)] == [relayable(1), relayable(2)]
    assert gatehouse.announced == [2]
    # That an author was refused something is told to the author; it is no fault of the feed.
    assert gatehouse.counts == Counts(read=5, published=2, duplicates=1)
    assert (gatehouse.arrivals.last_item_at, gatehouse.arrivals.last_published_at) == (5.0, 5.0)


def test_a_relayed_event_passes_even_if_it_is_not_valid_unless_that_is_asked_for(
    gatehouse: Gatehouse,
) -> None:
    broken = relayable(3).replace(b"What", b"Whit")
    gatehouse.offer(gatehouse.relay, broken, b"hello")
    gatehouse.offer(gatehouse.strict, broken + b"\n")
    assert sorted(gatehouse.run()) == ["published", "refused", "refused"]
    assert [entry.data for entry in gatehouse.journal.read(0)] == [broken]
    assert gatehouse.counts == Counts(read=3, published=1, refused=2)
    assert len(list(gatehouse.dead.glob("*.json"))) == 2


def test_two_editions_of_one_identifier_are_two_events_and_each_comes_once(gatehouse: Gatehouse) -> None:
    gatehouse.offer(gatehouse.relay, relayable(1), relayable(1, "other"), relayable(1), relayable(1, "other"))
    assert gatehouse.run() == ["published", "published", "duplicate", "duplicate"]


def test_nothing_is_taken_from_others_under_an_identifier_of_our_own(gatehouse: Gatehouse) -> None:
    from bridge.feed.testevents import make_test_event

    own = make_test_event("ivo://org.example/relay", 0.0)
    gatehouse.journal.append([own])
    gatehouse.offer(gatehouse.relay, own.data)
    gatehouse.offer(gatehouse.author, own.data.replace(b"Test event", b"Forged event"))
    assert gatehouse.run() == ["duplicate", "duplicate"]
    assert gatehouse.journal.last_seq() == 1


def test_while_the_journal_refuses_everybody_is_told_so_and_then_it_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Full:
        def __init__(self, journal: Journal) -> None:
            self.journal = journal
            self.full = True

        def append(self, entries, positions) -> Appended:
            if self.full:
                raise SourceError("The journal cannot be used: the disk is full.")
            return self.journal.append(entries, positions)

    with Journal.open(tmp_path / "j", durability="normal") as journal:
        full = Full(journal)
        gatehouse = Gatehouse(full, tmp_path)  # type: ignore[arg-type]
        gatehouse.writer.start()
        gatehouse.arrivals.start()
        gatehouse.offer(gatehouse.author, relayable(1), relayable(2))
        wait_for(lambda: len(gatehouse.verdicts) == 2, "the verdicts")
        assert {verdict.outcome for verdict in gatehouse.verdicts} == {"unwritable"}
        assert "send the event again later" in gatehouse.verdicts[0].reason
        assert "disk is full" in str(gatehouse.arrivals.trouble)
        full.full = False
        gatehouse.offer(gatehouse.author, relayable(1), relayable(2))
        gatehouse.arrivals.close()
        gatehouse.writer.close()
        assert journal.last_seq() == 2
    assert gatehouse.arrivals.trouble is None
    assert gatehouse.counts == Counts(read=2, published=2)
    assert caplog.text.count("disk is full") == 1


def test_many_connections_share_transactions(gatehouse: Gatehouse) -> None:
    """Offers from everywhere that wait together are judged and committed together."""
    threads = [
        threading.Thread(target=gatehouse.offer, args=(gatehouse.author, relayable(number)))
        for number in range(500)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert gatehouse.run() == ["published"] * 500
    assert gatehouse.writer.groups <= 4


def test_a_wake_up_that_comes_late_leaves_nobody_waiting(gatehouse: Gatehouse) -> None:
    """As when the network's thread is held up in `put` until its offer has been judged with others."""
    arrivals = gatehouse.arrivals
    gatehouse.writer.start()
    arrivals.start()
    wait_for(lambda: arrivals.idle, "the judge to have nothing to do")
    with arrivals._changed:
        arrivals.idle = False
        arrivals._changed.notify_all()
    wait_for(lambda: arrivals.idle, "the judge to say so again")
    gatehouse.offer(gatehouse.relay, relayable(1))
    wait_for(lambda: gatehouse.verdicts, "the verdict")
    assert gatehouse.run_out() == ["published"]


class Glancing:
    """Knows at a glance what it is told to know, and says what it was asked in full."""

    def __init__(self, known: set[bytes]) -> None:
        self.known = known
        self.author = AuthorsJudge(("2.0",))
        self.asked: list[bytes] = []
        self.may_go_on = threading.Event()

    def __call__(self, offer: Offer) -> NewEntry:
        self.asked.append(offer.data)
        assert self.may_go_on.wait(30)
        return self.author(offer)

    def at_a_glance(self, offer: Offer) -> NewEntry | None:
        return self.author(offer) if offer.data in self.known else None


def test_what_is_known_at_a_glance_waits_for_nobody_but_those_that_came_before(gatehouse: Gatehouse) -> None:
    packets = [relayable(number) for number in range(1, 6)]
    judge = Glancing({packets[0], packets[2], packets[4]})
    gatehouse.writer.start()
    gatehouse.arrivals.start()
    wait_for(lambda: gatehouse.arrivals.idle, "the judging thread")
    gatehouse.offer(judge, packets[0])
    wait_for(lambda: len(gatehouse.verdicts) == 1, "the verdict")
    assert judge.asked == []
    gatehouse.offer(judge, packets[1])
    wait_for(lambda: judge.asked, "the second to be judged")
    # The third is known, but the second came first.
    gatehouse.offer(judge, packets[2], packets[3])
    judge.may_go_on.set()
    wait_for(lambda: len(gatehouse.verdicts) == 4, "the verdicts")
    assert judge.asked == packets[1:4]
    wait_for(lambda: gatehouse.arrivals.idle, "the judging thread")
    gatehouse.offer(judge, packets[4])
    assert gatehouse.run_out() == ["published"] * 5
    assert judge.asked == packets[1:4]
    assert [entry.data for entry in gatehouse.journal.read(0)] == packets


def test_where_many_wait_for_their_answers_nothing_is_judged_at_a_glance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.feed.arrivals.GLANCES", 2)
    with Journal.open(tmp_path / "j", durability="normal") as journal:
        gatehouse = Gatehouse(journal, tmp_path)
        gatehouse.arrivals.start()
        wait_for(lambda: gatehouse.arrivals.idle, "the judging thread")
        packets = [relayable(number) for number in range(4)]
        judge = Glancing({*packets})
        judge.may_go_on.set()
        # The writer has not begun, so there are no answers yet.
        gatehouse.offer(judge, *packets)
        wait_for(lambda: len(judge.asked) == 2, "the others to be judged")
        gatehouse.writer.start()
        assert gatehouse.run_out() == ["published"] * 4
        assert judge.asked == packets[2:]
        assert [entry.data for entry in journal.read(0)] == packets


class Scholar:
    """In place of the shapes that wait to be made."""

    def __init__(self) -> None:
        self.left = 3

    @property
    def has_to_study(self) -> bool:
        return self.left > 0

    def study(self) -> None:
        self.left -= 1


@pytest.fixture
def scholar(monkeypatch: pytest.MonkeyPatch) -> Scholar:
    scholar = Scholar()
    monkeypatch.setattr("bridge.feed.arrivals.FAMILIAR", scholar)
    return scholar


def test_shapes_are_studied_when_nothing_has_come_for_a_while(
    gatehouse: Gatehouse, scholar: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.feed.arrivals.LEISURE_S", 0.01)
    gatehouse.arrivals.start()
    gatehouse.writer.start()
    wait_for(lambda: scholar.left == 0, "the studies")
    gatehouse.offer(gatehouse.author, relayable(1))
    assert gatehouse.run_out() == ["published"]


def test_shapes_are_studied_when_many_wait_for_their_answers(
    gatehouse: Gatehouse, scholar: Scholar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.feed.arrivals.LEISURE_S", 3_600.0)
    gatehouse.offer(gatehouse.author, *(relayable(number) for number in range(BUSY)))
    gatehouse.arrivals.start()
    wait_for(lambda: scholar.left == 2, "a study")
    gatehouse.writer.start()
    assert gatehouse.run_out() == ["published"] * BUSY
