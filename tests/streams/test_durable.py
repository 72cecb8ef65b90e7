"""Files that have to outlive a power failure: what the disk is asked for, and what becomes of faults."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from bridge.alerts.packet import Origin, Refusal
from bridge.errors import SourceError
from bridge.pipeline import DeadLetters
from bridge.streams.durable import sync_files, sync_folder, write_durably
from bridge.streams.outlets import FolderOutlet

FILES = {f"event-{number}.xml": os.urandom(50) for number in range(20)}


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files and folders that the disk was asked for, in order."""
    found: list[str] = []
    fsync = os.fsync

    def note(number: int) -> None:
        fsync(number)
        found.append(Path(f"/proc/self/fd/{number}").readlink().name)

    monkeypatch.setattr(os, "fsync", note)
    return found


def test_each_file_is_on_the_disk_before_its_name_is_and_then_the_folder(
    tmp_path: Path, synced: list[str]
) -> None:
    write_durably(tmp_path, FILES)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == FILES
    assert all(name.endswith(".tmp") for name in synced[:-1])
    assert (len(synced), synced[-1]) == (21, tmp_path.name)


def test_a_disk_that_is_full_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def full_after_ten(number: int) -> None:
        calls.append(number)
        if len(calls) > 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full_after_ten)
    with pytest.raises(SourceError, match=r"event-\d+.xml cannot be written: the disk .* is full"):
        write_durably(tmp_path, FILES)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_cannot_sync_folders_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(code: int) -> None:
        def fsync(_: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr(os, "fsync", fsync)

    without(errno.EINVAL)
    sync_folder(tmp_path)
    without(errno.EIO)
    with pytest.raises(SourceError, match="Input/output error"):
        sync_folder(tmp_path)


def test_a_folder_brings_to_the_disk_what_came_since_the_last_time(tmp_path: Path, synced: list[str]) -> None:
    """A file that somebody has taken away meanwhile is nobody's loss."""
    outlet = FolderOutlet(tmp_path, durable=True)
    for name, content in FILES.items():
        outlet.put(name, content)
    (tmp_path / "event-3.xml").unlink()
    outlet.secure()
    assert set(synced) == set(FILES) - {"event-3.xml"} | {tmp_path.name}
    synced.clear()
    outlet.secure()
    plain = FolderOutlet(tmp_path)
    plain.put("other", b"x")
    plain.secure()
    assert synced == []


def test_refused_messages_are_on_the_disk_before_their_source_lets_go(
    tmp_path: Path, synced: list[str]
) -> None:
    letters = DeadLetters(tmp_path / "dead")
    path = letters.keep(Refusal(Origin("kafka://a/b/0", 7), "it is bad", b"x"))
    letters.secure()
    assert set(synced) == {path.name, path.with_suffix(".json").name, "dead"}
    synced.clear()
    letters.secure()
    sync_files([])
    assert synced == []
