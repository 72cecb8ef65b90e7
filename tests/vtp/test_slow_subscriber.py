"""A subscriber that never reads: with real sockets, it delays nobody and costs no memory."""

from __future__ import annotations

import re
import threading
import time
from pathlib import Path

import pytest

from bridge.vtp.messages import write_transport
from tests.vtp.peers import RawPeer, Server, serving, synthetic_event, wait_until

BROKER = "ivo://org.example/broker"
EVENTS = 1_000
PADDING = 9_700


def resident_kb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("memory is read from /proc")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text())
    assert found
    return int(found[1])


def receive_all(peer: RawPeer, count: int, done: list[float]) -> None:
    while count:
        data = peer.frame()
        ivorn = data.split(b'ivorn="')[1].split(b'"')[0].decode() if b":VOEvent" in data else None
        if ivorn is not None:
            peer.send(write_transport("ack", ivorn, 0))
            count -= 1
    done.append(time.monotonic())


def seconds_to_serve_a_prompt_peer(server: Server, batch: list[tuple[str, bytes]]) -> float:
    peer = RawPeer(server.port)
    peer.frame()
    peer.send(write_transport("authenticate", BROKER, 0))
    wait_until(lambda: server.subscribers()[-1]["serving"], "the prompt peer is served")
    done: list[float] = []
    thread = threading.Thread(target=receive_all, args=(peer, len(batch), done))
    thread.start()
    started = time.monotonic()
    # In parts, so that the commands themselves do not show in the server's memory.
    for start in range(0, len(batch), 50):
        server.append(batch[start : start + 50])
    thread.join(20)
    assert done, "the prompt peer did not get everything"
    peer.close()
    wait_until(
        lambda: all(one["sent"] < len(batch) for one in server.subscribers()), "the prompt peer has gone"
    )
    return done[0] - started


def test_slow_subscriber_does_not_delay_others(tmp_path: Path, record_property) -> None:
    rounds = [[synthetic_event(f"{part}.{n}", PADDING) for n in range(EVENTS)] for part in ("a", "b")]
    with serving(tmp_path, window=EVENTS, cache_bytes=1 << 20) as server:
        alone = seconds_to_serve_a_prompt_peer(server, rounds[0])
        slow = [RawPeer(server.port, receive_buffer=4_096) for _ in range(5)]
        for peer in slow:
            peer.send(write_transport("authenticate", BROKER, 0))
        wait_until(
            lambda: [one["serving"] for one in server.subscribers()] == [True] * 5, "the slow are served"
        )
        before = resident_kb(server)
        beside = seconds_to_serve_a_prompt_peer(server, rounds[1])
        grown = resident_kb(server) - before
        stuck = [one["sent"] for one in server.subscribers()]
        for peer in slow:
            peer.close()
    record_property("seconds_alone", round(alone, 3))
    record_property("seconds_beside_five_that_never_read", round(beside, 3))
    record_property("server_grew_kb", grown)
    assert len(stuck) == 5
    # Each was sent what the kernel's buffers hold (some megabytes) and one page more.
    assert max(stuck) < EVENTS * 0.8
    assert grown < 5 * EVENTS * PADDING / 1024 / 4
    assert beside < 3 * alone + 2
