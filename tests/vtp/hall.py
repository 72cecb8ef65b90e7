"""A broadcaster with a journal and a clock that a test turns, and subscribers without sockets."""

from __future__ import annotations

import hashlib
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.journal import Journal, NewEntry
from bridge.vtp import BroadcasterSettings, FrameReader, encode_frame, parse_transport
from bridge.vtp.messages import write_transport
from bridge.vtp.server import Broadcaster
from tests.vtp.peers import synthetic_event

BROKER = "ivo://org.example/broker"
PEER = "ivo://org.example/peer"


class Hall:
    """A journal, a broadcaster and a clock."""

    def __init__(self, folder: Path, **settings) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.journal = Journal.open(folder / "journal", clock=self.clock.seconds)
        self.reader = self.journal.reader()
        self.count = 0
        self.settings = BroadcasterSettings(local_ivo=BROKER, **{"first_window": 100} | settings)
        self.restart()

    def restart(self) -> None:
        self.broadcaster = Broadcaster(
            self.reader, self.settings, save_cursors=self.journal.save_cursors, clock=self.clock
        )

    def publish(self, count: int = 1, padding: int = 0) -> int:
        batch = []
        for _ in range(count):
            self.count += 1
            ivorn, data = synthetic_event(self.count, padding)
            batch.append(NewEntry(ivorn, data, "relayed", hashlib.sha256(data).digest(), "test"))
        last = self.journal.append(batch).last_seq
        self.broadcaster.wake()
        self.turn()
        return last

    def turn(self) -> None:
        for _ in range(50):
            self.clock.advance(0)

    def close(self) -> None:
        self.reader.close()
        self.journal.close()


class Peer:
    """A subscriber without a socket."""

    def __init__(self, hall: Hall, ivo: str | None = None, filters=(), introduce: bool = True) -> None:
        self.hall = hall
        self.transport = StringTransport()
        self.reader = FrameReader(1 << 20)
        self.protocol = hall.broadcaster.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
        self.protocol.makeConnection(self.transport)
        self.greeting = parse_transport(self._frames()[0])
        if introduce:
            self.introduce(ivo, filters)

    def introduce(self, ivo: str | None, filters=()) -> None:
        self.say(write_transport("authenticate", BROKER, 0, response=ivo, filters=filters))

    def say(self, payload: bytes) -> None:
        self.protocol.dataReceived(encode_frame(payload))
        self.hall.turn()

    def _frames(self) -> list[bytes]:
        frames = self.reader.feed(self.transport.value())
        self.transport.clear()
        return [frame for frame in frames if isinstance(frame, bytes)]

    def gets(self) -> list[int]:
        """Numbers of the events that have come."""
        frames = [frame for frame in self._frames() if b":VOEvent" in frame]
        return [int(frame.split(b"#")[1].split(b'"')[0]) for frame in frames]

    def acks(self, numbers) -> None:
        for number in numbers:
            self.say(write_transport("ack", synthetic_event(number)[0], 0))

    def leaves(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionError()))

    @property
    def gone(self) -> bool:
        return self.transport.disconnected or self.transport.disconnecting
