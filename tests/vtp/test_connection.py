"""The broadcaster's side of one connection, driven by bytes and a clock that a test turns."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.vtp import BroadcasterConnection, BroadcasterSettings, FrameReader, encode_frame, parse_transport
from bridge.vtp.events import Acked, Alive, Authenticated, Dead, GraceOver, Nacked, Stray
from bridge.vtp.flight import Flight
from bridge.vtp.messages import write_transport

BROKER = "ivo://org.example/broker"
PEER = "ivo://org.example/peer"
START = 1_700_000_000.0
SETTINGS = BroadcasterSettings(local_ivo=BROKER, first_window=100)


class Talk:
    """A connection, and the peer's side of it."""

    def __init__(self, settings: BroadcasterSettings = SETTINGS) -> None:
        self.connection = BroadcasterConnection(settings, START)
        self.reader = FrameReader(1 << 20)

    def says(self) -> list[bytes]:
        return [
            frame for frame in self.reader.feed(self.connection.data_to_send()) if isinstance(frame, bytes)
        ]

    def hears(self, role, origin, now=START, **values):
        message = write_transport(role, origin, now, **values)
        return self.connection.receive(encode_frame(message), now)

    def introduce(self, *filters):
        return self.hears("authenticate", BROKER, response=PEER, filters=filters)


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_the_broker_greets_at_once_and_sends_nothing_before_an_answer(talk: Talk) -> None:
    (greeting,) = map(parse_transport, talk.says())
    assert (greeting.role, greeting.origin, greeting.response) == ("authenticate", BROKER, None)
    assert talk.connection.room == 0
    with pytest.raises(RuntimeError, match="no room"):
        talk.connection.send(1, "ivo://a/b#1", b"<x/>", START)


def test_a_peer_that_answers_is_known_with_its_filters(talk: Talk) -> None:
    assert talk.introduce("//Who") == [Authenticated(PEER, ("//Who",), late=False)]
    assert talk.connection.room == 100


def test_a_peer_that_never_answers_is_served_after_its_grace(talk: Talk) -> None:
    assert talk.connection.next_tick_at == START + 1
    assert talk.connection.tick(START + 0.9) == []
    assert talk.connection.tick(START + 1) == [GraceOver()]
    assert talk.connection.serving
    assert talk.introduce() == [Authenticated(PEER, (), late=True)]


def test_acks_out_of_order_hold_the_place_at_the_first_gap(talk: Talk) -> None:
    talk.introduce()
    for seq in (3, 4, 6):
        talk.connection.send(seq, f"ivo://a/b#{seq}", b"<x/>", START)
    assert talk.hears("ack", "ivo://a/b#6") == [Acked((6,))]
    assert talk.connection.flight.handled_seq == 2
    talk.hears("ack", "ivo://a/b#3")
    assert talk.connection.flight.handled_seq == 3
    talk.connection.skip(9)
    assert talk.connection.flight.handled_seq == 3
    talk.hears("ack", "ivo://a/b#4")
    assert talk.connection.flight.handled_seq == 9


def test_two_editions_of_one_ivorn_are_both_waited_for(talk: Talk) -> None:
    talk.introduce()
    talk.connection.send(1, "ivo://a/b#1", b"<v11/>", START)
    talk.connection.send(2, "ivo://a/b#1", b"<v20/>", START)
    assert talk.hears("ack", "ivo://a/b#1") == [Acked((1,))]
    assert talk.connection.flight.handled_seq == 1
    assert talk.hears("ack", "ivo://a/b#1") == [Acked((2,))]


def test_a_later_edition_that_is_waited_for_holds_the_place(talk: Talk) -> None:
    talk.introduce()
    for seq, ivorn in ((1, "a"), (2, "b"), (3, "a"), (4, "c"), (5, "a")):
        talk.connection.send(seq, f"ivo://a/b#{ivorn}", b"<x/>", START + seq)
    for ivorn, handled in (("a", 1), ("c", 1), ("b", 2), ("a", 4), ("a", 5)):
        talk.hears("ack", f"ivo://a/b#{ivorn}")
        assert talk.connection.flight.handled_seq == handled
    assert (talk.connection.flight.oldest_sent_at, len(talk.connection.flight)) == (None, 0)


