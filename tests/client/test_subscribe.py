"""Listening from a program: to our broker in a process of its own, which is killed and started again."""

from __future__ import annotations

import errno
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from calling import call
from processes import bridge_command, free_port

import bridge
from bridge.client.received import ReceivedEvent
from bridge.client.saving import EventFolder
from bridge.errors import PacketError, UsageError
from bridge.journal import JournalReader
from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.messages import write_transport
from tests.vtp.peers import PROJECT, Server, serving, synthetic_event, wait_until

SELF = "ivo://org.example/self"


def numbers(events) -> list[int]:
    return [int(event.ivorn.partition("#")[2]) for event in events]


def listen(server: Server, **options):
    options.setdefault("timeout_s", 20)
    return bridge.subscribe(f"127.0.0.1:{server.port}", **options)


def take(subscription, count: int) -> list:
    found = []
    for event in subscription:
        found.append(event)
        if len(found) == count:
            break
    return found


def test_an_event_is_its_bytes_and_is_parsed_when_somebody_asks(tmp_path: Path, shared_data: Path) -> None:
    real = next((shared_data / "voevents").glob("voevent-2.1-example-1.xml")).read_bytes()
    ivorn, data = synthetic_event(1)
    with serving(tmp_path, newcomers="start") as server, listen(server) as subscription:
        server.append([(ivorn, data), ("ivo://raptor.lanl/VOEvent#235649409", real)])
        first, second = take(subscription, 2)
    assert (first.ivorn, first.role, first.xml) == (ivorn, "test", data)
    assert first.root.findtext("Who/AuthorIVORN") == "ivo://org.example/author"
    assert first.root is first.root
    assert first.voevent is first.voevent
    assert (first.voevent.ivorn, first.voevent.params["number"].value) == (ivorn, 1)
    assert second.xml == real
    assert first.broker == f"127.0.0.1:{server.port}"
    assert ivorn in repr(first)
    voeventparse = pytest.importorskip("voeventparse")
    assert voeventparse.valid_as_v2_0(first.voeventparse())
    with pytest.raises(PacketError):
        _ = ReceivedEvent("ivo://a/b#1", "test", b"<a", "b", 0.0).root


def test_an_event_is_acknowledged_when_the_loop_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start") as server:
        server.append([synthetic_event(n) for n in (1, 2)])
        with listen(server, local_ivo=SELF) as subscription:
            next(subscription)
            wait_until(lambda: server.subscribers()[0]["in_flight"] == 2, "both are on their way")
            assert server.subscribers()[0]["acked"] == 0
            next(subscription)
            wait_until(lambda: server.subscribers()[0]["acked"] == 1, "the first is acknowledged")
        wait_until(lambda: not server.subscribers(), "it has left")
        with listen(server, local_ivo=SELF) as again:
            assert numbers([next(again)]) == [2], "the second was not done with"


def test_what_is_acknowledged_at_once_does_not_wait_for_the_program(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start") as server, listen(server, ack_at_once=True) as subscription:
        server.append([synthetic_event(1)])
        next(subscription)
        wait_until(lambda: server.subscribers()[0]["acked"] == 1, "the acknowledgement")


def test_signs_of_life_are_answered_while_the_program_works(tmp_path: Path) -> None:
    with (
        serving(tmp_path, newcomers="start", iamalive_interval_s=0.1) as server,
        listen(server) as subscription,
    ):
        server.append([synthetic_event(1)])
        next(subscription)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 1, "a handler that takes ten signs of life")
        status = server.status()
    assert (status["dropped"], len(status["subscribers"])) == (0, 1)


@pytest.mark.parametrize("ivo", [SELF, None])
def test_it_comes_back_after_the_broker_was_killed_and_gets_each_event_once(
    tmp_path: Path, ivo: str | None
) -> None:
    port = free_port()
    server = Server(tmp_path, port=port, newcomers="start", cursor_interval_s=0.05)
    subscription = listen(server, local_ivo=ivo)
    try:
        server.append([synthetic_event(n) for n in range(10)])
        assert numbers(take(subscription, 6)) == [0, 1, 2, 3, 4, 5]
        server.kill()
        with_more = Server(tmp_path, port=port, newcomers="start")
        try:
            with_more.append([synthetic_event(n) for n in range(10, 15)])
            assert numbers(take(subscription, 9)) == list(range(6, 15))
            assert subscription.connections == 2
            subscription.acknowledge()
            wait_until(lambda: with_more.status()["everyone_has_acked"], "all acknowledgements")
        finally:
            with_more.stop()
    finally:
        subscription.close()
        server.log.close()


