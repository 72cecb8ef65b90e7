"""``serve --receive`` as a process: authors of every kind, and what an acknowledgement is worth."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from calling import relayable
from processes import PlainSubscriber, bridge_command, ready_port, running, wait_for

from bridge.client.submit import submit
from bridge.journal import JournalReader
from bridge.vtp import encode_frame
from tests.vtp.peers import RawPeer

SENDVO = str(Path(sys.executable).with_name("comet-sendvo"))


def serve(folder: Path, *words: object) -> list[str]:
    return bridge_command(
        *("serve", "--receive", 0, "--journal", folder / "j", "--interface", "127.0.0.1", "--broadcast", 0),
        *words,
    )


def receive_port(log: Path, skip: int = 0) -> int:
    found = re.search(rb"receiving authors on port (\d+)", log.read_bytes()[skip:])
    assert found is not None, log.read_text()
    return int(found[1])


def test_an_authors_event_is_at_the_subscriber_byte_for_byte(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(serve(tmp_path), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/one")
        subscriber.start()
        wait_for(lambda: b"is 'ivo://subscriber.test/one'" in log.read_bytes(), "the subscriber")
        events = [relayable(number, "é" * number) for number in range(100)]
        told = list(submit(events, f"127.0.0.1:{receive_port(log)}"))
        assert {each.outcome for each in told} == {"accepted"}
        wait_for(lambda: len(subscriber.events) == 100, "the events")
        assert [data for _, data in subscriber.events] == events
        subscriber.stop()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.interop
def test_comet_sendvo_is_acknowledged_once_and_then_told_that_it_was_seen(tmp_path: Path) -> None:
    log, event = tmp_path / "log", tmp_path / "event.xml"
    event.write_bytes(relayable(1))
    with running(serve(tmp_path), log) as process:
        ready_port(process, log)
        command = [SENDVO, "--host=127.0.0.1", f"--port={receive_port(log)}", f"--file={event}"]
        first, second = (
            subprocess.run(command, capture_output=True, timeout=60, check=False) for _ in range(2)
        )
    assert first.returncode == 0, first.stdout
    assert second.returncode == 1
    assert b"Previously seen by this broker" in second.stdout


def test_every_acknowledged_event_outlives_kill_9(tmp_path: Path) -> None:
    log = tmp_path / "log"
    accepted: list[str] = []
    with running(serve(tmp_path), log) as process:
        ready_port(process, log)
        port = receive_port(log)

        def author(name: int) -> None:
            events = (relayable(f"{name}.{number}") for number in range(8_000))
            accepted.extend(
                each.ivorn
                for each in submit(events, f"127.0.0.1:{port}", timeout_s=5)
                if each.outcome == "accepted"
            )

        # The generator is asked for more and more until the broker is gone; then it is told so, and ends.
        threads = [threading.Thread(target=author, args=(name,), daemon=True) for name in range(3)]
        for thread in threads:
            thread.start()
        wait_for(lambda: len(accepted) > 600, "some hundred acknowledgements")
        process.kill()
        process.wait(10)
        for thread in threads:
            thread.join(30)
        size = log.stat().st_size
    with running(serve(tmp_path), log) as process:
        ready_port(process, log, skip=size)
        with JournalReader.open(tmp_path / "j") as journal:
            kept = {summary.ivorn for summary in journal.find()}
    assert len(accepted) > 600
    assert set(accepted) <= kept


def test_an_author_that_dribbles_and_one_that_talks_nonsense_keep_nobody_waiting(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(serve(tmp_path), log) as process:
        ready_port(process, log)
        port = receive_port(log)
        slow, web = RawPeer(port), socket.create_connection(("127.0.0.1", port), 10)
        slow.socket.sendall(encode_frame(relayable(1))[:50])
        web.sendall(b"GET / HTTP/1.0\r\n\r\n")
        (told,) = submit([relayable(2)], f"127.0.0.1:{port}")
        assert told.outcome == "accepted"
        assert b"takes 99999 at most" in web.recv(1 << 16)
        slow.socket.sendall(encode_frame(relayable(1))[50:])
        assert b'role="ack"' in slow.frame()
        slow.close()
        web.close()


def test_a_port_that_is_taken_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = serve(tmp_path)
        command[command.index("--receive") + 1] = str(port)
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"cannot be opened for authors" in done.stderr
    assert b"give another port with --receive" in done.stderr