def test_many_acks_in_one_piece_are_one_event_and_a_wrong_one_among_them_is_a_stray(talk: Talk) -> None:
    talk.introduce()
    for seq in range(1, 8):
        talk.connection.send(seq, f"ivo://a/b#{seq}", b"<x/>", START)

    def heard(*names: object) -> list:
        messages = [write_transport("ack", f"ivo://a/b#{name}", START) for name in names]
        return talk.connection.receive(b"".join(map(encode_frame, messages)), START)

    assert heard(1, 3, 2) == [Acked((1, 3, 2))]
    events = heard(4, "wrong", 5, "a&b", 6)
    assert [event if isinstance(event, Acked) else type(event) for event in events] == [
        Acked((4,)), Stray, Acked((5,)), Stray, Acked((6,)),
    ]  # fmt: skip
    assert talk.connection.flight.handled_seq == 6
    assert talk.connection.acked == 6


def test_acks_for_nothing_end_the_connection_in_the_midst_of_a_piece() -> None:
    talk = Talk(BroadcasterSettings(local_ivo=BROKER, first_window=100, max_strays=2))
    talk.introduce()
    acks = b"".join(encode_frame(write_transport("ack", f"ivo://a/b#{n}", START)) for n in range(5))
    assert [type(event) for event in talk.connection.receive(acks, START)] == [Stray, Stray, Dead]


def test_ten_thousand_introductions_end_the_connection(talk: Talk) -> None:
    again = encode_frame(write_transport("authenticate", BROKER, START, response=PEER))
    events = talk.connection.receive(again * 10_000, START)
    assert [type(event) for event in events] == [Authenticated] * 5 + [Dead]
    assert events[-1] == Dead("it introduces itself again and again")


def test_filters_may_change_as_often_as_a_person_would_change_them(talk: Talk) -> None:
    for second in range(0, 600, 2):
        (event,) = talk.hears("authenticate", BROKER, now=START + second, filters=[f"//Param[{second}]"])
        assert isinstance(event, Authenticated)


def test_signs_of_life_that_nobody_asked_for_are_noise() -> None:
    talk = Talk(BroadcasterSettings(local_ivo=BROKER, first_window=100, max_strays=2))
    talk.introduce()
    alive = encode_frame(write_transport("iamalive", BROKER, START, response=PEER))
    talk.connection.tick(START + 60)
    events = talk.connection.receive(alive * 9, START + 60)
    assert [type(event) for event in events] == [Alive, Stray, Stray, Dead]


def test_no_more_than_the_window_is_on_its_way() -> None:
    talk = Talk(BroadcasterSettings(local_ivo=BROKER, first_window=100, window=2))
    talk.introduce()
    talk.connection.send(1, "ivo://a/b#1", b"<x/>", START)
    talk.connection.send(2, "ivo://a/b#2", b"<x/>", START)
    assert talk.connection.room == 0
    talk.hears("ack", "ivo://a/b#2")
    assert talk.connection.room == 1


def test_a_nak_is_an_answer_and_keeps_the_connection(talk: Talk) -> None:
    talk.introduce()
    talk.connection.send(1, "ivo://a/b#1", b"<x/>", START)
    assert talk.hears("nak", "ivo://a/b#1", result="not mine") == [Nacked("ivo://a/b#1", 1, "not mine")]
    assert talk.connection.flight.handled_seq == 1
    assert (talk.connection.serving, talk.connection.nacked) == (True, 1)


def test_an_event_left_unacknowledged_ends_the_connection_before_it(talk: Talk) -> None:
    talk.introduce()
    talk.connection.send(7, "ivo://a/b#7", b"<x/>", START + 10)
    assert talk.connection.tick(START + 60) == []
    talk.hears("iamalive", BROKER, now=START + 61, response=PEER)
    assert talk.connection.tick(START + 129.9) == []
    (dead,) = talk.connection.tick(START + 130)
    assert dead == Dead("it has not acknowledged ivo://a/b#7 for 120 s")
    assert talk.connection.flight.handled_seq == 6
    assert talk.connection.room == 0


def test_iamalive_every_minute_and_silence_is_forgiven_once(talk: Talk) -> None:
    talk.introduce()
    talk.says()
    assert talk.connection.tick(START + 59) == []
    assert talk.says() == []
    talk.connection.tick(START + 60)
    assert [parse_transport(frame).role for frame in talk.says()] == ["iamalive"]
    assert talk.connection.tick(START + 120) == []
    assert talk.hears("iamalive", BROKER, now=START + 150, response=PEER) == [Alive()]
    talk.connection.tick(START + 180)
    talk.connection.tick(START + 240)
    (dead,) = talk.connection.tick(START + 300)
    assert dead == Dead("it has not answered iamalive for 120 s")
    assert talk.connection.tick(START + 360) == []


