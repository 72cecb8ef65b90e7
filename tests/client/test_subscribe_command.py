"""The command `subscribe`: files, programs, and what is on the disk before a broker hears of it."""

from __future__ import annotations

import errno
import json
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calling import call
from processes import bridge_command, free_port

from bridge.client.received import ReceivedEvent
from bridge.client.saving import EventFolder
from bridge.journal import JournalReader
from tests.client.listening import SELF, listen, numbers
from tests.vtp.peers import PROJECT, serving, synthetic_event, wait_until


def test_the_command_keeps_files_and_lists_them(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    events = [synthetic_event(n) for n in range(5)]
    ivorn, first = events[0]
    with serving(tmp_path, newcomers="start") as server:
        server.append([*events, (ivorn, first + b"\n")])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--count", 6, "--timeout", 20)
        outcome = call(capfdbinary, *words, "-o", tmp_path / "kept", "--json")
        again = call(capfdbinary, *words, "-o", tmp_path / "kept")
        listed = call(capfdbinary, *words)
        printed = call(capfdbinary, *words, "--print")
        short = call(capfdbinary, *words[:2], "--count", 9, "--timeout", 0.3)
    assert [each.status for each in (outcome, again, listed, printed, short)] == [0, 0, 0, 0, 1]
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    assert [line["ivorn"] for line in lines] == [each for each, _ in events] + [ivorn]
    kept = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    assert sorted(kept.values()) == sorted([data for _, data in events] + [first + b"\n"])
    assert {line["file"] for line in lines} == {str(tmp_path / "kept" / name) for name in kept}
    assert again.out == b""
    assert listed.out.count(b"  test         ivo://org.example/synthetic#") == 6
    assert printed.out == b"".join(data for _, data in events) + first + b"\n"


def test_the_command_runs_a_program_for_each_event(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    script = tmp_path / "handle.py"
    script.write_text(
        "import pathlib, sys\n"
        "data = sys.stdin.buffer.read()\n"
        "name = data.split(b'ivorn=\"')[1].split(b'\"')[0].partition(b'#')[2].decode()\n"
        "pathlib.Path(sys.argv[1], name).write_bytes(data)\n"
        "sys.exit(3 if name == '1' else 0)\n"
    )
    (tmp_path / "out").mkdir()
    with serving(tmp_path, newcomers="start") as server:
        server.append([synthetic_event(n) for n in range(3)])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--count", 3, "--timeout", 20)
        outcome = call(capfdbinary, *words, "--exec", f"{sys.executable} {script} {tmp_path / 'out'}")
    assert outcome.status == 1
    assert "#1: " in outcome.err
    assert "has ended with status 3" in outcome.err
    assert "3 events received, 1 command failed" in outcome.err
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        str(n): synthetic_event(n)[1] for n in range(3)
    }


def test_ctrl_c_lets_a_program_finish_its_event(tmp_path: Path) -> None:
    """A terminal sends the signal to all of the command's process group."""
    begun, finished = tmp_path / "begun", tmp_path / "finished"
    script = tmp_path / "handle.sh"
    script.write_text(f"cat > /dev/null; touch {begun}; sleep 0.5; touch {finished}")
    with serving(tmp_path, newcomers="start") as server:
        server.append([synthetic_event(1)])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--local-ivo", SELF, "--exec", f"sh {script}")
        process = subprocess.Popen(bridge_command(*words), stderr=subprocess.PIPE, start_new_session=True)
        wait_until(begun.exists, "the program to begin", 30)
        os.killpg(process.pid, signal.SIGINT)
        assert process.communicate(timeout=30)[1] == b"1 event received.\n"
        assert (process.returncode, finished.exists()) == (0, True)
        # What was done is acknowledged: what comes next is new.
        server.append([synthetic_event(2)])
        with listen(server, local_ivo=SELF) as subscription:
            assert numbers([next(subscription)]) == [2]


def test_an_event_whose_program_fails_while_all_is_ended_comes_again(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """As when a machine is shut down: the program gets its signal, too, and is not done."""
    script = tmp_path / "handle.sh"
    script.write_text("cat > /dev/null; kill -TERM $PPID; sleep 0.2; kill -TERM $$")
    with serving(tmp_path, newcomers="start") as server:
        server.append([synthetic_event(1)])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--local-ivo", SELF, "--exec", f"sh {script}")
        outcome = call(capfdbinary, *words)
        assert "sh was ended by SIGTERM." in outcome.err
        assert outcome.status == 1
        with listen(server, local_ivo=SELF) as subscription:
            assert numbers([next(subscription)]) == [1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--exec", "no-such-program"], "There is no program 'no-such-program'"),
        (["--exec", "'"], "cannot be read"),
        (["--print", "--json"], "both want standard output"),
        (["--since", "soon"], "does not say since when"),
    ],
)
def test_wrong_usage_is_told(words: list[str], told: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    outcome = call(capfdbinary, "subscribe", "127.0.0.1:1", *words)
    assert outcome.status == 2
    assert told in outcome.err


def test_a_broker_that_is_never_there_is_told_at_the_end(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    outcome = call(capfdbinary, "subscribe", f"127.0.0.1:{free_port()}", "--timeout", 0.2)
    assert outcome.status == 1
    assert "was never heard: it cannot be reached (Connection refused)" in outcome.err


def test_events_are_on_the_disk_before_the_broker_hears_of_it(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked of the disk, and when: each file, then the folder with their names, then the broker."""
    from bridge.client.link import Link

    done: list[str] = []
    fsync, handled = os.fsync, Link.handled

    def synced(number: int) -> None:
        fsync(number)
        done.append("folder" if Path(f"/proc/self/fd/{number}").is_dir() else "file")

    def acknowledged(link: Link, event: ReceivedEvent) -> None:
        done.append("ack")
        handled(link, event)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Link, "handled", acknowledged)
    with serving(tmp_path, newcomers="start") as server:
        server.append([synthetic_event(n) for n in range(60)])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--count", 60, "--timeout", 30)
        kept = tmp_path / "some" / "kept"
        assert call(capfdbinary, *words, "-o", kept).status == 0
        batches = re.findall(r"((?:file )+)folder ((?:ack )+)", "".join(f"{each} " for each in done))
        assert call(capfdbinary, *words, "-o", kept).err == "60 events received.\n"
    assert [files.count("file") for files, _ in batches] == [acks.count("ack") for _, acks in batches]
    assert sum(files.count("file") for files, _ in batches) == 60 == done.count("file")
    assert len(list(kept.iterdir())) == 60


def test_two_subscribers_may_keep_their_events_in_one_folder(tmp_path: Path) -> None:
    """Two brokers relay the same events to two listeners of a folder: each is there once, and whole."""
    events = [ReceivedEvent(ivorn, "test", data, "b", 0.0) for ivorn, data in map(synthetic_event, range(40))]
    both = threading.Barrier(2)

    def keep() -> list[Path]:
        folder = EventFolder(tmp_path / "kept")
        both.wait(20)
        return [path for start in range(0, 40, 4) for path in folder.save(events[start : start + 4])]

    with ThreadPoolExecutor(2) as pool:
        mine, others = (waiting.result(60) for waiting in [pool.submit(keep), pool.submit(keep)])
    assert mine == others
    assert [path.read_bytes() for path in mine] == [event.xml for event in events]
    assert set((tmp_path / "kept").iterdir()) == set(mine)


@pytest.mark.parametrize("place", ["a file", "closed", "no room"])
def test_a_folder_that_takes_no_file_ends_the_command_and_nothing_is_acknowledged(
    tmp_path: Path, place: str, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    ivorn, data = synthetic_event(1)
    if place == "a file":
        kept.write_text("")
    else:
        kept.mkdir()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if place == "no room":
        monkeypatch.setattr(os, "fsync", full)
    if place == "closed":
        # Root may write everywhere, but nobody over a folder.
        (kept / "org.example_synthetic+1.xml").mkdir()
    with serving(tmp_path, newcomers="start") as server:
        server.append([(ivorn, data)])
        words = ("subscribe", f"127.0.0.1:{server.port}", "--local-ivo", SELF, "--timeout", 30, "-o", kept)
        outcome = call(capfdbinary, *words)
        monkeypatch.undo()
        if place != "a file":
            assert outcome.err.startswith("Error: ")
            assert str(kept) in outcome.err
            with listen(server, local_ivo=SELF) as subscription:
                assert numbers([next(subscription)]) == [1], "it was not acknowledged"
            assert not list(kept.glob(".*")), "nothing half-written stays"
    assert outcome.status == (2 if place == "a file" else 1)


@pytest.mark.no_cover
def test_a_subscriber_that_is_killed_again_and_again_has_every_event_on_its_disk(tmp_path: Path) -> None:
    """Each life takes its time over every event, and ends with kill -9 in the middle of one."""
    kept, count = tmp_path / "kept", 30
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def files() -> list[Path]:
        return list(kept.glob("*.xml")) if kept.is_dir() else []

    with serving(tmp_path, newcomers="start", window=4, cursor_interval_s=0.02) as server:
        server.append([synthetic_event(n) for n in range(count)])
        words = (
            "subscribe",
            f"127.0.0.1:{server.port}",
            "--local-ivo",
            SELF,
            "-o",
            kept,
            "--exec",
            "sleep 0.05",
        )
        lives = 0
        while len(files()) < count:
            before = len(files())
            process = subprocess.Popen(bridge_command(*words), env=environment, stderr=subprocess.DEVNULL)
            try:
                wait_until(
                    lambda before=before: len(files()) >= min(count, before + 8), "some more files", 30
                )
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait(10)
            lives += 1
            wait_until(lambda: not server.subscribers(), "the broker has noticed")
        with JournalReader.open(server.journal) as journal:
            published = sorted(entry.data for entry in journal.read(0, 1000))
    assert lives >= 3
    assert sorted(path.read_bytes() for path in files()) == published
