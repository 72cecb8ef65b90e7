"""Rewind: what a subscriber may ask for, and where it is then served from."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import UsageError
from bridge.vtp import parse_transport
from bridge.vtp.messages import write_transport
from bridge.vtp.since import check_since, place_since
from tests.vtp.hall import BROKER, PEER, Hall, Peer
from tests.vtp.peers import synthetic_event


@pytest.fixture
def hall(tmp_path: Path):
    made = Hall(tmp_path)
    for _ in range(5):
        made.clock.advance(3600)
        made.publish()
    yield made
    made.close()


def ask(hall: Hall, since: str, ivo: str | None = None) -> list[int]:
    peer = Peer(hall, introduce=False)
    peer.say(write_transport("authenticate", BROKER, 0, response=ivo, since=since))
    got = peer.gets()
    peer.leaves()
    return got


@pytest.mark.parametrize(
    ("since", "expected"),
    [
        ("seq:3", [4, 5]),
        ("seq:0", [1, 2, 3, 4, 5]),
        ("seq:999", []),
        ("90m", [4, 5]),
        ("0s", [5]),
        ("9d", [1, 2, 3, 4, 5]),
        (synthetic_event(2)[0], [3, 4, 5]),
        ("2023-11-15T01:13:20", [3, 4, 5]),
        ("2023-11-15T02:13:20+01:00", [3, 4, 5]),
        ("2023-11-15", [2, 3, 4, 5]),
    ],
)
def test_a_subscriber_gets_what_came_since(hall: Hall, since: str, expected: list[int]) -> None:
    assert check_since(f" {since} ") == since
    assert ask(hall, since) == expected


@pytest.mark.parametrize(
    "since", ["yesterday", "", "seq:-1", "seq:x", "ivo://nobody/knows#1", "12", "9999999999d"]
)
def test_what_makes_no_sense_is_passed_over(hall: Hall, since: str, caplog: pytest.LogCaptureFixture) -> None:
    assert ask(hall, since) == []
    if since:
        assert "says nothing here" in caplog.text


def test_what_is_asked_for_goes_before_what_is_remembered(hall: Hall) -> None:
    peer = Peer(hall, PEER)
    hall.publish(2)
    peer.acks(peer.gets())
    peer.leaves()
    assert ask(hall, "seq:4", PEER) == [5, 6, 7]
    again = Peer(hall, PEER)
    assert again.gets() == [5, 6, 7], "what was not acknowledged since is still due"


def test_a_rewind_costs_live_subscribers_nothing(hall: Hall) -> None:
    live = Peer(hall)
    rewound = Peer(hall, introduce=False)
    rewound.say(write_transport("authenticate", BROKER, 0, since="seq:0"))
    hall.publish(3)
    assert live.gets() == [6, 7, 8]
    assert rewound.gets() == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_second_authenticate_does_not_rewind_again(hall: Hall) -> None:
    peer = Peer(hall, introduce=False)
    hello = write_transport("authenticate", BROKER, 0, response=PEER, since="seq:3")
    peer.say(hello)
    peer.say(hello)
    assert peer.gets() == [4, 5]


@pytest.mark.parametrize("text", ["", "tomorrow", "12", "seq:", "1 week"])
def test_a_person_is_told_what_can_be_written(text: str) -> None:
    with pytest.raises(UsageError, match="does not say since when"):
        check_since(text)


@given(st.text(max_size=40))
def test_no_text_breaks_the_broker(text: str) -> None:
    class Nothing:
        def seq_at(self, time_unix_s: float) -> int:
            return 7

        def seq_of(self, ivorn: str) -> None:
            return None

    assert place_since(text, Nothing(), 0.0) is None or isinstance(place_since(text, Nothing(), 0.0), int)
    told = parse_transport(write_transport("authenticate", BROKER, 0, response=PEER, since=text)).since
    assert told is None or isinstance(told, str)
