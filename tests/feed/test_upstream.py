"""Relay from upstream brokers: byte for byte, each event once, whatever rings the brokers form."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from calling import relayable
from processes import (
    PlainSubscriber,
    bridge_command,
    free_port,
    ready_port,
    running,
    saved_by_comet,
    wait_for,
)

from bridge.client.submit import submit
from bridge.journal import JournalReader
from tests.vtp.peers import running_in

TWISTD = str(Path(sys.executable).with_name("twistd"))


@dataclass
class Broker:
    """One of our brokers as a process, with ports of its own."""

    folder: Path
    process: subprocess.Popen[bytes]
    broadcast: int
    receive: int

    @property
    def events(self) -> list[bytes]:
        with JournalReader.open(self.folder / "j") as journal:
            return [entry.data for entry in journal.read(0, 10_000, max_bytes=1 << 30)]

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def submit(self, *packets: bytes) -> list[str]:
        return [each.outcome for each in submit(packets, f"127.0.0.1:{self.receive}", timeout_s=20)]


@contextmanager
def broker(folder: Path, *words: object, broadcast: int | None = None) -> Iterator[Broker]:
    folder.mkdir(exist_ok=True)
    port, receive = broadcast or free_port(), free_port()
    command = bridge_command(
        *(
            "serve",
            "--journal",
            folder / "j",
            "--interface",
            "127.0.0.1",
            "--broadcast",
            port,
            "--receive",
            receive,
        ),
        *("--local-ivo", f"ivo://org.example/{folder.name}"),
        *words,
    )
    log = folder / "log"
    skip = log.stat().st_size if log.exists() else 0
    with running(command, log) as process:
        ready_port(process, log, skip)
        yield Broker(folder, process, port, receive)


def connected(one: Broker, times: int = 1) -> None:
    wait_for(
        lambda: len(re.findall("upstream .* is connected", one.log())) >= times, "the upstream's connection"
    )


def served(one: Broker, name: str) -> None:
    wait_for(lambda: f"'ivo://org.example/{name}', served from" in one.log(), f"{name} to be served")


def test_in_a_ring_of_two_brokers_every_event_is_at_both_once(tmp_path: Path) -> None:
    east_port = free_port()
    with ExitStack() as stack:
        west = stack.enter_context(broker(tmp_path / "west", "--upstream", f"127.0.0.1:{east_port}"))
        east = stack.enter_context(
            broker(tmp_path / "east", "--from", f"vtp://127.0.0.1:{west.broadcast}", broadcast=east_port)
        )
        served(west, "east")
        served(east, "west")
        first = [relayable(f"west.{number}", "é" * 50) for number in range(150)]
        second = [relayable(f"east.{number}") for number in range(150)]
        assert set(west.submit(*first)) == set(east.submit(*second)) == {"accepted"}
        # Another edition under an identifier that went round already is another event.
        other = relayable("west.0", "another edition")
        assert east.submit(other) == ["accepted"]
        expected = sorted([*first, *second, other])
        wait_for(lambda: len(east.events) >= 301 and len(west.events) >= 301, "all events at both")
        # Once round, each event meets itself: wait until both have heard of all of it again.
        for one in (west, east):
            with JournalReader.open(one.folder / "j") as journal:
                wait_for(lambda journal=journal: journal.statistics().duplicates >= 150, "the echo to end")
        assert sorted(west.events) == sorted(east.events) == expected
        for one in (west, east):
            one.process.send_signal(signal.SIGTERM)
        assert [one.process.wait(30) for one in (west, east)] == [0, 0]


@pytest.mark.interop
@pytest.mark.no_cover
def test_a_comet_in_the_ring_gets_and_gives_every_event_once(tmp_path: Path) -> None:
    comet_out, comet_in = free_port(), free_port()
    (tmp_path / "comet").mkdir()
    with broker(tmp_path / "ours", "--upstream", f"127.0.0.1:{comet_out}") as ours:
        comet = [
            *(TWISTD, "--nodaemon", "--pidfile=", "comet", "--local-ivo=ivo://org.example/comet"),
            *(f"--remote=127.0.0.1:{ours.broadcast}", "--broadcast", f"--broadcast-port={comet_out}"),
            *("--receive", f"--receive-port={comet_in}", "--broadcast-test-interval=0"),
            *("--save-event", f"--save-event-directory={tmp_path / 'comet' / 'received'}"),
            f"--eventdb={tmp_path / 'comet'}",
        ]
        (tmp_path / "comet" / "received").mkdir()
        with running_in(comet, tmp_path / "comet", tmp_path / "comet.log"):
            served(ours, "comet")
            connected(ours)
            wait_for(lambda: b"New subscriber" in (tmp_path / "comet.log").read_bytes(), "Comet to serve us")
            mine = [relayable(f"ours.{number}") for number in range(40)]
            theirs = [relayable(f"comet.{number}", "é") for number in range(20)]
            assert set(ours.submit(*mine)) == {"accepted"}
            told = list(submit(theirs, f"127.0.0.1:{comet_in}", timeout_s=30))
            assert {each.outcome for each in told} == {"accepted"}
            wait_for(lambda: len(ours.events) >= 60, "all events at ours")
            wait_for(lambda: saved_by_comet(tmp_path / "comet") >= 60, "all events at Comet")
            with JournalReader.open(ours.folder / "j") as journal:
                wait_for(lambda: journal.statistics().duplicates >= 40, "the echo of our own")
        assert sorted(ours.events) == sorted(mine + theirs)
        saved = sorted(path.read_bytes() for path in (tmp_path / "comet" / "received").iterdir())
        assert saved == sorted(mine + theirs)


def test_what_came_while_we_were_away_comes_when_we_return(tmp_path: Path) -> None:
    with broker(tmp_path / "top") as top:
        words = ("--upstream", f"127.0.0.1:{top.broadcast}")
        with broker(tmp_path / "below", *words) as below:
            served(top, "below")
            top.submit(*(relayable(number) for number in range(50)))
            wait_for(lambda: len(below.events) == 50, "the first events")
            below.process.kill()
            below.process.wait(10)
        top.submit(*(relayable(number) for number in range(50, 80)))
        with broker(tmp_path / "below", *words) as below:
            wait_for(lambda: len(below.events) >= 80, "what was missed")
            assert below.events == [relayable(number) for number in range(80)]


@pytest.mark.no_cover
def test_an_upstream_that_was_killed_is_found_again(tmp_path: Path) -> None:
    port = free_port()
    with broker(tmp_path / "below", "--upstream", f"127.0.0.1:{port}") as below:
        wait_for(lambda: "next try in" in below.log(), "an attempt in vain")
        for turn in range(2):
            with broker(tmp_path / "top", broadcast=port) as top:
                connected(below, turn + 1)
                wait_for(
                    lambda top=top, turn=turn: top.log().count("below', served from") > turn, "to be served"
                )
                assert top.submit(relayable(turn)) == ["accepted"]
                wait_for(lambda turn=turn: len(below.events) == turn + 1, "the event")
                top.process.kill()
                top.process.wait(10)


def test_filters_and_since_of_an_upstream_are_asked_for(tmp_path: Path) -> None:
    with broker(tmp_path / "top") as top:
        top.submit(*(relayable(number) for number in range(20)))
        (tmp_path / "feed.toml").write_text(
            f'[[upstream]]\nhost = "127.0.0.1"\nport = {top.broadcast}\nsince = "1h"\n'
            'filters = ["//Param", "contains(/*/@ivorn, \'#1\')"]\n'
        )
        with broker(tmp_path / "below", tmp_path / "feed.toml") as below:
            wait_for(lambda: len(below.events) >= 11, "the events that pass")
            assert below.events == [relayable(number) for number in (1, *range(10, 20))]


def test_strict_keeps_invalid_events_of_an_upstream_as_dead_letters(tmp_path: Path) -> None:
    # Authors cannot send such an event, but a relay that is not strict has it.
    broken = relayable(1).replace(b"<What>", b"<Whit/><What>")
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "1.xml").write_bytes(broken)
    with broker(tmp_path / "top", "--from", inbox, "--newcomers", "start") as top:
        words = ("--upstream", f"127.0.0.1:{top.broadcast}", "--strict", "--dead-letters", tmp_path / "dead")
        with broker(tmp_path / "below", *words) as below:
            wait_for(lambda: list((tmp_path / "dead").glob("*.json")), "the dead letter")
            assert below.events == []
            (dead,) = (tmp_path / "dead").glob("*.bin")
            assert dead.read_bytes() == broken
            below.process.send_signal(signal.SIGTERM)
            assert below.process.wait(30) == 1


def test_subscribers_of_a_relay_get_the_bytes_of_the_first_author(tmp_path: Path) -> None:
    events = [relayable(number, "é") + b"\r\n<!-- after -->" for number in range(30)]
    with (
        broker(tmp_path / "top") as top,
        broker(tmp_path / "mid", "--upstream", f"127.0.0.1:{top.broadcast}") as mid,
    ):
        served(top, "mid")
        subscriber = PlainSubscriber(mid.broadcast, "ivo://org.example/end")
        subscriber.start()
        served(mid, "end")
        assert set(top.submit(*events)) == {"accepted"}
        wait_for(lambda: len(subscriber.events) == 30, "the events at the end")
        assert [data for _, data in subscriber.events] == events
        subscriber.stop()
