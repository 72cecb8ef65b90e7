"""Authors and an upstream broker as a load: what brings events to a broker, as fast as it takes them."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from benchmarks.feed_events import BenchEvent
from bridge.vtp import FrameReader, encode_frame, write_transport

__all__ = ["AUTHORS", "Upstream", "send_each", "send_paced", "send_together"]

AUTHORS = 16
"""So many authors send at once, each an event on a connection of its own."""

_WINDOW = 256
_PIECE = 32
_TIMEOUT_S = 60.0
_TIMEOUT = struct.pack("ll", int(_TIMEOUT_S), 0)


def send_each(port: int, events: Sequence[BenchEvent]) -> float:
    """Send each event on a connection of its own, as comet-sendvo does; gives when the first set out.

    All authors are one thread, which does no more than they must: what is measured is the broker.
    """
    frames = iter([encode_frame(event.data) for event in events])
    poll = select.epoll()
    authors: dict[int, _Author] = {}
    began = time.monotonic()

    def next_one() -> None:
        frame = next(frames, None)
        if frame is not None:
            author = _Author(port, frame)
            authors[author.socket.fileno()] = author
            poll.register(author.socket, select.EPOLLIN)

    for _ in range(AUTHORS):
        next_one()
    while authors:
        ready = poll.poll(_TIMEOUT_S)
        if not ready:
            raise TimeoutError(f"{len(authors)} authors have had no answer for {_TIMEOUT_S:g} s")
        for number, _ in ready:
            if authors[number].hears_its_answer():
                # Closing takes it out of the poll.
                authors.pop(number).socket.close()
                next_one()
    poll.close()
    return began


def send_paced(port: int, events: Sequence[BenchEvent], rate_hz: float) -> list[float]:
    """Send each event on a connection of its own at its time; gives when each set out."""
    began = time.monotonic()
    sent: list[float] = []
    for number, event in enumerate(events):
        time.sleep(max(0.0, began + number / rate_hz - time.monotonic()))
        sent.append(time.monotonic())
        _send_one(port, event)
    return sent


def send_together(port: int, events: Sequence[BenchEvent]) -> float:
    """Send all events on one connection, at most 256 of them unanswered; gives when the first set out."""
    began = time.monotonic()
    reader = FrameReader()
    acked = 0
    with _connect(port) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for start in range(0, len(events), _PIECE):
            piece = events[start : start + _PIECE]
            connection.sendall(b"".join(encode_frame(event.data) for event in piece))
            while start + len(piece) - acked > _WINDOW:
                acked += _answers(connection, reader)
        while acked < len(events):
            acked += _answers(connection, reader)
    return began


class _Author:
    """Sends one event and waits for what becomes of it."""

    def __init__(self, port: int, frame: bytes) -> None:
        self.socket = _connect(port)
        self.socket.sendall(frame)
        self._reader = FrameReader()

    def hears_its_answer(self) -> bool:
        """Read what has come; whether it is the answer."""
        return _answers(self.socket, self._reader) > 0


def _send_one(port: int, event: BenchEvent) -> None:
    author = _Author(port, encode_frame(event.data))
    with author.socket:
        while not author.hears_its_answer():
            pass


def _connect(port: int) -> socket.socket:
    connection = socket.socket()
    # The kernel keeps these; with a timeout of its own Python would ask before each call whether it may.
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, _TIMEOUT)
    connection.connect(("127.0.0.1", port))
    return connection


def _answers(connection: socket.socket, reader: FrameReader) -> int:
    data = connection.recv(1 << 16)
    assert data, "the broker closed the connection before it answered"
    answers = reader.feed(data)
    for each in answers:
        assert isinstance(each, bytes), "the broker sends no VTP"
        assert b'role="ack"' in each, each.decode()
    return len(answers)


class Upstream:
    """A broker with one subscriber, which sends without waiting for acknowledgements."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(_TIMEOUT_S)
        self.port: int = self._listening.getsockname()[1]
        self._connection: socket.socket | None = None

    def send(self, events: Sequence[BenchEvent]) -> float:
        """Send events to the subscriber, which is waited for; gives when the first set out."""
        connection = self._subscriber()
        began = time.monotonic()
        for start in range(0, len(events), _PIECE):
            connection.sendall(b"".join(encode_frame(event.data) for event in events[start : start + _PIECE]))
        return began

    def _subscriber(self) -> socket.socket:
        if self._connection is None:
            self._connection, _ = self._listening.accept()
            self._connection.settimeout(_TIMEOUT_S)
            greeting = write_transport("authenticate", "ivo://org.example/upstream", time.time())
            self._connection.sendall(encode_frame(greeting))
            assert self._connection.recv(1 << 16), "the subscriber has gone"
            threading.Thread(target=self._overhear, args=(self._connection,), daemon=True).start()
        return self._connection

    @staticmethod
    def _overhear(connection: socket.socket) -> None:
        for _ in _pieces(lambda: connection.recv(1 << 18)):
            pass

    def close(self) -> None:
        """Say goodbye."""
        for each in (self._connection, self._listening):
            if each is not None:
                each.close()


def _pieces(receive: Callable[[], bytes]) -> Iterator[bytes]:
    try:
        while piece := receive():
            yield piece
    except OSError:
        # Closed at the end, from here.
        return
