"""The receiver's side of one connection, driven by bytes and a clock that a test turns."""

from __future__ import annotations

import random

import pytest
from comet.protocol import messages as comets
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import ConfigError
from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.receiver_connection import (
    SHORTEST_EVENT_BYTES,
    Closing,
    Offered,
    ReceiverConnection,
    salvage_ivorn,
)
from bridge.vtp.receiver_settings import ReceiverSettings

BROKER = "ivo://org.example/broker"
START = 1_700_000_000.0
X = b"<x>%d" + b" " * SHORTEST_EVENT_BYTES + b"</x>"


def connect(**settings) -> ReceiverConnection:
    return ReceiverConnection(ReceiverSettings(BROKER, **settings), START)


def answers(connection: ReceiverConnection) -> list:
    return [parse_transport(frame) for frame in FrameReader().feed(connection.data_to_send())]


def test_an_event_is_offered_as_it_came_and_its_answer_has_comets_shape() -> None:
    connection = connect()
    assert connection.receive(encode_frame(X + b"\r\n"), START) == [Offered(0, X + b"\r\n")]
    assert connection.data_to_send() == b"", "nothing is acknowledged before it is published"
    connection.accept(0, "ivo://a/b#1", START)
    (frame,) = FrameReader().feed(connection.data_to_send())
    ours, theirs = etree.fromstring(frame), comets.ack(BROKER, "ivo://a/b#1").element
    assert [child.tag for child in ours] == [child.tag for child in theirs]
    assert (ours.tag, ours.get("role"), ours.get("version")) == (theirs.tag, "ack", "1.0")
    assert [child.text for child in ours][:2] == [child.text for child in theirs][:2]
    connection.receive(encode_frame(X), START)
    connection.refuse(1, "ivo://a/b#2", "no", START)
    (frame,) = FrameReader().feed(connection.data_to_send())
    ours, theirs = etree.fromstring(frame), comets.nak(BROKER, "ivo://a/b#2", "no").element
    assert [each.tag for each in ours.iter()] == [each.tag for each in theirs.iter()]
    assert ours.findtext("Meta/Result") == "no"


@given(data=st.data())
def test_answers_come_in_the_order_of_the_events_whatever_the_order_of_the_verdicts(data) -> None:
    count = data.draw(st.integers(1, 12))
    stream = b"".join(encode_frame(X % number) for number in range(count))
    connection = connect()
    offered: list[Offered] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        offered += connection.receive(stream[:size], START)
        stream = stream[size:]
    assert offered == [Offered(number, X % number) for number in range(count)]
    order = data.draw(st.permutations(range(count)))
    said: list = []
    for number in order:
        if data.draw(st.booleans()):
            connection.accept(number, f"ivo://a/b#{number}", START)
        else:
            connection.refuse(number, f"ivo://a/b#{number}", "why not", START)
        said += answers(connection)
    assert [message.origin for message in said] == [f"ivo://a/b#{number}" for number in range(count)]
    assert (connection.pending, connection.pending_bytes) == (0, 0)


def test_an_author_that_sends_nothing_whole_for_twenty_seconds_is_disconnected_as_by_comet() -> None:
    connection = connect()
    assert connection.next_tick_at == START + 20
    connection.receive(encode_frame(X)[:5], START + 19)
    assert connection.tick(START + 19.9) == []
    assert connection.tick(START + 20) == [Closing("it has sent no whole message for 20 s", rude=False)]
    assert connection.receive(encode_frame(X), START + 21) == []
    assert connection.next_tick_at is None


def test_an_author_that_waits_for_its_answer_is_not_disconnected() -> None:
    connection = connect()
    connection.receive(encode_frame(X), START)
    assert connection.next_tick_at is None
    assert connection.tick(START + 500) == []
    connection.accept(0, "ivo://a/b#1", START + 500)
    assert connection.tick(START + 519) == []
    assert connection.tick(START + 520) != []


def test_a_message_that_is_too_long_is_named_and_ends_the_connection() -> None:
    connection = connect()
    good, bad = connection.receive(encode_frame(X) + b"\x00\x01\x86\xa0" + b"x" * 50, START)
    assert (good, bad) == (Offered(0, X), Closing("it announced a message of 100000 bytes"))
    assert answers(connection) == [], "the answer to the first event is still due"
    connection.accept(0, "ivo://a/b#1", START)
    first, last = answers(connection)
    assert (first.role, last.role) == ("ack", "nak")
    assert "it has 100000 bytes, and a broker takes 99999 at most" in last.result
    assert connection.pending == 0


def test_an_author_that_sends_no_events_at_all_is_disconnected_in_the_end() -> None:
    connection = connect(max_unread=3)
    for number in range(4):
        connection.receive(encode_frame(b"GET / HTTP/1.0\r\nHost: example.org\r\n" * 2), START)
        ended = connection.refuse(number, "", "it is no XML", START)
    assert ended == [Closing("it sent 4 messages in a row that are no events")]
    assert [message.role for message in answers(connection)] == ["nak"] * 4


def test_a_connection_is_full_when_too_much_waits_for_answers() -> None:
    few, small = connect(max_pending=2), connect(max_pending_bytes=100)
    few.receive(encode_frame(X) * 2, START)
    small.receive(encode_frame(b"x" * 100), START)
    assert few.full
    assert small.full
    few.accept(0, "ivo://a/b#1", START)
    small.accept(0, "ivo://a/b#1", START)
    assert not few.full
    assert not small.full


@given(st.binary(max_size=300), st.randoms(use_true_random=False))
def test_no_bytes_raise(data: bytes, shuffle: random.Random) -> None:
    connection = connect()
    for event in connection.receive(data, START):
        if isinstance(event, Offered):
            connection.refuse(
                event.number, salvage_ivorn(event.data), shuffle.choice(["", "\0", "why"]), START
            )
    connection.data_to_send()
    connection.tick(START + 30)
    connection.receive(data, START + 31)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"<a ivorn='ivo://a/b#1' x", "ivo://a/b#1"),
        (b'<a ivorn = "ivo://a/b#1"', "ivo://a/b#1"),
        (b'<a xivorn="no"/>', ""),
        (b'<a ivorn="ivo://a/b?c&amp;d#1"/>', "ivo://a/b?c&d#1"),
        (b"\xff\xfe", ""),
    ],
)
def test_an_identifier_is_found_in_what_cannot_be_parsed(data: bytes, found: str) -> None:
    assert salvage_ivorn(data) == found


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"max_pending": 0}, {"idle_timeout_s": 0.0}):
        with pytest.raises(ConfigError):
            connect(**wrong)
    with pytest.raises(ConfigError):
        ReceiverSettings("http://x")
