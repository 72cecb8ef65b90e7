"""Subscribers as a load: many VTP connections in one process that cost as little as subscribers can.

They know every byte that has to come, so they compare whole pieces of the stream instead of parsing it, and
they have every acknowledgement ready, in the form that Comet sends. What is measured is the broker. Run by
`benchmarks.feed` as a process of its own: ``python -m benchmarks.feed_listeners '<JSON>'``.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Any

from benchmarks.feed_events import make_events

__all__ = ["Expected", "Listener", "listen"]

_LENGTH = struct.Struct(">I")
_RECEIVE = 1 << 18

# Comet 3.1.0's answers (comet/protocol/messages.py), byte for byte but for a fixed time.
_ANSWER = (
    "<?xml version='1.0' encoding='UTF-8'?>\n<trn:Transport "
    'xmlns:trn="http://www.telescope-networks.org/xml/Transport/v1.1" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.0" '
    'xsi:schemaLocation="http://telescope-networks.org/schema/Transport/v1.1 '
    'http://www.telescope-networks.org/schema/Transport-v1.1.xsd" role="{role}">\n'
    "  <Origin>{origin}</Origin>\n  <Response>{response}</Response>\n"
    "  <TimeStamp>2026-01-01T00:00:00Z</TimeStamp>\n{meta}</trn:Transport>\n"
)


def _answer(role: str, origin: str, response: str, meta: str = "") -> bytes:
    message = _ANSWER.format(role=role, origin=origin, response=response, meta=meta).encode()
    return _LENGTH.pack(len(message)) + message


class Expected:
    """All that has to come, as one stream, and the answers to it.

    Parameters
    ----------
    count, tag, first
        As many events of a tag, from a number on.
    response
        How subscribers name themselves, with a number each.
    ordered
        Whether events come in the order in which they are given here. A broker that handles several at once
        gives no such promise; then every event is looked up.
    """

    def __init__(self, count: int, tag: str, response: str, *, ordered: bool, first: int = 0) -> None:
        events = make_events(first + count, tag)[first:]
        frames = [_LENGTH.pack(len(event.data)) + event.data for event in events]
        acks = [_answer("ack", event.ivorn, response) for event in events]
        self.ordered = ordered
        self.count = count
        self.response = response
        self.stream = b"".join(frames)
        self.acks = b"".join(acks)
        self.ends = _ends(frames)
        self.ack_ends = [0, *_ends(acks)]
        self.places = {} if ordered else {frame: place for place, frame in enumerate(frames)}

    def frame(self, place: int) -> bytes:
        """One event with its length."""
        return self.stream[self.ends[place - 1] if place else 0 : self.ends[place]]

    def answers(self, first: int, stop: int) -> bytes:
        """Acknowledgements of a range of events."""
        return self.acks[self.ack_ends[first] : self.ack_ends[stop]]


def _ends(pieces: list[bytes]) -> list[int]:
    ends, end = [], 0
    for piece in pieces:
        end += len(piece)
        ends.append(end)
    return ends


@dataclass
class Listener:
    """One subscriber."""

    socket: socket.socket
    expected: Expected
    ivo: str
    got: int = 0
    position: int = 0
    greeted: bool = False
    pending: bytes = b""
    out: bytes = b""
    arrivals: list[float] | None = None
    seen: set[int] = field(default_factory=set)

    def take(self, data: bytes) -> None:
        """Compare what has come with what had to, and have the answers ready in `out`."""
        expected = self.expected
        if not self.pending and self.greeted and expected.ordered:
            position = self.position + len(data)
            if expected.stream[self.position : position] == data:
                self.position = position
                self._reach(bisect_right(expected.ends, position, self.got))
                return
        self._take_frames(data)

    def _take_frames(self, data: bytes) -> None:
        expected = self.expected
        begun = expected.ends[self.got - 1] if self.got and expected.ordered else 0
        data = (
            self.pending + expected.stream[begun : self.position] + data
            if expected.ordered
            else (self.pending + data)
        )
        self.position = begun
        at = 0
        while len(data) - at >= _LENGTH.size:
            stop = at + _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
            if stop > len(data):
                break
            self._take_frame(data[at:stop])
            at = stop
        self.pending = data[at:]
        if expected.ordered and self.got < expected.count:
            frame = expected.frame(self.got)
            if frame.startswith(self.pending):
                self.position += len(self.pending)
                self.pending = b""

    def _take_frame(self, frame: bytes) -> None:
        expected = self.expected
        if b"Transport" in frame[:200]:
            role = "authenticate" if b'role="authenticate"' in frame else "iamalive"
            origin = frame.partition(b"<Origin>")[2].partition(b"</Origin>")[0].decode()
            meta = "  <Meta/>\n" if role == "authenticate" else ""
            self.out += _answer(role, origin, self.ivo, meta)
            self.greeted = True
        elif expected.ordered:
            if self.got == expected.count or frame != expected.frame(self.got):
                raise SystemExit(f"event {self.got} is not what was sent")
            self.position = expected.ends[self.got]
            self._reach(self.got + 1)
        else:
            place = expected.places.get(frame)
            if place is None or place in self.seen:
                raise SystemExit("an event has come that was not sent, or has come twice")
            self.seen.add(place)
            self.out += expected.answers(place, place + 1)
            self.got += 1
            if self.arrivals is not None:
                self.arrivals[place] = time.monotonic()

    def _reach(self, got: int) -> None:
        if got > self.got:
            self.out += self.expected.answers(self.got, got)
            if self.arrivals is not None:
                self.arrivals[self.got : got] = [time.monotonic()] * (got - self.got)
            self.got = got


def listen(
    port: int, subscribers: int, expected: Expected, *, deadline_s: float, timed: bool = False
) -> dict[str, Any]:
    """Connect, say that all is ready, and receive until everybody has everything and has said so.

    Parameters
    ----------
    timed
        Note when each event reaches each subscriber.

    Returns
    -------
    When the first and the last event came (`time.monotonic`, which all processes of a machine share), the CPU
    time that receiving took, and the arrivals of each subscriber when they are wanted.
    """
    listeners = {}
    poll = select.epoll()
    for number in range(subscribers):
        connection = _connect(port, deadline_s)
        # Each is known by a name of its own, or they would share one place.
        listener = Listener(connection, expected, f"{expected.response}-{number}")
        if timed:
            listener.arrivals = [0.0] * expected.count
        listeners[connection.fileno()] = listener
        poll.register(connection, select.EPOLLIN)
    give_up_at = time.monotonic() + deadline_s
    first = last = cpu_s = 0.0
    greeted = 0
    unfinished = subscribers
    while unfinished:
        now = time.monotonic()
        if now > give_up_at:
            least = min(listener.got for listener in listeners.values())
            raise SystemExit(
                f"given up after {deadline_s} s: somebody has {least} of {expected.count} events"
            )
        for number, event in poll.poll(1.0):
            listener = listeners[number]
            before, was_greeted = listener.got, listener.greeted
            if event & ~select.EPOLLOUT:
                _receive(listener)
            _send(listener, poll)
            if listener.got > before:
                last = time.monotonic()
                first = first or last
                unfinished -= listener.got == expected.count
            if listener.greeted and not was_greeted:
                greeted += 1
                if greeted == subscribers:
                    cpu_s = time.process_time()
                    print(json.dumps({"ready": True}), flush=True)
    arrivals = [listener.arrivals for listener in listeners.values()] if timed else None
    done = {"first": first, "last": last, "cpu_s": time.process_time() - cpu_s, "arrivals": arrivals}
    for listener in listeners.values():
        listener.socket.setblocking(True)
        listener.socket.sendall(listener.out)
    return done


def _receive(listener: Listener) -> None:
    try:
        data = listener.socket.recv(_RECEIVE)
    except BlockingIOError:
        return
    if not data:
        raise SystemExit(f"the broker has closed a connection after {listener.got} events")
    listener.take(data)


def _send(listener: Listener, poll: select.epoll) -> None:
    if not listener.out:
        return
    try:
        sent = listener.socket.send(listener.out)
    except BlockingIOError:
        sent = 0
    listener.out = listener.out[sent:]
    poll.modify(listener.socket, select.EPOLLIN | (select.EPOLLOUT if listener.out else 0))


def _connect(port: int, deadline_s: float) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=deadline_s)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


def main() -> None:
    """Do what the JSON in the first argument asks for; the result is a line of JSON."""
    asked = json.loads(sys.argv[1])
    expected = Expected(
        asked["events"], asked["tag"], asked["response"], ordered=asked["ordered"], first=asked["first"]
    )
    result = listen(
        asked["port"],
        asked["subscribers"],
        expected,
        deadline_s=asked["deadline_s"],
        timed=asked["timed"],
    )
    print(json.dumps(result), flush=True)
    # The broker takes note of the last acknowledgements before the connections end.
    sys.stdin.readline()


if __name__ == "__main__":
    main()
