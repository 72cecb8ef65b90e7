"""A durable subscriber of a simulated day, with manners of its own, that judges each delivery as it comes.

It keeps the books of both sides: what it was sent, and up to where the feed may not send anything again.
"""

from __future__ import annotations

import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.messages import write_transport
from bridge.vtp.server import Broadcaster

__all__ = ["Feed", "Listener", "Manners"]


class Feed(Protocol):
    """What a listener needs to know of the feed."""

    broadcaster: Broadcaster

    def now(self) -> float: ...

    def first_kept(self) -> int: ...

    def packet(self, seq: int) -> bytes: ...


@dataclass
class Manners:
    """How a subscriber behaves.

    Parameters
    ----------
    pace
        Most answers a second; 0 answers nothing at all.
    nak
        Part of the answers that are naks.
    shuffle
        Whether it answers out of order, as Comet does.
    leaves, away_s
        Chance per second that it goes, and for how long.
    clogs
        Chance per second that its socket takes nothing, for some seconds.
    freezes
        Chance per second that it neither reads nor says anything, for minutes.
    """

    pace: int = 50
    nak: float = 0.0
    shuffle: bool = False
    leaves: float = 0.0
    away_s: int = 60
    clogs: float = 0.0
    freezes: float = 0.0


class Listener:
    """One subscriber; `second` lets it live for a second."""

    def __init__(self, feed: Feed, name: str, manners: Manners | None = None) -> None:
        self.feed = feed
        self.ivo = f"ivo://org.example/{name}"
        self.manners = manners or Manners()
        self.protocol = None
        self.back_at = 0.0
        self.served_from: int | None = None
        self.first_seen: list[int] = []
        self.seen: set[int] = set()
        self.repeated = self.connections = 0
        # Whatever is up to this place must not come again.
        self.settled = 0
        # (when, up to where it had answered everything), the oldest first.
        self._answered: deque[tuple[float, int]] = deque([(0.0, 0)], maxlen=30)
        self._clogged_until = self._frozen_until = 0.0

    def second(self, chance: random.Random) -> None:
        now = self.feed.now()
        if self.protocol is None:
            if now >= self.back_at:
                self._connect(chance)
            return
        if self.transport.disconnecting:
            self.go(5)
            return
        if now < self._frozen_until:
            return
        # Mostly nothing happens, and a day has many seconds.
        if self.transport.io.tell():
            self._read(now)
        if self._owed:
            self._answer(chance, now)
        if self._clogged_until and now >= self._clogged_until:
            self._clogged_until = 0.0
            self.protocol.resumeProducing()
        if now >= self._whim_at:
            self._follow_a_whim(chance, now)

    def _connect(self, chance: random.Random) -> None:
        self.connections += 1
        self._owed: list[tuple[int, str]] = []
        self._newest = self._base = self.settled
        self._frames = FrameReader()
        self.transport = StringTransport()
        self._clogged_until = self._frozen_until = 0.0
        self._whim_at = self._next_whim(chance)
        self.protocol = self.feed.broadcaster.buildProtocol(None)
        self.protocol.makeConnection(self.transport)
        # It says who it is at once: one that takes longer than the grace would be served as a newcomer first.
        self._read(self.feed.now())

    def _read(self, now: float) -> None:
        data = self.transport.value()
        self.transport.clear()
        for frame in self._frames.feed(data):
            assert isinstance(frame, bytes)
            if b":VOEvent" in frame:
                self._take(frame)
                continue
            message = parse_transport(frame)
            self._say(write_transport(message.role, message.origin, now, response=self.ivo))
            if message.role == "authenticate" and self.served_from is None:
                self.served_from = max(self.protocol.connection.flight.passed_seq + 1, self.feed.first_kept())

    def _take(self, frame: bytes) -> None:
        seq = int(frame.split(b"<Description>")[1].split()[0])
        assert frame == self.feed.packet(seq), f"{self.ivo}: {seq} has other bytes"
        assert seq > self._newest, f"{self.ivo}: {seq} after {self._newest}"
        self._newest = seq
        self._owed.append((seq, frame.split(b'ivorn="')[1].split(b'"')[0].decode()))
        if seq in self.seen:
            self.repeated += 1
        else:
            self.seen.add(seq)
            self.first_seen.append(seq)

    def _answer(self, chance: random.Random, now: float) -> None:
        manners, owed = self.manners, self._owed
        for _ in range(min(manners.pace, len(owed))):
            _, ivorn = owed.pop(chance.randrange(min(5, len(owed))) if manners.shuffle else 0)
            role = "nak" if chance.random() < manners.nak else "ack"
            self._say(write_transport(role, ivorn, now, response=self.ivo))
        place = min(owed)[0] - 1 if owed else self._newest
        if place > self._answered[-1][1]:
            self._answered.append((now, place))

    def _say(self, payload: bytes) -> None:
        self.protocol.dataReceived(encode_frame(payload))

    def _next_whim(self, chance: random.Random) -> float:
        rate_hz = self.manners.leaves + self.manners.clogs + self.manners.freezes
        return self.feed.now() + chance.expovariate(rate_hz) if rate_hz else math.inf

    def _follow_a_whim(self, chance: random.Random, now: float) -> None:
        manners = self.manners
        self._whim_at = self._next_whim(chance)
        weights = (manners.leaves, manners.clogs, manners.freezes)
        (whim,) = chance.choices(("leave", "clog", "freeze"), weights if any(weights) else (1, 0, 0))
        if whim == "leave":
            self.go(manners.away_s)
        elif whim == "freeze":
            self._frozen_until = now + chance.randint(1, 600)
        elif not self._clogged_until:
            self._clogged_until = now + chance.randint(1, 100)
            self.protocol.pauseProducing()

    def go(self, away_s: float) -> None:
        """The connection ends and the feed lives on: it knows every answer, saved or not."""
        self.settled = self._answered[-1][1]
        protocol, self.protocol = self.protocol, None
        protocol.connectionLost(Failure(ConnectionError()))
        self.back_at = self.feed.now() + away_s

    def cut_off(self, saved_before: float) -> None:
        """The feed has crashed: it may have forgotten answers since a time, and no others."""
        while len(self._answered) > 1 and self._answered[-1][0] > saved_before:
            self._answered.pop()
        self.settled = self._answered[-1][1]
        if self.protocol is not None:
            self.protocol = None
            self.back_at = self.feed.now() + 1
