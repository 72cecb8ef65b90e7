"""From source to journal: nothing lost, nothing twice, whatever the disk and the stream do."""

from __future__ import annotations

import resource
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from at_once import AtOnce
from calling import relayable
from lxml import etree

from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError
from bridge.feed.intake import Intake
from bridge.feed.outlet import RETRY_S
from bridge.feed.positions import from_journal
from bridge.feed.retention import Bounds, keep_within
from bridge.journal import Journal
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.simulate import simulate
from bridge.streams import Batch, open_source


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal.open(tmp_path / "feed.journal", durability="normal") as opened:
        yield opened


def make(journal: Journal, batches: object, folder: Path, **more: object) -> Intake:
    announced: list[int] = more.pop("announced", [])  # type: ignore[assignment]
    return Intake(
        batches,  # type: ignore[arg-type]
        lambda previous, past: Pipeline(Plan(), previous=previous, past=past),
        AtOnce(journal, lambda new: announced.append(new[-1].seq)),
        journal,
        DeadLetters(folder / "dead"),
        more.pop("stop", threading.Event()),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def relay(*numbers: int, partition: str = "/in/a.tar", text: str = "") -> Batch:
    items: list[Item] = [
        Document(relayable(number, text), "voevent", Origin(partition, place))
        for place, number in enumerate(numbers)
    ]
    return Batch(items, {partition: len(items)})


def repeated_alerts() -> list[Packet]:
    """Alerts of a simulated survey in which objects are seen again and again."""
    visits = simulate("ztf", visits=4, alerts=30, seed=6, backlog=5)
    return [alert.packet for visit in visits for alert in visit]


def cited(xml: bytes) -> list[str]:
    return [str(node.text) for node in etree.fromstring(xml).iter("EventIVORN")]


def test_real_alerts_and_their_positions_arrive_and_a_second_run_finds_nothing_to_do(
    shared_data: Path, journal: Journal, tmp_path: Path
) -> None:
    announced: list[int] = []
    source = open_source(shared_data / "alerts", store=SchemaStore())
    intake = make(journal, source, tmp_path, announced=announced)
    intake.run()
    # This store knows no schema of the wire format.
    assert (intake.counts.read, intake.counts.published, intake.counts.refused) == (28, 21, 7)
    assert announced[-1] == journal.last_seq() == 21
    assert len(list((tmp_path / "dead").glob("*.json"))) == 7
    again = open_source(shared_data / "alerts", store=SchemaStore(), resume=from_journal(journal.positions()))
    second = make(journal, again, tmp_path)
    second.run()
    assert second.counts.read == 0


def test_read_again_from_the_start_everything_is_a_duplicate(journal: Journal, tmp_path: Path) -> None:
    for expected in ((3, 0), (0, 3)):
        intake = make(journal, [relay(1, 2, 3)], tmp_path)
        intake.run()
        assert (intake.counts.published, intake.counts.duplicates) == expected
    assert journal.last_seq() == 3


def test_an_object_seen_again_cites_its_earlier_event_also_within_one_batch(
    journal: Journal, tmp_path: Path
) -> None:
    packets = repeated_alerts()
    intake = make(journal, [Batch(packets, {"/x": 1})], tmp_path, now=lambda: 0.0)
    intake.run()
    newest: dict[str, str] = {}
    citations = 0
    for entry in journal.read(0, 1000, max_bytes=1 << 30):
        (summary,) = [each for each, _ in journal.editions(entry.ivorn)]
        before = newest.get(summary.object_key)
        assert cited(entry.data) == ([before] if before else []), entry.ivorn
        citations += before is not None
        newest[summary.object_key] = entry.ivorn
    assert citations > 5


def test_across_batches_and_restarts_the_citations_are_the_same(tmp_path: Path) -> None:
    packets = repeated_alerts()
    found = []
    for size in (1, 7, len(packets)):
        with Journal.open(tmp_path / f"{size}.journal", durability="normal") as journal:
            for start in range(0, len(packets), size):
                make(journal, [Batch(packets[start : start + size], {"/x": start})], tmp_path).run()
            found.append([cited(entry.data) for entry in journal.read(0, 1000, max_bytes=1 << 30)])
    assert found[0] == found[1] == found[2]


def test_a_second_content_under_one_ivorn_is_refused_and_counted(
    shared_data: Path, journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = (shared_data / "alerts" / "ztf-ZTF19acihgng.avro").read_bytes()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.avro").write_bytes(data)
    (tmp_path / "in" / "b.avro").write_bytes(data[:-17] + bytes([data[-17] ^ 1]) + data[-16:])
    intake = make(journal, open_source(tmp_path / "in", store=SchemaStore()), tmp_path)
    intake.run()
    assert (intake.counts.published, intake.counts.conflicts) == (1, 1)
    assert "another content" in caplog.text


class FullAtFirst:
    """A journal whose disk is full for a while."""

    def __init__(self, journal: Journal, failures: int) -> None:
        self.journal = journal
        self.failures = failures
        self.previous_ivorn = journal.previous_ivorn
        self.events_about = journal.events_about

    def append(self, entries: object, positions: object) -> object:
        if self.failures:
            self.failures -= 1
            raise SourceError("The journal cannot be used: the disk is full.")
        return self.journal.append(entries, positions)  # type: ignore[arg-type]


def test_while_the_disk_is_full_the_intake_waits_and_then_goes_on(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("bridge.feed.outlet.RETRY_S", 0.0)
    monkeypatch.setattr("bridge.feed.outlet.REMIND_EVERY", 10)
    intake = make(FullAtFirst(journal, 15), [relay(1, 2)], tmp_path)  # type: ignore[arg-type]
    intake.run()
    assert (journal.last_seq(), intake.counts.published) == (2, 2)
    assert caplog.text.count("Nothing more is taken in") == 2, "said at once, and then now and then"


def test_a_stop_while_the_disk_is_full_ends_the_intake_and_a_restart_takes_what_was_left(
    journal: Journal, tmp_path: Path
) -> None:
    stop = threading.Event()
    stop.set()
    intake = make(FullAtFirst(journal, 9), [], tmp_path, stop=stop)  # type: ignore[arg-type]
    intake._take(relay(1, 2))
    assert not intake.rest(20)
    assert (journal.last_seq(), journal.positions()) == (0, {})
    make(journal, [relay(1, 2)], tmp_path).run()
    assert journal.last_seq() == 2


def test_a_file_system_that_takes_no_more_bytes_costs_time_and_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real refusal by the kernel: files may not grow beyond a limit, until the limit is lifted."""
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    retries: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            retries.append(timeout or 0.0)
            if len(retries) == 3:
                resource.setrlimit(resource.RLIMIT_FSIZE, before)
            return False

    with Journal.open(tmp_path / "feed.journal", durability="normal") as journal:
        intake = make(journal, [relay(*range(200), text="x" * 5000)], tmp_path, stop=Stop())
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
            intake.run()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        assert retries == [RETRY_S] * 3
        assert journal.last_seq() == 200
        assert journal.positions() == {"/in/a.tar": 200}


def test_what_is_ready_is_appended_while_a_long_batch_is_worked_on(journal: Journal, tmp_path: Path) -> None:
    ticks = iter(range(1000))
    announced: list[int] = []
    make(journal, [relay(1, 2, 3)], tmp_path, now=lambda: float(next(ticks)), announced=announced).run()
    assert announced == [1, 2, 3]


def test_a_dead_letter_folder_that_cannot_be_written_does_not_stop_the_feed(
    journal: Journal, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "dead").touch()
    batch = relay(1)
    batch.append(Refusal(Origin("/in/a.tar", 1), "it is broken", b"x"))
    intake = make(journal, [batch], tmp_path)
    intake.run()
    assert (intake.counts.published, intake.counts.refused) == (1, 1)
    assert "only in its source" in caplog.text


def test_after_a_stop_nothing_more_is_appended_although_the_source_goes_on(
    journal: Journal, tmp_path: Path
) -> None:
    stop = threading.Event()

    def source() -> Iterator[Batch]:
        yield relay(1)
        stop.set()
        yield relay(2, partition="/in/b.tar")

    intake = make(journal, source(), tmp_path, stop=stop)
    intake.run()
    assert journal.last_seq() == 1
    assert intake.rest(0.0)
    with intake._working:
        assert not intake.rest(0.0)


def test_names_that_are_not_utf8_are_resumed(shared_data: Path, journal: Journal, tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "a\udcff.avro").write_bytes((shared_data / "alerts" / "ztf-ZTF19acihgng.avro").read_bytes())
    counts = []
    for _ in range(2):
        resume = from_journal(journal.positions())
        intake = make(journal, open_source(inbox, store=SchemaStore(), resume=resume), tmp_path)
        intake.run()
        counts.append(intake.counts.read)
    assert counts == [1, 0]


def test_what_was_published_stays_known_when_its_packet_is_gone(tmp_path: Path) -> None:
    clock: Callable[[], float] = lambda: 1_000_000.0  # noqa: E731
    with Journal.open(tmp_path / "j", durability="normal", clock=clock) as journal:
        make(journal, [relay(*range(600))], tmp_path).run()
        keep_within(Bounds(100.0), journal, threading.Event(), now=1_000_200.0)
        assert journal.first_kept_seq() is None
        intake = make(journal, [relay(*range(600))], tmp_path)
        intake.run()
        assert intake.counts.duplicates == 600
