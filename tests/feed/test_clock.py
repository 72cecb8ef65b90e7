"""A clock that is set while a feed runs stops no wait, and makes nothing old that is new."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from processes import PlainSubscriber, ready_port, running, wait_for

from bridge.feed.clock import ABSENCE_S, SETTLE_S, ClockWatch
from bridge.journal import JournalReader

# The machine's clock cannot be set in a test, but what a process takes for it can.
FEED = """
import pathlib, sys, time
right, moved = time.time, pathlib.Path(sys.argv.pop(1))
time.time = lambda: right() + float(moved.read_text())
import bridge.feed.run
sys.modules["bridge.feed.run"].RETENTION_INTERVAL_S = 0.2
from bridge.__main__ import main
main()
"""


class Clocks:
    """Wall and steady time, in seconds, as a test wants them."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.wall = 1_800_000_000.0

    def watch(self, newest_at: float | None = None) -> ClockWatch:
        return ClockWatch(newest_at, lambda: self.wall, lambda: self.steady)

    def passes(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


def set_clock(path: Path, seconds: float) -> None:
    new = path.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(path)


def test_waits_go_on_and_nothing_is_removed_when_the_clock_is_set(tmp_path: Path) -> None:
    moved, log = tmp_path / "moved", tmp_path / "log"
    set_clock(moved, 0)
    (tmp_path / "feed.toml").write_text(
        '[journal]\nfile = "j"\n[broadcast]\nport = 0\ninterface = "127.0.0.1"\ntest_interval = "1s"\n'
    )
    command = [sys.executable, "-c", FEED, str(moved), "serve", str(tmp_path / "feed.toml")]
    with running(command, log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/one")
        subscriber.start()
        wait_for(lambda: subscriber.events, "a test event")
        set_clock(moved, -7200)
        had = len(subscriber.events)
        wait_for(lambda: len(subscriber.events) > had, "a test event while the clock is behind")
        set_clock(moved, 800 * 86_400)
        wait_for(lambda: b"set forward by" in log.read_bytes(), "another word about it")
        had = len(subscriber.events)
        wait_for(lambda: len(subscriber.events) > had, "a test event while the clock is ahead")
        subscriber.stop()
        assert subscriber.connections == 1
        with JournalReader.open(tmp_path / "j") as journal:
            assert journal.statistics(groups=False).kept == journal.last_seq()
            assert "ivo://subscriber.test/one" in journal.cursors()


def test_a_clock_that_was_set_is_believed_when_it_has_stayed_so(caplog: pytest.LogCaptureFixture) -> None:
    clocks = Clocks()
    watch = clocks.watch(newest_at=clocks.wall - 60)
    assert watch.is_settled()
    for _ in range(1000):
        clocks.passes(60)
        clocks.wall += 0.03
        assert watch.is_settled(), "a clock that is kept right by small steps was not set"
    clocks.wall += 400 * 86_400
    assert not watch.is_settled()
    assert "set forward by 34560000 s" in caplog.text
    clocks.passes(SETTLE_S - 1)
    assert not watch.is_settled()
    clocks.passes(1)
    assert watch.is_settled()


def test_a_clock_that_is_far_ahead_at_the_start_is_given_time_to_be_set() -> None:
    clocks = Clocks()
    watch = clocks.watch(newest_at=clocks.wall - ABSENCE_S - 1)
    assert not watch.is_settled()
    clocks.passes(SETTLE_S)
    assert watch.is_settled(), "the feed was really away for so long"
    assert clocks.watch(newest_at=None).is_settled()