def test_filters_and_since_are_honoured_by_our_broker(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.append([synthetic_event(n) for n in range(20)])
        with listen(server, since="1h", filters="//Param[@name='number' and @value > 16]") as subscription:
            assert numbers(take(subscription, 3)) == [17, 18, 19]
        with listen(server, since=synthetic_event(17)[0]) as subscription:
            assert numbers(take(subscription, 2)) == [18, 19]


def test_the_loop_ends_when_nothing_comes_or_when_it_is_told_to(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert list(listen(server, timeout_s=0.1)) == []
        told = threading.Event()
        told.set()
        assert list(listen(server, timeout_s=None, stop=told.is_set)) == []
        closed = listen(server)
        closed.close()
        closed.close()
        assert list(closed) == []


def test_a_program_that_is_slower_than_the_stream_does_not_fill_its_memory() -> None:
    """A broker without any window: what is not read stays in the network."""
    from bridge.client.link import Link
    from bridge.client.subscribe import Subscription
    from bridge.vtp.address import Address
    from bridge.vtp.subscriber_connection import SubscriberSettings
    from bridge.vtp.upstream_settings import UpstreamSettings

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = Address("127.0.0.1", listening.getsockname()[1])
        link = Link(UpstreamSettings(address, SubscriberSettings(), max_pending=50))
        with Subscription(link, 10) as subscription:
            peer, _ = listening.accept()
            with peer:
                peer.sendall(encode_frame(write_transport("authenticate", "ivo://b/b", 0)))
                events = [synthetic_event(n, padding=20_000) for n in range(300)]
                sender = threading.Thread(
                    target=lambda: [peer.sendall(encode_frame(data)) for _, data in events], daemon=True
                )
                sender.start()
                wait_until(lambda: link.events.qsize() >= 50, "the queue is full")
                assert link.events.qsize() < 80
                assert numbers(take(subscription, 300)) == list(range(300))
                sender.join(10)


def test_a_program_with_thousands_of_open_files_can_listen(tmp_path: Path) -> None:
    """Descriptors above 1,023, where select() would end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3_000:
        pytest.skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3_000), hard))
    held: list[int] = []
    try:
        with serving(tmp_path, newcomers="start") as server:
            server.append([synthetic_event(1)])
            while not held or held[-1] < 1_100:
                held.append(os.dup(0 if not held else held[0]))
            with listen(server) as subscription:
                assert numbers([next(subscription)]) == [1]
                assert subscription._link._wake_from.fileno() > 1_024
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_waits_can_be_taken_together_and_is_acknowledged_together(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start") as server, listen(server) as subscription:
        server.append([synthetic_event(n) for n in range(8)])
        assert numbers([next(subscription)]) == [0]
        wait_until(lambda: subscription._link.events.qsize() == 7, "the others")
        assert numbers(subscription.also_waiting(4)) == [1, 2, 3, 4]
        assert server.subscribers()[0]["acked"] == 0
        assert numbers([next(subscription)]) == [5]
        wait_until(lambda: server.subscribers()[0]["acked"] == 5, "five acknowledgements")
        assert numbers(subscription.also_waiting(10)) == [6, 7]
        assert subscription.also_waiting(10) == []
        subscription.close()
        assert subscription.also_waiting(10) == []


def test_a_bug_in_the_thread_of_the_connection_reaches_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.client.link import Link

    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(Link, "_read", broken)
    with serving(tmp_path) as server, listen(server) as subscription, pytest.raises(ZeroDivisionError):
        next(subscription)


@pytest.mark.parametrize(
    "options",
    [{"since": "tomorrow"}, {"local_ivo": "me"}, {"filters": "//Param["}, {"filters": ["//C1", "\x00"]}],
)
def test_what_makes_no_sense_is_refused_at_once(options) -> None:
    with pytest.raises(UsageError):
        bridge.subscribe("localhost", **options)
    with pytest.raises(UsageError):
        bridge.subscribe("local host")
    with pytest.raises(AttributeError):
        _ = bridge.nonsense


# The command


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


def test_what_a_broker_sends_again_is_not_handed_out_again_but_acknowledged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that forgets: after the connection has ended it begins anew, with nonsense between."""
    greeting = encode_frame(write_transport("authenticate", "ivo://b/b", 0))
    first, second, third = (encode_frame(synthetic_event(n)[1]) for n in (1, 2, 3))

    def acks(peer: socket.socket, count: int) -> list[str]:
        reader, found = FrameReader(), []
        while len(found) < count:
            for frame in reader.feed(peer.recv(1 << 16)):
                message = parse_transport(frame)
                found += [message.origin] if message.role == "ack" else []
        return found

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        with bridge.subscribe(f"127.0.0.1:{listening.getsockname()[1]}", timeout_s=20) as subscription:
            peer, _ = listening.accept()
            peer.settimeout(20)
            peer.sendall(greeting + first + second)
            assert numbers([next(subscription), next(subscription)]) == [1, 2]
            assert acks(peer, 1) == [synthetic_event(1)[0]]
            peer.close()
            peer, _ = listening.accept()
            peer.settimeout(20)
            peer.sendall(greeting + first + second + encode_frame(b"<a/>") + third)
            assert numbers([next(subscription)]) == [3]
            assert sorted(acks(peer, 2)) == [synthetic_event(n)[0] for n in (1, 2)]
            peer.sendall(b"GET / HTTP/1.0\r\n")
            peer.close()
            wait_until(lambda: "it speaks another protocol than VTP" in caplog.text, "the broker is left")
    assert subscription._link.repeated == 2
    assert "a a where a Transport message belongs" in caplog.text