def test_a_few_senseless_messages_are_overlooked_and_many_are_not() -> None:
    talk = Talk(BroadcasterSettings(local_ivo=BROKER, first_window=100, max_strays=3))
    talk.introduce()
    garbage = encode_frame(b"hello?")
    assert [type(event) for event in talk.connection.receive(garbage * 3, START)] == [Stray] * 3
    talk.connection.tick(START + 60)
    talk.hears("iamalive", BROKER, response=PEER)
    events = talk.connection.receive(garbage * 5, START)
    assert [type(event) for event in events] == [Stray] * 3 + [Dead]
    assert "4 senseless messages in a row" in events[-1].reason
    assert talk.connection.receive(garbage, START) == []


def test_an_ack_for_what_was_never_sent_is_a_stray(talk: Talk) -> None:
    talk.introduce()
    (stray,) = talk.hears("ack", "ivo://a/b#1")
    assert "which it had not to answer" in stray.reason


def test_a_web_browser_is_sent_away_with_a_reason(talk: Talk) -> None:
    (dead,) = talk.connection.receive(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", START)
    assert dead == Dead("it announced a message of 1195725856 bytes, so it does not speak VTP")


@given(st.lists(st.binary(max_size=120) | st.binary(max_size=80).map(encode_frame), max_size=20))
def test_whatever_the_peer_sends_nothing_is_raised(parts: list[bytes]) -> None:
    talk = Talk()
    events = [event for part in parts for event in talk.connection.receive(part, START)]
    assert sum(isinstance(event, Dead) for event in events) <= 1
    talk.connection.tick(START + 1000)


def test_one_event_left_unanswered_among_many_holds_no_memory_and_is_still_noticed() -> None:
    talk = Talk(BroadcasterSettings(local_ivo=BROKER, first_window=100, window=3))
    talk.introduce()
    talk.connection.send(1, "ivo://a/b#1", b"<x/>", START)
    for seq in range(2, 2_000):
        now = START + seq / 1_000
        talk.connection.send(seq, f"ivo://a/b#{seq}", b"<x/>", now)
        talk.hears("ack", f"ivo://a/b#{seq}", now)
    assert len(talk.connection.flight._sendings) <= 21
    assert talk.connection.flight.oldest_sent_at == START
    talk.hears("ack", "ivo://a/b#1")
    talk.connection.send(2_000, "ivo://a/b#x", b"<x/>", START + 50)
    assert talk.connection.flight.oldest_sent_at == START + 50


def test_places_only_rise(talk: Talk) -> None:
    talk.introduce()
    talk.connection.skip(5)
    with pytest.raises(ValueError, match="place 5 comes after place 5"):
        talk.connection.send(5, "ivo://a/b#5", b"<x/>", START)


@given(
    st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3), max_size=8),
    st.lists(st.sampled_from("abcd"), max_size=30),
)
def test_editions_are_settled_oldest_first_whatever_the_order(sendings, answers) -> None:
    flight, waiting, seq = Flight(), [], 0
    for ivorns in sendings:
        seqs = list(range(seq + 1, seq + 1 + len(ivorns)))
        seq = seqs[-1]
        flight.sent(ivorns, seqs, START + seq)
        waiting += zip(seqs, ivorns, strict=True)
        for answer in answers[: seq % 4]:
            expected = next((place for place, ivorn in waiting if ivorn == answer), None)
            assert flight.settle([answer]) == [expected]
            waiting = [one for one in waiting if one[0] != expected]
            assert flight.handled_seq == (waiting[0][0] - 1 if waiting else seq)
            assert (len(flight), flight.oldest_ivorn) == (len(waiting), waiting[0][1] if waiting else "")


@given(st.permutations(range(1, 8)), st.lists(st.booleans(), min_size=7, max_size=7))
def test_the_place_is_always_just_before_the_first_unanswered(order: list[int], skipped: list[bool]) -> None:
    talk = Talk()
    talk.introduce()
    sent = []
    for seq in range(1, 8):
        if skipped[seq - 1]:
            talk.connection.skip(seq)
        else:
            talk.connection.send(seq, f"ivo://a/b#{seq}", b"<x/>", START)
            sent.append(seq)
    for seq in order:
        if seq in sent:
            talk.hears("ack", f"ivo://a/b#{seq}")
            sent.remove(seq)
        assert talk.connection.flight.handled_seq == (min(sent) - 1 if sent else 7)


def test_the_first_event_goes_alone_until_it_is_answered() -> None:
    """Stock Comet may lose all, and acknowledge it, if its first events come several at once."""
    for answer in ("ack", "nak"):
        talk = Talk(BroadcasterSettings(local_ivo=BROKER, window=5))
        assert talk.connection.room == 0
        talk.introduce()
        assert talk.connection.room == 1
        talk.connection.send(1, "ivo://a/b#1", b"<x/>", START)
        assert talk.connection.room == 0
        talk.hears(answer, "ivo://a/b#1")
        assert talk.connection.room == 5
