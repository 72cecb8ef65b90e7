"""The subscriber's side of one connection, driven by bytes and a clock that a test turns."""

from __future__ import annotations

import pytest
from comet.protocol import messages as comets
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import ConfigError
from bridge.vtp import BroadcasterConnection, BroadcasterSettings, FrameReader, encode_frame, parse_transport
from bridge.vtp.backoff import Backoff, Patience
from bridge.vtp.events import Acked, Authenticated
from bridge.vtp.messages import write_transport
from bridge.vtp.subscriber_connection import (
    Arrived,
    Greeted,
    Lost,
    Odd,
    SubscriberConnection,
    SubscriberSettings,
)
from tests.vtp.peers import synthetic_event

BROKER = "ivo://org.example/broker"
SELF = "ivo://org.example/self"
START = 1_700_000_000.0


def connect(since: str | None = None, **settings) -> SubscriberConnection:
    return SubscriberConnection(SubscriberSettings(**{"local_ivo": SELF, **settings}), START, since)


def frames(connection: SubscriberConnection) -> list[bytes]:
    return [frame for frame in FrameReader().feed(connection.data_to_send()) if isinstance(frame, bytes)]


@pytest.mark.parametrize("ivo", [SELF, None])
@pytest.mark.parametrize("filters", [(), ("//Who", "//What[@a<'b']")])
def test_its_answers_have_comets_shape(ivo: str | None, filters: tuple[str, ...]) -> None:
    connection = connect(local_ivo=ivo, filters=filters)
    greeting = encode_frame(write_transport("authenticate", BROKER, START))
    alive = encode_frame(write_transport("iamalive", BROKER, START))
    assert connection.receive(greeting + alive, START) == [Greeted(BROKER)]
    connection.acknowledge("ivo://a/b#1", START)
    theirs = (
        comets.authenticateresponse(ivo, BROKER, filters),
        comets.iamaliveresponse(ivo, BROKER),
        comets.ack(ivo, "ivo://a/b#1"),
    )
    for frame, other in zip(frames(connection), theirs, strict=True):
        mine = etree.fromstring(frame)
        assert [(e.tag, dict(e.attrib)) for e in mine.iter()][1:] == [
            (e.tag, dict(e.attrib)) for e in other.element.iter()
        ][1:]
        assert mine.get("role") == other.element.get("role")
        assert [e.text for e in mine if e.tag != "TimeStamp"] == [
            e.text for e in other.element if e.tag != "TimeStamp"
        ]


def test_events_come_as_they_are_and_are_not_acknowledged_before_somebody_says_so() -> None:
    connection = connect()
    ivorn, data = synthetic_event(1)
    oddly = b"<VOEvent ivorn=' ivo://a/b#c&amp;d '/>\r\n"
    assert connection.receive(encode_frame(data) + encode_frame(oddly), START) == [
        Arrived(ivorn, "test", data),
        Arrived("ivo://a/b#c&d", "observation", oddly),
    ]
    assert connection.data_to_send() == b""
    connection.acknowledge("ivo://a/b#c&d", START)
    (message,) = map(parse_transport, frames(connection))
    assert (message.role, message.origin, message.response) == ("ack", "ivo://a/b#c&d", SELF)


def test_since_is_asked_for_beside_the_filters() -> None:
    connection = connect("12h", filters=("//Who",))
    connection.receive(encode_frame(write_transport("authenticate", BROKER, START)), START)
    (message,) = map(parse_transport, frames(connection))
    assert (message.filters, message.since) == (("//Who",), "12h")


def test_a_broker_that_falls_silent_is_given_up_after_two_minutes() -> None:
    connection = connect()
    connection.receive(encode_frame(write_transport("iamalive", BROKER, START)), START + 60)
    assert connection.tick(START + 179.9) == []
    assert connection.tick(START + 180) == [Lost("it has sent nothing for 120 s")]
    assert connection.receive(encode_frame(b"<x/>"), START + 181) == []


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "it sent not XML"),
        (b"<VOEvent/>", "a VOEvent without ivorn"),
        (b"<a/>", "a a where a Transport message belongs"),
        (write_transport("ack", "ivo://a/b#1", START), "it sent ack, which only subscribers send"),
    ],
)
def test_nonsense_is_overlooked_and_told(frame: bytes, reason: str) -> None:
    (odd,) = connect().receive(encode_frame(frame), START)
    assert isinstance(odd, Odd)
    assert reason in odd.reason


def test_a_message_of_absurd_length_ends_the_connection() -> None:
    (lost,) = connect(max_event_bytes=1000).receive(b"\x00\x00\x03\xe9", START)
    assert lost == Lost("it announced a message of 1001 bytes; at most 1000 are taken")


def test_an_identifier_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="must start with"):
        connect(local_ivo="me")


@given(st.lists(st.binary(max_size=80), max_size=5), st.binary(max_size=40))
def test_no_bytes_raise(payloads: list[bytes], rest: bytes) -> None:
    connection = connect()
    connection.receive(b"".join(map(encode_frame, payloads)) + rest, START)
    connection.tick(START + 1)
    connection.data_to_send()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_our_subscriber_and_our_broadcaster_understand_each_other_however_the_network_chops(data) -> None:
    broker = BroadcasterConnection(BroadcasterSettings(local_ivo=BROKER, first_window=100), START)
    client = connect("seq:1", filters=("//Who",))
    count = data.draw(st.integers(0, 6))
    told: list = []
    arrived: list = []
    sent = False
    for _ in range(400):
        down = broker.data_to_send()
        while down:
            size = data.draw(st.integers(1, 3000))
            for event in client.receive(down[:size], START):
                arrived.append(event)
                if isinstance(event, Arrived):
                    client.acknowledge(event.ivorn, START)
            down = down[size:]
        up = client.data_to_send()
        if up:
            told += broker.receive(up, START)
        if broker.serving and not sent:
            sent = True
            for number in range(1, count + 1):
                broker.send(number, *synthetic_event(number), START)
        elif not up:
            break
    assert told[0] == Authenticated(SELF, ("//Who",), late=False, since="seq:1")
    assert [seq for event in told if isinstance(event, Acked) for seq in event.seqs] == list(
        range(1, count + 1)
    )
    assert [e.data for e in arrived if isinstance(e, Arrived)] == [
        synthetic_event(n)[1] for n in range(1, count + 1)
    ]


def test_waits_grow_and_begin_anew_after_a_good_connection() -> None:
    backoff = Backoff(Patience(first_s=1, longest_s=10, jitter=0.5), chance=lambda: 1.0)
    assert [backoff.next_wait_s() for _ in range(6)] == [1.5, 3, 6, 12, 15, 15]
    backoff.lasted(4.9)
    assert backoff.next_wait_s() == 15
    backoff.lasted(5)
    assert backoff.next_wait_s() == 1.5
    waits = {Backoff(Patience()).next_wait_s() for _ in range(50)}
    assert len(waits) > 10
    assert all(1 <= wait <= 1.5 for wait in waits)
