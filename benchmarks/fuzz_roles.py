"""The four ends of VTP as the fuzzer plays them: each takes bytes, does what its owner would, and is checked.

What is checked after each piece of bytes is what callers rely on: counts that add up, bounds that hold, and
answers that are messages themselves.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from benchmarks.fuzz_frames import BROKER, IVORNS, NOW
from bridge.errors import PacketError
from bridge.voevent.acceptance import examine
from bridge.vtp import BroadcasterConnection, BroadcasterSettings, FrameReader, parse_transport
from bridge.vtp.author_connection import AuthorConnection
from bridge.vtp.events import Authenticated
from bridge.vtp.filters import FilterBoard
from bridge.vtp.receiver_connection import Offered, ReceiverConnection, salvage_ivorn
from bridge.vtp.receiver_settings import ReceiverSettings
from bridge.vtp.since import place_since
from bridge.vtp.subscriber_connection import Arrived, SubscriberConnection, SubscriberSettings

__all__ = ["ROLES", "Role"]

_BROADCASTER = BroadcasterSettings(BROKER)
_RECEIVER = ReceiverSettings(BROKER)
_SUBSCRIBER = SubscriberSettings("ivo://org.example/us", filters=("//Param",))
# A schema takes longer than all else together: one offer in so many is judged in full.
_JUDGED = 16


class Role(Protocol):
    """One end of one connection."""

    alive: bool

    def feed(self, data: bytes) -> None:
        """Take bytes from the peer, act, and check."""
        ...


class _Places:
    def seq_at(self, time_unix_s: float) -> int:
        return int(time_unix_s > NOW)

    def seq_of(self, ivorn: str) -> int | None:
        return IVORNS.index(ivorn) if ivorn in IVORNS else None


class AsBroadcaster:
    """We serve a subscriber."""

    def __init__(self, chance: random.Random) -> None:
        self.alive = True
        self._chance = chance
        self._now = NOW
        self._seq = 0
        self._board = FilterBoard()
        self._connection = BroadcasterConnection(_BROADCASTER, NOW)

    def feed(self, data: bytes) -> None:
        connection = self._connection
        self._now += self._chance.random()
        sending = min(3, connection.room)
        for _ in range(sending):
            self._seq += 1
            connection.send(self._seq, IVORNS[self._seq % len(IVORNS)], b"<x/>", self._now)
        events = connection.receive(data, self._now) + connection.tick(self._now)
        for event in events:
            if isinstance(event, Authenticated):
                self._board.accept(event.filters)
                place_since(event.since or "", _Places(), self._now)
        flight = connection.flight
        assert connection.acked + connection.nacked + len(flight) == connection.sent == self._seq
        assert flight.handled_seq <= flight.passed_seq
        assert len(flight) <= _BROADCASTER.window
        assert len(FrameReader().feed(connection.data_to_send())) >= sending
        self.alive = connection.dead is None


class AsReceiver:
    """We take events from an author."""

    def __init__(self, chance: random.Random) -> None:
        self.alive = True
        self._chance = chance
        self._connection = ReceiverConnection(_RECEIVER, NOW)
        self._offers: list[Offered] = []
        self._answered = 0

    def feed(self, data: bytes) -> None:
        connection, chance = self._connection, self._chance
        self._offers += [event for event in connection.receive(data, NOW) if isinstance(event, Offered)]
        chance.shuffle(self._offers)
        # Some wait for the next piece, as for a slow journal.
        wait = chance.randrange(3)
        self._offers, ready = self._offers[:wait], self._offers[wait:]
        for offer in ready:
            self._judge(offer)
        answers = _messages(connection.data_to_send())
        assert set(answers) <= {"ack", "nak"}
        self._answered += len(answers)
        assert self._answered <= connection.accepted + connection.refused <= connection.offered
        assert connection.pending == len(self._offers)
        assert connection.pending_bytes == sum(len(offer.data) for offer in self._offers)
        self.alive = connection.closing is None

    def _judge(self, offer: Offered) -> None:
        if self._chance.randrange(_JUDGED):
            ivorn = salvage_ivorn(offer.data)
            if ivorn:
                self._connection.accept(offer.number, ivorn, NOW)
                return
            reason = "it names no event"
        else:
            try:
                self._connection.accept(offer.number, examine(offer.data).ivorn, NOW)
            except PacketError as error:
                ivorn, reason = salvage_ivorn(offer.data), error.reason
            else:
                return
        self._connection.refuse(offer.number, ivorn, reason, NOW)


class AsSubscriber:
    """We listen to a broker."""

    def __init__(self, chance: random.Random) -> None:
        self.alive = True
        self._connection = SubscriberConnection(_SUBSCRIBER, NOW, since="seq:1")

    def feed(self, data: bytes) -> None:
        connection = self._connection
        arrived = [event for event in connection.receive(data, NOW) if isinstance(event, Arrived)]
        for event in arrived:
            connection.acknowledge(event.ivorn, NOW)
        answers = _messages(connection.data_to_send())
        assert answers.count("ack") == len(arrived)
        assert set(answers) <= {"ack", "iamalive", "authenticate"}
        assert connection.received == connection.acked
        self.alive = connection.lost is None


class AsAuthor:
    """We send events to a broker."""

    def __init__(self, chance: random.Random) -> None:
        self.alive = True
        self._sent = 0
        self._answers: set[int] = set()
        self._connection = AuthorConnection()

    def feed(self, data: bytes) -> None:
        connection = self._connection
        while len(connection.waiting) < len(IVORNS):
            connection.send(self._sent, IVORNS[self._sent % len(IVORNS)], b"<x/>")
            self._sent += 1
        connection.data_to_send()
        try:
            numbers = [answer.number for answer in connection.receive(data)]
        except PacketError:
            # As the one who holds the connection is told to expect: it is of no more use.
            self.alive = False
            return
        assert not self._answers.intersection(numbers)
        self._answers.update(numbers)
        assert len(self._answers) + len(connection.waiting) == self._sent


def _messages(data: bytes) -> list[str]:
    """Roles of the messages that we send; nothing else may be among it."""
    roles = []
    for frame in FrameReader().feed(data):
        assert isinstance(frame, bytes), "we sent a message that is too long"
        message = parse_transport(frame)
        assert message.exact, "we sent what is no XML"
        roles.append(message.role)
    return roles


ROLES: dict[str, Callable[[random.Random], Role]] = {
    "broadcaster": AsBroadcaster,
    "receiver": AsReceiver,
    "subscriber": AsSubscriber,
    "author": AsAuthor,
}
"""How each end is made, with its own chance."""
