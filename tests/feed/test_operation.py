"""A feed in operation, as processes: its status, a full disk, test events, what it tells systemd."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import relayable
from processes import PlainSubscriber, bridge_command, ready_port, running, wait_for
from prometheus_client.parser import text_string_to_metric_families

from bridge.feed.systemd import notify, watchdog_interval_s
from bridge.feed.testevents import make_test_event
from bridge.journal import Journal, JournalReader
from bridge.validate import validate
from bridge.voevent.ids import is_acceptable

FEED = "ivo://org.example/feed"


def serve(folder: Path, *words: object) -> list[str]:
    inbox = folder / "in"
    inbox.mkdir(exist_ok=True)
    return bridge_command(
        *("serve", "--from", inbox, "--interface", "127.0.0.1", "--broadcast", 0, "--http", 0),
        *("--local-ivo", FEED, "--newcomers", "start"),
        *words,
    )


def drop(folder: Path, *numbers: int, padding: int = 0) -> None:
    for number in numbers:
        half = folder / "in" / f".{number}.xml"
        half.write_bytes(relayable(number, "x" * padding))
        half.rename(folder / "in" / f"{number}.xml")


def http_port(log: Path) -> int:
    found: list[re.Match[bytes]] = []

    def told() -> bool:
        match = re.search(rb"telling how it is on http://127.0.0.1:(\d+)", log.read_bytes())
        found.extend([match] if match else [])
        return bool(found)

    wait_for(told, "the HTTP port")
    return int(found[0][1])


def asked(port: int, *words: str) -> subprocess.CompletedProcess[str]:
    command = bridge_command("status", f"127.0.0.1:{port}", *words)
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def read(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=60) as answer:
        return answer.read()


def status_of(port: int) -> dict:
    return json.loads(read(port, "status"))


def test_a_running_feed_says_how_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(serve(tmp_path, "--journal", tmp_path / "j"), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/one")
        port = http_port(log)
        drop(tmp_path, 1, 2, 3)
        subscriber.start()
        wait_for(lambda: status_of(port)["broadcast"]["acked"] == 3, "the acknowledgements")
        now = status_of(port)
        assert now["healthy"]
        assert (now["intake"]["read"], now["intake"]["published"], now["journal"]["last_seq"]) == (3, 3, 3)
        (one,) = now["broadcast"]["subscribers"]
        assert (one["ivo"], one["sent"], one["acked"], one["lag"]) == ("ivo://subscriber.test/one", 3, 3, 0)
        assert one["sent_bytes"] == sum(len(relayable(n)) for n in (1, 2, 3))
        assert one["last_acked_at"] >= now["started_at"]
        assert now["source"]["state"] == "reading"
        assert now["journal"]["disk_free_bytes"] > 0
        for words in ((), ("--json",)):
            done = asked(port, *words)
            assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["process"] == process.pid
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            families = {f.name: f for f in text_string_to_metric_families(answer.read().decode())}
        assert families["voevent_bridge_acknowledgements"].samples[0].value == 3
        # People see the same on its page, while it runs, and find the events.
        page = read(port, "")
        assert b"All is well." in page
        assert b"ivo://subscriber.test/one" in page
        assert b"ivo://org.example/relay" in read(port, "events?ivorn=%232")
        assert read(port, "event.xml?seq=2") == relayable(2)
        assert b"<h1" in read(port, "event?seq=2")
        subscriber.stop()
    assert not (tmp_path / "j-wal").exists(), "everybody has given the journal back"
    done = asked(port)
    assert done.returncode == 1
    assert f"No feed answers at http://127.0.0.1:{port}" in done.stderr


def test_an_http_port_that_is_taken_ends_the_start_in_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        command = serve(tmp_path, "--journal", tmp_path / "j", "--http", other.getsockname()[1])
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "cannot be opened for HTTP" in done.stderr
    assert "Traceback" not in done.stderr


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Dawdler(PlainSubscriber):
    """Answers its first event, and then nothing before it is told to."""

    def __init__(self, port: int, ivo: str) -> None:
        super().__init__(port, ivo)
        self.reached, self.released = threading.Event(), threading.Event()

    def _answer(self, peer: socket.socket, message: bytes) -> None:
        if b":VOEvent" in message and self.events:
            self.reached.set()
            self.released.wait(20)
        super()._answer(peer, message)


def test_a_feed_that_is_stopped_waits_for_the_answers_to_what_it_has_sent(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with running(serve(tmp_path, "--journal", tmp_path / "j"), log) as process:
        subscriber = Dawdler(ready_port(process, log), "ivo://subscriber.test/slow")
        subscriber.start()
        drop(tmp_path, 1, 2, 3)
        assert subscriber.reached.wait(30)
        told = http_port(log)
        wait_for(lambda: status_of(told)["broadcast"]["sent"] == 3, "all to be sent")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: b"ending after the current batch" in log.read_bytes(), "the end to begin")
        wait_for(lambda: not listens(subscriber.port), "the port to be closed")
        assert process.poll() is None
        subscriber.released.set()
        assert process.wait(20) == 0
        subscriber.stop()
    assert len(subscriber.events) == 3
    assert b"get it again" not in log.read_bytes()
    with JournalReader.open(tmp_path / "j") as journal:
        assert journal.cursor("ivo://subscriber.test/slow") == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of eight megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, timeout=20, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], timeout=20, check=True)


def test_a_full_disk_stops_the_intake_and_nothing_else_and_the_feed_goes_on_by_itself(
    tmp_path: Path, small_disk: Path
) -> None:
    log = tmp_path / "log"
    others = small_disk / "of-others"
    others.write_bytes(bytes(7 << 20))
    (tmp_path / "dead").mkdir()
    command = serve(tmp_path, "--journal", small_disk / "j", "--dead-letters", tmp_path / "dead")
    with running(command, log) as process:
        port = ready_port(process, log)
        told = http_port(log)
        drop(tmp_path, *range(10), padding=20_000)
        wait_for(lambda: status_of(told)["journal"]["last_seq"] == 10, "the first events")
        drop(tmp_path, *range(10, 100), padding=20_000)
        wait_for(lambda: not status_of(told)["healthy"], "the disk to be full")
        now = status_of(told)
        assert now["source"]["state"] == "refused"
        assert "the disk is full" in now["problems"][0]
        done = asked(told)
        assert done.returncode == 1
        assert "NOT WELL" in done.stdout
        assert b"Nothing more is taken in; it is tried again every 5 s" in log.read_bytes()
        # What was published before is served, to one who comes now.
        before = now["journal"]["last_seq"]
        assert 10 <= before < 100
        subscriber = PlainSubscriber(port, "ivo://subscriber.test/one")
        subscriber.start()
        wait_for(lambda: len(subscriber.events) == before, "what the journal holds")
        others.unlink()
        wait_for(lambda: len(subscriber.events) == 100, "the rest")
        assert status_of(told)["healthy"]
        assert b"the journal can be written again" in log.read_bytes()
        subscriber.stop()
    ivorns = [ivorn for ivorn, _ in subscriber.events]
    assert len(set(ivorns)) == 100
    with Journal.open(small_disk / "j") as journal:
        journal.check()
        assert [entry.ivorn for entry in journal.read(0, 1000, 1 << 30)] == ivorns


def test_a_test_event_is_valid_and_named_as_comet_names_it() -> None:
    from comet.utility.voevent import broker_test_message, parse_ivoid

    event = make_test_event(FEED, 1_700_000_000.9)
    assert event.ivorn == f"{FEED}#TestEvent-2023-11-14T22:13:20Z"
    assert is_acceptable(event.ivorn)
    assert validate(event.data).findings == ()
    theirs = broker_test_message(FEED)
    assert re.fullmatch(r".*#TestEvent-[0-9T:Z-]+", theirs.element.get("ivorn"))
    assert validate(theirs.raw_bytes).findings == ()
    assert parse_ivoid(event.ivorn)[2] == "TestEvent-2023-11-14T22:13:20Z"


def test_test_events_come_at_their_interval_through_the_journal(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "feed.toml").write_text('[broadcast]\ntest_interval = "1s"\n')
    command = serve(tmp_path, "--journal", tmp_path / "j", tmp_path / "feed.toml")
    with running(command, log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/one")
        subscriber.start()
        wait_for(lambda: len(subscriber.events) >= 2, "two test events")
        told = status_of(http_port(log))
        subscriber.stop()
    assert all(ivorn.startswith(f"{FEED}#TestEvent-") for ivorn, _ in subscriber.events)
    assert told["test_events"] >= 2
    assert told["intake"]["published"] == 0, "they are not counted as alerts"
    with JournalReader.open(tmp_path / "j") as journal:
        assert {event.role for event in journal.find()} == {"test"}


def test_systemd_is_told_when_it_is_ready_that_it_lives_and_that_it_ends(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    log = tmp_path / "log"
    said: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        with log.open("wb") as out:
            process = subprocess.Popen(
                serve(tmp_path, "--journal", tmp_path / "j"), stderr=out, env=environment
            )
        try:
            while said.count("WATCHDOG=1") < 3 or "READY=1" not in said:
                said.append(listening.recv(1000).decode())
            process.send_signal(signal.SIGTERM)
            while said[-1] != "STOPPING=1":
                said.append(listening.recv(1000).decode())
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    assert said.count("READY=1") == said.count("STOPPING=1") == 1


def test_without_systemd_nothing_is_told(tmp_path: Path) -> None:
    assert not notify("READY=1", {})
    assert not notify("READY=1", {"NOTIFY_SOCKET": "tcp:1"})
    assert not notify("READY=1", {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    name = f"voevent-bridge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        listening.settimeout(10)
        assert notify("READY=1", {"NOTIFY_SOCKET": f"@{name}"})
        assert listening.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environment", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}, 1.0),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_asks(environment: dict, interval: float | None) -> None:
    assert watchdog_interval_s(environment) == interval
