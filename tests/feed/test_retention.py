"""The feed keeps its journal within bounds of age and size, and says what it removed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import relayable

from bridge.feed import retention
from bridge.feed.retention import Bounds, keep_within
from bridge.journal import Journal, NewEntry

DAY = 86_400.0
NEVER = threading.Event()


@pytest.fixture
def clock() -> list[float]:
    return [1_000_000.0]


@pytest.fixture
def journal(tmp_path: Path, clock: list[float]) -> Iterator[Journal]:
    with Journal.open(tmp_path / "j", durability="normal", clock=lambda: clock[0]) as journal:
        yield journal


def publish(journal: Journal, count: int, padding: int = 0) -> None:
    first = journal.last_seq() + 1
    journal.append(
        [
            NewEntry(f"ivo://a/b#{n}", relayable(n, "x" * padding), "relayed", b"%d" % n, "test")
            for n in range(first, first + count)
        ]
    )


def test_packets_go_by_age_and_are_remembered_until_much_later(journal: Journal, clock: list[float]) -> None:
    publish(journal, 600)
    clock[0] += 2 * DAY
    publish(journal, 100)
    bounds = Bounds(DAY, 10 * DAY)
    removed = keep_within(bounds, journal, NEVER, now=clock[0])
    assert (removed.expired, removed.crowded, removed.forgotten) == (600, 0, 0)
    assert journal.first_kept_seq() == 601
    assert journal.statistics().forgotten == 0
    removed = keep_within(bounds, journal, NEVER, now=clock[0] + 8.5 * DAY)
    assert (removed.expired, removed.forgotten) == (100, 600)
    assert keep_within(bounds, journal, NEVER, now=clock[0] + 8.5 * DAY).forgotten == 0


def test_the_oldest_packets_go_while_the_journal_is_too_large(journal: Journal, clock: list[float]) -> None:
    publish(journal, 4_000, padding=5_000)
    assert journal.space().used_bytes > 20_000_000
    removed = keep_within(Bounds(DAY, DAY, max_bytes=12_000_000), journal, NEVER, now=clock[0])
    space = journal.space()
    assert 11_000_000 < space.used_bytes <= 12_000_000
    assert journal.read(0)[0].seq == removed.crowded + 1
    assert journal.statistics().kept == 4_000 - removed.crowded


def test_a_bound_too_small_leaves_the_newest_packets_and_says_so(
    journal: Journal, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    publish(journal, 1_200, padding=1_000)
    keep_within(Bounds(DAY, DAY, max_bytes=1), journal, NEVER, now=clock[0])
    assert journal.statistics().kept == retention.ALWAYS_KEPT
    assert "needs more than its max_size of 1 byte for" in caplog.text


def test_the_file_shrinks_when_much_of_it_is_free(journal: Journal, clock: list[float], monkeypatch) -> None:
    monkeypatch.setattr(retention, "SLACK_BYTES", 1 << 20)
    publish(journal, 1_000, padding=20_000)
    full = journal.space().file_bytes
    clock[0] += 2 * DAY
    publish(journal, 100, padding=20_000)
    removed = keep_within(Bounds(DAY), journal, NEVER, now=clock[0])
    space = journal.space()
    assert removed.pages > 1_000
    assert space.file_bytes < full / 4
    assert 0 < space.free_bytes <= max(1 << 20, space.file_bytes // 10), "some room stays for what comes next"


def test_positions_of_files_that_are_gone_go_and_others_stay(
    journal: Journal, clock: list[float], tmp_path: Path
) -> None:
    (tmp_path / "there.avro").touch()
    gone, there = str(tmp_path / "gone.avro"), str(tmp_path / "there.avro")
    unmounted, topic = str(tmp_path / "disk" / "a.avro"), "kafka://broker/topic/0"
    odd = "bytes:" + str(tmp_path / "odd\udcff").encode(errors="surrogateescape").hex()
    journal.append([], dict.fromkeys([gone, there, unmounted, topic, odd], 1))
    journal.save_cursors({"ivo://long/gone": 0})
    keep_within(Bounds(DAY, 10 * DAY), journal, NEVER, now=clock[0] + 9 * DAY)
    assert len(journal.positions()) == 5
    keep_within(Bounds(DAY, 10 * DAY), journal, NEVER, now=clock[0] + 11 * DAY)
    assert journal.positions().keys() == {there, unmounted, topic}
    assert journal.cursors() == {}


def test_a_stop_ends_a_round(journal: Journal, clock: list[float]) -> None:
    publish(journal, 200)
    stop = threading.Event()
    stop.set()
    assert keep_within(Bounds(DAY), journal, stop, now=clock[0] + 9 * DAY).expired == 0
    assert journal.statistics().kept == 200


def test_steps_become_shorter_when_they_take_long() -> None:
    """A disk that is quick (ten microseconds a row) becomes slow (a millisecond)."""
    time = [0.0]
    sizes: list[int] = []

    def step(size: int) -> int:
        if len(sizes) == 40:
            return 0
        sizes.append(size)
        time[0] += size * (0.00001 if len(sizes) < 20 else 0.001)
        return size

    pauses: list[float] = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            assert timeout is not None
            pauses.append(timeout)
            return False

    steps = retention._Steps(Stop(), retention.Removed(), lambda: time[0])
    assert steps.all(step) == sum(sizes)
    assert max(sizes) > 1_000
    assert sizes[-1] == retention.FEWEST
    assert all(pause > 1.9 * size * 0.00001 for pause, size in zip(pauses, sizes, strict=False))


def test_a_disk_that_refuses_ends_the_round_with_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Journal.open(tmp_path / "j", durability="normal") as journal:
        pass
    assert keep_within(Bounds(), journal, NEVER).expired == 0
    assert "Nothing more is removed for now" in caplog.text
