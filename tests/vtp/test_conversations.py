"""Conversations that hypothesis invents: honest ends in any order of events, and strangers who say anything.

An honest line delivers everything once and in order, however its bytes are chopped and whenever its ends
speak. With a stranger at the other end, whatever he sends, counts add up, bounds hold, and how his bytes are
chopped changes nothing.
"""

from __future__ import annotations

from typing import Any

from hypothesis import event as note
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from benchmarks.fuzz_frames import BROKER, IVORNS, TOKENS, own_messages
from bridge.vtp import BroadcasterConnection, BroadcasterSettings, FrameReader, encode_frame, parse_transport
from bridge.vtp.author_connection import Answer, AuthorConnection
from bridge.vtp.events import Acked
from bridge.vtp.receiver_connection import Offered, ReceiverConnection
from bridge.vtp.receiver_settings import ReceiverSettings
from bridge.vtp.subscriber_connection import Arrived, Greeted, SubscriberConnection, SubscriberSettings
from tests.vtp.peers import synthetic_event

PEER = "ivo://org.example/peer"
START = 1_700_000_000.0
QUICK = settings(max_examples=50, stateful_step_count=30, deadline=None)


class Wire:
    """Bytes on their way."""

    def __init__(self) -> None:
        self.data = b""

    def take(self, count: int) -> bytes:
        taken, self.data = self.data[:count], self.data[count:]
        return taken


class HonestLine(RuleBasedStateMachine):
    """Author, receiver, broadcaster and subscriber, all our own; bytes move when hypothesis says so."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.author = AuthorConnection()
        self.receiver = ReceiverConnection(ReceiverSettings(BROKER, idle_timeout_s=1e9), START)
        self.broadcaster = BroadcasterConnection(BroadcasterSettings(BROKER, window=4), START)
        self.subscriber = SubscriberConnection(SubscriberSettings(PEER), START, since="seq:0")
        self.to_receiver, self.to_author, self.to_subscriber, self.to_broadcaster = (Wire() for _ in range(4))
        self.written: list[bytes] = []
        self.offers: list[Offered] = []
        self.journal: list[int] = []
        self.broadcast = 0
        self.answers: dict[int, Answer] = {}
        self.arrived: list[Arrived] = []
        self.unacknowledged: list[Arrived] = []
        self.settled: list[int] = []

    @rule(padding=st.integers(0, 300))
    def write(self, padding: int) -> None:
        ivorn, data = synthetic_event(len(self.written), padding)
        self.author.send(len(self.written), ivorn, data)
        self.written.append(data)
        self.to_receiver.data += self.author.data_to_send()

    @precondition(lambda self: self.offers)
    @rule(data=st.data())
    def judge(self, data: st.DataObject) -> None:
        offer = self.offers.pop(data.draw(st.integers(0, len(self.offers) - 1)))
        number = self.written.index(offer.data)
        assert offer.number == number
        if number % 5 == 3:
            self.receiver.refuse(number, synthetic_event(number)[0], "not today", self.now)
        else:
            self.receiver.accept(number, synthetic_event(number)[0], self.now)
            self.journal.append(number)
        self.to_author.data += self.receiver.data_to_send()

    @rule()
    def publish(self) -> None:
        while self.broadcaster.room and self.broadcast < len(self.journal):
            number = self.journal[self.broadcast]
            self.broadcast += 1
            self.broadcaster.send(self.broadcast, synthetic_event(number)[0], self.written[number], self.now)
        self.to_subscriber.data += self.broadcaster.data_to_send()

    @precondition(lambda self: self.unacknowledged)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.unacknowledged) - 1))
        self.subscriber.acknowledge(self.unacknowledged.pop(place).ivorn, self.now)
        self.to_broadcaster.data += self.subscriber.data_to_send()

    @rule(seconds=st.sampled_from([0.1, 0.9, 20.0]))
    def wait(self, seconds: float) -> None:
        # As long as nobody is silent for too long: who is late is another story.
        self.move(1 << 20)
        while self.unacknowledged:
            self.subscriber.acknowledge(self.unacknowledged.pop().ivorn, self.now)
        self.to_broadcaster.data += self.subscriber.data_to_send()
        self.move(1 << 20)
        self.now += seconds
        self.broadcaster.tick(self.now)
        self.subscriber.tick(self.now)
        self.receiver.tick(self.now)

    @rule(count=st.integers(1, 1_500))
    def move(self, count: int) -> None:
        """So many bytes go on, on every wire."""
        for event in self.receiver.receive(self.to_receiver.take(count), self.now):
            assert isinstance(event, Offered)
            self.offers.append(event)
        for answer in self.author.receive(self.to_author.take(count)):
            assert answer.number not in self.answers
            self.answers[answer.number] = answer
        self.to_subscriber.data += self.broadcaster.data_to_send()
        for said in self.subscriber.receive(self.to_subscriber.take(count), self.now):
            assert isinstance(said, Arrived | Greeted)
            if isinstance(said, Arrived):
                self.arrived.append(said)
                self.unacknowledged.append(said)
        self.to_broadcaster.data += self.subscriber.data_to_send()
        for heard in self.broadcaster.receive(self.to_broadcaster.take(count), self.now):
            if isinstance(heard, Acked):
                self.settled += heard.seqs

    @invariant()
    def nothing_comes_twice_or_out_of_order(self) -> None:
        sent = [self.written[number] for number in self.journal[: self.broadcast]]
        assert [event.data for event in self.arrived] == sent[: len(self.arrived)]
        assert len(set(self.settled)) == len(self.settled)
        assert len(self.broadcaster.flight) <= 4

    def teardown(self) -> None:
        for _ in range(2 * len(self.written) + 4):
            self.move(1 << 20)
            while self.offers:
                offer = self.offers.pop()
                self.receiver.accept(offer.number, synthetic_event(offer.number)[0], self.now)
                self.journal.append(offer.number)
            self.to_author.data += self.receiver.data_to_send()
            self.publish()
            self.wait(0.1)
        assert sorted(self.answers) == list(range(len(self.written)))
        accepted = {number for number, answer in self.answers.items() if answer.accepted}
        assert accepted == set(self.journal)
        assert [event.data for event in self.arrived] == [self.written[number] for number in self.journal]
        assert sorted(self.settled) == list(range(1, len(self.journal) + 1))


TestHonestLine = HonestLine.TestCase
TestHonestLine.settings = QUICK


MESSAGES = [*own_messages(), *(synthetic_event(number)[1] for number in range(5))]


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """A message, whole or damaged, or noise."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=60))
    data = draw(st.sampled_from(MESSAGES))
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        start = draw(st.integers(0, len(data)))
        stop = start + draw(st.sampled_from([0, 0, 1, 30]))
        data = data[:start] + draw(st.sampled_from(TOKENS) | st.binary(max_size=8)) + data[stop:]
    return data


