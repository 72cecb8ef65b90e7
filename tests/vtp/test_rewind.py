"""Subscribers that come back and take thousands of events: those who listen live hardly notice."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.journal import Entry, JournalReader, NewEntry
from bridge.vtp.messages import write_transport
from bridge.vtp.server import TURN_S, Broadcaster
from tests.vtp.hall import Hall, Peer
from tests.vtp.peers import PROJECT, RawPeer, Server, serving, synthetic_event, wait_until

BROKER = "ivo://org.example/broker"
AWAY = [f"ivo://org.example/away-{n}" for n in range(20)]
MISSED = 1_500
PADDING = 2_000
PAUSE_S = 0.01
PAGE_S = 0.003


class Live:
    """Listens, acknowledges, and notes when each event came."""

    def __init__(self, server: Server) -> None:
        self.came: dict[int, float] = {}
        self.peer = RawPeer(server.port)
        self.peer.frame()
        self.peer.send(write_transport("authenticate", BROKER, 0, response="ivo://org.example/live"))
        wait_until(
            lambda: any(one["serving"] for one in server.subscribers()), "the live subscriber is served"
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                data = self.peer.frame()
            except (OSError, EOFError):
                return
            if b":VOEvent" not in data:
                continue
            at = time.monotonic()
            ivorn = data.split(b'ivorn="')[1].split(b'"')[0].decode()
            self.came[int(ivorn.partition("#")[2])] = at
            self.peer.send(write_transport("ack", ivorn, 0))


def publish(server: Server, first: int, going_on) -> dict[int, float]:
    """One event after the other, a hundred a second at most; gives when each was handed over."""
    given = {}
    while going_on(len(given)):
        number = first + len(given)
        event = synthetic_event(number, PADDING)
        given[number] = time.monotonic()
        server.append([event])
        time.sleep(PAUSE_S)
    return given


def latencies_ms(live: Live, given: dict[int, float]) -> list[float]:
    wait_until(lambda: given.keys() <= live.came.keys(), "the live subscriber has every event")
    return sorted((live.came[number] - at) * 1e3 for number, at in given.items())


def p99(ordered: list[float]) -> float:
    return ordered[int(0.99 * (len(ordered) - 1))]


class SlowLog:
    """A journal on a disk that takes three milliseconds for a page; something may happen at one of them."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self.seconds = 0.0
        self.pages = 0
        self.at_page: dict[int, Callable[[], None]] = {}
        self.last_seq, self.seq_at, self.cursor = reader.last_seq, reader.seq_at, reader.cursor
        self.first_kept_seq = reader.first_kept_seq

    def read(self, after: int, limit: int = 100, max_bytes: int = 1 << 20) -> list[Entry]:
        self.seconds += PAGE_S
        self.pages += 1
        self.at_page.pop(self.pages, lambda: None)()
        return self._reader.read(after, limit, max_bytes)


def test_a_live_event_does_not_wait_for_thirty_who_are_behind(tmp_path: Path) -> None:
    hall = Hall(tmp_path, window=10, page_events=5)
    for n in range(30):
        Peer(hall, f"ivo://org.example/away-{n}").leaves()
        hall.publish(25)
    hall.broadcaster.close()
    log = SlowLog(hall.reader)
    hall.broadcaster = Broadcaster(
        log,
        hall.settings,
        save_cursors=hall.journal.save_cursors,
        clock=hall.clock,
        stopwatch=lambda: log.seconds,
    )
    live = Peer(hall)
    # All come back in one moment, before the broadcaster has a turn.
    turn, hall.turn = hall.turn, lambda: None
    behind = [Peer(hall, f"ivo://org.example/away-{n}") for n in range(30)]
    published: list[float] = []
    came: list[float] = []

    def publish() -> None:
        published.append(log.seconds)
        ivorn, data = synthetic_event(10_001)
        hall.journal.append([NewEntry(ivorn, data, "relayed", b"digest", "test")])
        # As a thread does: the broadcaster hears of it between two turns of the reactor.
        hall.clock.callLater(0, hall.broadcaster.wake)

    log.at_page[log.pages + 3] = publish
    write = live.transport.writeSequence
    live.transport.writeSequence = lambda data: (came.append(log.seconds), write(data))
    turn()
    assert live.gets() == [10_001]
    assert came[0] - published[0] <= TURN_S + 3 * PAGE_S, "the rest of a turn, and its own page"
    assert log.pages > 30
    # Nobody is forgotten: each has all that may be under way to it.
    assert all(peer.gets() == list(range(25 * n + 1, 25 * n + 11)) for n, peer in enumerate(behind))
    hall.close()


def test_a_live_event_does_not_wait_for_thirty_who_have_never_answered(tmp_path: Path) -> None:
    hall = Hall(tmp_path, window=200, page_events=5)
    hall.broadcaster.close()
    log = SlowLog(hall.reader)
    hall.broadcaster = Broadcaster(log, hall.settings, clock=hall.clock, stopwatch=lambda: log.seconds)
    silent = [Peer(hall) for _ in range(30)]
    live = Peer(hall)
    hall.publish(1)
    assert all(peer.gets() == [1] for peer in [*silent, live])
    live.acks([1])
    order: list[str] = []
    for name, peer in [*(("silent", peer) for peer in silent), ("live", live)]:
        write = peer.transport.writeSequence
        peer.transport.writeSequence = lambda data, name=name, write=write: (order.append(name), write(data))
    hall.publish(1)
    assert order[0] == "live", "it comes first although it came last"
    assert order.count("silent") == 30, "nobody is forgotten"
    hall.close()


@pytest.mark.no_cover
def test_rewind_does_not_disturb_live_subscribers(tmp_path: Path, record_property) -> None:
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    with serving(tmp_path) as server:
        for ivo in AWAY:
            peer = RawPeer(server.port)
            peer.frame()
            peer.send(write_transport("authenticate", BROKER, 0, response=ivo))
            wait_until(lambda ivo=ivo: server.subscribers()[-1]["ivo"] == ivo, "the subscriber is known")
            peer.close()
            wait_until(lambda: not server.subscribers(), "it has gone")
        for start in range(1, MISSED, 500):
            server.append([synthetic_event(n, PADDING) for n in range(start, start + 500)])
        live = Live(server)
        before = publish(server, MISSED + 1, lambda done: done < 150)
        command = [
            sys.executable,
            str(Path(__file__).with_name("rewind.py")),
            str(server.port),
            str(MISSED),
            *AWAY,
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as returning:
            wait_until(lambda: len(server.subscribers()) > 3, "they come back")
            beside = publish(server, max(before) + 1, lambda _: returning.poll() is None)
            answer = returning.communicate(timeout=20)[0]
        after = publish(server, max(beside) + 1, lambda done: done < 150)
        undisturbed = sorted(latencies_ms(live, before) + latencies_ms(live, after))
        disturbed = latencies_ms(live, beside)
        live.peer.close()
    rewound = json.loads(answer)
    assert rewound["whole"], "each of them got all it had missed, in order"
    assert len(disturbed) > 3, "too few to have a median"
    record_property("rewound_events_per_second", round(len(AWAY) * MISSED / rewound["seconds"]))
    for name, times in (("undisturbed", undisturbed), ("beside_rewind", disturbed)):
        record_property(
            f"{name}_ms_median_and_p99", (round(statistics.median(times), 2), round(p99(times), 2))
        )
    # Thirty thousand events take seconds; an event that is published meanwhile does not wait for them.
    assert statistics.median(disturbed) < 2 * statistics.median(undisturbed) + 100
