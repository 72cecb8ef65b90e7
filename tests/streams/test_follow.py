"""Files are taken soon after they are whole, not before, and a large quiet folder costs next to nothing."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from bridge.errors import SourceError
from bridge.streams.follow import Follower
from bridge.streams.wholeness import CLOSED_S, OPEN_S, SETTLED_S, Wholeness, is_closed

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who has a file open")


class Clock:
    """Wall time that a test moves; `looks` are told how long they took."""

    def __init__(self) -> None:
        self.seconds = time.time()
        self.naps: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds


def follower(folder: Path, clock: Clock, interval_s: float = 0.1) -> Follower:
    return Follower(folder, interval_s, sleep=clock.sleep, now=clock.now, stopwatch=clock.now)


def put(folder: Path, name: str) -> Path:
    """A file that is renamed into place."""
    part = folder / f".{name}.tmp"
    part.write_text("<v/>")
    # The two times are told apart on every kernel.
    os.utime(part, ns=(part.stat().st_mtime_ns - 20_000_000,) * 2)
    return part.rename(folder / name)


@linux
def test_a_renamed_file_is_taken_at_once(tmp_path: Path) -> None:
    path = put(tmp_path, "a.xml")
    assert follower(tmp_path, Clock()).look() == [str(path)]


@linux
def test_a_file_that_its_writer_has_closed_is_taken_after_a_fifth_of_a_second(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_text("<v/>")
    whole = Wholeness()
    touched = path.stat().st_mtime
    assert not whole(str(path), touched + 0.01)
    assert whole(str(path), touched + CLOSED_S + 0.01)


@linux
def test_a_file_that_is_being_written_is_left_alone_though_its_writer_pauses(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    whole = Wholeness()
    with path.open("w") as file:
        file.write("<v")
        file.flush()
        assert is_closed(str(path)) is False
        touched = path.stat().st_mtime
        for pause_s in (CLOSED_S + 0.01, SETTLED_S + 0.01, OPEN_S - 0.01):
            assert not whole(str(path), touched + pause_s), "a copy over a slow network pauses"
        assert whole(str(path), touched + OPEN_S + 0.01), "nobody waits for a forgotten file for ever"
    assert is_closed(str(path))
    assert whole(str(path), touched + SETTLED_S + 0.01)


def test_where_nobody_tells_who_has_it_open_a_file_settles_for_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    path = put(tmp_path, "a.xml")
    whole = Wholeness()
    touched = path.stat().st_mtime
    assert not whole(str(path), touched + 0.9)
    assert whole(str(path), touched + SETTLED_S)


def test_a_file_system_whose_clock_is_ahead_delays_and_does_not_lose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "elsewhere")
    path = tmp_path / "a.xml"
    path.write_text("<v/>")
    now = path.stat().st_mtime - 3600.0
    whole = Wholeness()
    assert not whole(str(path), now)
    assert not whole(str(path), now + 0.5)
    assert whole(str(path), now + SETTLED_S)


def test_of_a_file_that_cannot_be_opened_nobody_knows(tmp_path: Path) -> None:
    assert is_closed(str(tmp_path / "missing")) is None


def test_a_quiet_folder_is_not_listed_again_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    for folder in (tmp_path / "deep", tmp_path):
        (folder / "old.xml").write_text("<v/>")
        os.utime(folder / "old.xml", (0, 0))
        os.utime(folder, (0, 0))
    listed: list[str] = []
    scandir = os.scandir

    def counting(path: str) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counting)
    clock = Clock()
    steps = iter(watching := follower(tmp_path, clock))
    assert [next(steps) for _ in range(3)] == [
        str(tmp_path / "deep" / "old.xml"),
        str(tmp_path / "old.xml"),
        None,
    ]
    assert [next(steps) for _ in range(20)] == [None] * 20
    assert listed == [str(tmp_path), str(tmp_path / "deep")]
    path = put(tmp_path / "deep", "new.xml")
    clock.seconds += 2.0
    assert watching.look() == [str(path)]
    assert listed[2:] == [str(tmp_path / "deep")]


def test_every_ten_seconds_all_is_listed_for_file_systems_that_keep_no_times(tmp_path: Path) -> None:
    os.utime(tmp_path, (0, 0))
    clock = Clock()
    watching = follower(tmp_path, clock)
    assert watching.look() == []
    path = put(tmp_path, "a.xml")
    os.utime(tmp_path, (0, 0))
    clock.seconds += 5.0
    assert watching.look() == []
    clock.seconds += 5.0
    assert watching.look() == [str(path)]


def test_looks_that_take_long_are_followed_by_long_waits(tmp_path: Path) -> None:
    clock = Clock()
    watching = follower(tmp_path, clock)
    look = watching.look

    def slow_look() -> list[str]:
        found = look()
        clock.seconds += 0.05
        return found

    watching.look = slow_look  # type: ignore[method-assign]
    steps = iter(watching)
    next(steps)
    next(steps)
    assert clock.naps == pytest.approx([1.5])


def test_a_folder_that_vanishes_below_is_no_error_and_the_followed_one_is(tmp_path: Path) -> None:
    inbox = tmp_path / "inbox"
    (inbox / "below").mkdir(parents=True)
    watching = follower(inbox, Clock())
    assert watching.look() == []
    (inbox / "below").rmdir()
    assert watching.look() == []
    assert watching._list(str(inbox / "below")) == ([], [])
    inbox.rmdir()
    with pytest.raises(SourceError, match="cannot be read"):
        watching.look()


def test_a_folder_below_that_cannot_be_read_is_named_once_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    private, path = tmp_path / "private", put(tmp_path, "a.xml")
    private.mkdir()
    scandir, locked = os.scandir, [True]

    def guarded(folder: str) -> object:
        if folder == str(private) and locked[0]:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", guarded)
    clock = Clock()
    watching = follower(tmp_path, clock)
    for _ in range(3):
        assert watching.look() == [str(path)]
        clock.seconds += 20
    assert caplog.messages == [
        f"The folder {private} cannot be read (Permission denied). It is passed over until it can."
    ]
    locked[0] = False
    other = put(private, "b.xml")
    assert watching.look() == [str(path), str(other)]


def test_hidden_and_unfinished_files_and_linked_folders_are_passed_over(tmp_path: Path) -> None:
    for name in (".a.xml", "b.tmp", "c.part", "d~"):
        (tmp_path / name).write_text("<v/>")
    (tmp_path / ".hidden").mkdir()
    put(tmp_path / ".hidden", "e.xml")
    (tmp_path / "link").symlink_to(tmp_path / ".hidden")
    assert follower(tmp_path, Clock()).look() == []


def test_a_look_at_a_hundred_thousand_files_known_already_takes_no_time(tmp_path: Path) -> None:
    # Of so many files a look must not even hear: the folder's own time says that nothing is new.
    clock = Clock()
    watching = follower(tmp_path, clock)
    os.utime(tmp_path, (0, 0))
    watching._taken = {str(tmp_path / f"{number}.avro") for number in range(100_000)}
    watching.look()
    began = time.process_time()
    for _ in range(100):
        assert watching.look() == []
    assert time.process_time() - began < 0.2