FALSE = st.sampled_from([b"\0\0\0\0", b"\0\0\1\0<", b"\xff\xff\xff\xff", b"GET / HTTP/1.1\r\n"])
STREAMS = st.lists(payloads().map(encode_frame) | FALSE, min_size=1, max_size=6).map(b"".join)


class Stranger(RuleBasedStateMachine):
    """One who says anything to each of three ends, and to twins of them in other pieces."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.broadcasters = [
            BroadcasterConnection(BroadcasterSettings(BROKER, window=8), START) for _ in range(2)
        ]
        self.receivers = [ReceiverConnection(ReceiverSettings(BROKER), START) for _ in range(2)]
        self.subscribers = [SubscriberConnection(SubscriberSettings(PEER), START) for _ in range(2)]
        self.seq = 0
        self.offers: list[Offered] = []

    @rule(stream=STREAMS, cut=st.integers(1, 400))
    def says(self, stream: bytes, cut: int) -> None:
        pieces = [stream[start : start + cut] for start in range(0, len(stream), cut)]
        whole, parts = (
            [one for piece in said for one in self._one_by_one(twin.receive(piece, self.now))]
            for twin, said in zip(self.broadcasters, ([stream], pieces), strict=True)
        )
        assert whole == parts
        offered, offered_in_parts = (
            [one for piece in said for one in twin.receive(piece, self.now)]
            for twin, said in zip(self.receivers, ([stream], pieces), strict=True)
        )
        assert offered == offered_in_parts
        self.offers += [one for one in offered if isinstance(one, Offered)]
        arrived, arrived_in_parts = (
            [one for piece in said for one in twin.receive(piece, self.now)]
            for twin, said in zip(self.subscribers, ([stream], pieces), strict=True)
        )
        assert arrived == arrived_in_parts
        for one in arrived:
            if isinstance(one, Arrived):
                for twin in self.subscribers:
                    twin.acknowledge(one.ivorn, self.now)
            note(type(one).__name__)

    @staticmethod
    def _one_by_one(events: list[Any]) -> list[Any]:
        """Acknowledgements that came in one piece are told together."""
        return [
            single
            for one in events
            for single in ([Acked((seq,)) for seq in one.seqs] if isinstance(one, Acked) else [one])
        ]

    @rule(count=st.integers(1, 5))
    def is_sent_events(self, count: int) -> None:
        for _ in range(min(count, self.broadcasters[0].room)):
            self.seq += 1
            for twin in self.broadcasters:
                twin.send(self.seq, IVORNS[self.seq % len(IVORNS)], b"<x/>", self.now)

    @precondition(lambda self: self.offers)
    @rule(data=st.data(), taken=st.booleans())
    def is_judged(self, data: st.DataObject, taken: bool) -> None:
        offer = self.offers.pop(data.draw(st.integers(0, len(self.offers) - 1)))
        for twin in self.receivers:
            if taken:
                twin.accept(offer.number, IVORNS[0], self.now)
            else:
                twin.refuse(offer.number, "", "no", self.now)

    @rule(seconds=st.sampled_from([0.5, 5.0, 61.0]))
    def waits(self, seconds: float) -> None:
        self.now += seconds
        for twins in (self.broadcasters, self.receivers, self.subscribers):
            first, second = (twin.tick(self.now) for twin in twins)
            assert first == second

    @invariant()
    def what_is_said_is_vtp_and_the_same_by_both_twins(self) -> None:
        for twins in (self.broadcasters, self.receivers, self.subscribers):
            first, second = (twin.data_to_send() for twin in twins)
            assert first == second
            for frame in FrameReader().feed(first):
                assert isinstance(frame, bytes)
                assert frame == b"<x/>" or parse_transport(frame).exact

    @invariant()
    def counts_add_up(self) -> None:
        for one in self.broadcasters:
            assert one.acked + one.nacked + len(one.flight) == one.sent == self.seq
            assert len(one.flight) <= 8
        for other in self.receivers:
            assert other.pending == len(self.offers)
            assert other.pending_bytes == sum(len(offer.data) for offer in self.offers)

    @invariant()
    def who_is_given_up_is_not_listened_to(self) -> None:
        message = encode_frame(MESSAGES[0])
        for broadcaster in self.broadcasters:
            assert broadcaster.dead is None or broadcaster.receive(message, self.now) == []
        for receiver in self.receivers:
            assert receiver.closing is None or receiver.receive(message, self.now) == []
        for subscriber in self.subscribers:
            assert subscriber.lost is None or subscriber.receive(message, self.now) == []


TestStranger = Stranger.TestCase
TestStranger.settings = QUICK
