"""Schedules are kept on a clock that does not run by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.alerts.packet import Envelope
from bridge.bulk.nights import night_of
from bridge.bulk.pace import Pace, keep_pace
from bridge.bulk.recorded import Recorded
from bridge.bulk.replay import ToFiles, replay
from bridge.errors import SourceError, UsageError
from bridge.streams.outlets import FolderOutlet, TarOutlet


class Clock:
    """Time passes only by waiting, and with each message taken."""

    def __init__(self, cost_s: float = 0.0) -> None:
        self.now_s = 100.0
        self.cost_s = cost_s
        self.taken: list[tuple[str, float]] = []
        self.discarded = self.closed = False

    def __call__(self) -> float:
        return self.now_s

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def take(self, message: Recorded) -> None:
        self.taken.append((message.name, round(self.now_s - 100.0, 6)))
        self.now_s += self.cost_s

    def close(self) -> None:
        self.closed = True

    def discard(self) -> None:
        self.discarded = True


def recorded(*times_s: float | None) -> list[Recorded]:
    return [Recorded(b"x", str(number), Envelope(), time_s) for number, time_s in enumerate(times_s)]


def send(clock: Clock, messages: list[Recorded], speed: float | None) -> list[float]:
    replay(messages, clock, speed, clock=clock, wait=clock.wait)
    assert clock.closed
    return [time_s for _, time_s in clock.taken]


def test_visits_begin_on_the_beat_even_after_one_that_took_long() -> None:
    pace = Pace(visit=3, interval_s=39.0)
    assert [pace.due_s(index) for index in range(7)] == [0, 0, 0, 39, 39, 39, 78]
    assert [Pace(rate_hz=4).due_s(index) for index in range(3)] == [0, 0.25, 0.5]
    assert Pace().due_s(1000) == 0


def test_rate_and_visits_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="either a rate or visits"):
        Pace(rate_hz=1, visit=2)
    with pytest.raises(UsageError, match="negative"):
        Pace(rate_hz=-1)


def test_waiting_ends_when_told_to_stop_and_lateness_is_told() -> None:
    clock = Clock()
    assert keep_pace(1000.0, clock, clock.wait, lambda: clock.now_s > 101) == 0
    assert clock.now_s == 101.5
    assert keep_pace(100.0, clock, clock.wait, lambda: False) == 1.5


@pytest.mark.parametrize(("speed", "expected"), [(1.0, [0, 10, 40]), (10.0, [0, 1, 4]), (None, [0, 0, 0])])
def test_messages_are_replayed_at_the_speed_asked_for(speed: float | None, expected: list[float]) -> None:
    assert send(Clock(), recorded(5000.0, 5010.0, 5040.0), speed) == expected


def test_messages_without_time_or_out_of_order_follow_at_once() -> None:
    assert send(Clock(), recorded(5000.0, None, 5010.0, 5003.0, 5020.0), 1.0) == [0, 0, 10, 10, 20]


def test_a_slow_receiver_does_not_move_the_schedule() -> None:
    assert send(Clock(cost_s=3.0), recorded(0.0, 1.0, 10.0), 1.0) == [0, 3, 10]


def test_what_came_before_the_damage_of_an_archive_arrives() -> None:
    def damaged() -> Iterator[Recorded]:
        yield from recorded(0.0)
        raise SourceError("The archive ends early.")

    clock = Clock()
    with pytest.raises(SourceError, match="ends early"):
        replay(damaged(), clock, None, clock=clock, wait=clock.wait)
    assert clock.taken
    assert clock.closed


def test_interrupted_a_tar_leaves_nothing_half_written(tmp_path: Path) -> None:
    def interrupted() -> Iterator[Recorded]:
        yield from recorded(0.0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(interrupted(), ToFiles(TarOutlet(tmp_path / "x.tar")), None)
    assert not list(tmp_path.iterdir())


def test_names_of_members_cannot_leave_the_folder(tmp_path: Path) -> None:
    messages = [Recorded(b"x", name, Envelope(), None) for name in ("../../a.avro", "0/1.avro")]
    replay(messages, ToFiles(FolderOutlet(tmp_path / "in")), None)
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["0_1.avro", "a.avro"]


def test_nights_begin_when_it_is_day_at_the_telescopes() -> None:
    evening, morning = 1_772_750_000, 1_772_750_000 + 11 * 3600
    assert night_of(evening) == night_of(morning) == "20260305"
    assert night_of(morning + 6 * 3600) == "20260306"
    assert night_of(morning, 0) == "20260306"
