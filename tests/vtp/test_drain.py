"""The orderly end: what is under way is waited for, nothing new is sent, and nobody waits for ever."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vtp.hall import PEER, Hall, Peer


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path, drain_s=5.0)
    yield hall
    hall.close()


def test_answers_to_what_is_under_way_are_waited_for_and_kept(hall: Hall) -> None:
    peer, idle = Peer(hall, PEER), Peer(hall)
    hall.publish(3)
    idle.acks([1, 2, 3])
    done: list[int] = []
    hall.broadcaster.drain().addCallback(done.append)
    assert idle.gone, "who has answered for everything is not kept waiting"
    assert not peer.gone
    hall.publish()
    hall.clock.advance(1)
    assert peer.gets() == [1, 2, 3], "nothing new is sent"
    peer.acks([1, 2])
    assert not peer.gone
    peer.acks([3])
    assert peer.gone
    hall.clock.advance(0.1)
    assert done == [0]
    hall.broadcaster.close()
    assert hall.reader.cursor(PEER) == 3


def test_one_that_does_not_answer_is_waited_for_up_to_the_limit(hall: Hall) -> None:
    mute, slow = Peer(hall, PEER), Peer(hall, PEER + "/slow")
    hall.publish(4)
    done: list[int] = []
    hall.broadcaster.drain().addCallback(done.append)
    slow.acks([1])
    for _ in range(49):
        hall.clock.advance(0.1)
    assert done == []
    for _ in range(3):
        hall.clock.advance(0.1)
    assert done == [2]
    assert mute.gone
    assert slow.gone
    hall.broadcaster.close()
    assert hall.reader.cursor(PEER + "/slow") == 1


def test_with_nobody_connected_it_ends_at_once_and_nobody_is_let_in_any_more(hall: Hall) -> None:
    done: list[int] = []
    hall.broadcaster.drain().addCallback(done.append)
    assert done == [0]
    assert hall.broadcaster.buildProtocol(None) is None


def test_one_whose_socket_is_full_and_one_that_has_not_said_its_name_end_with_the_others(hall: Hall) -> None:
    stuck, shy = Peer(hall, PEER), Peer(hall, introduce=False)
    stuck.protocol.pauseProducing()
    hall.publish(2)
    done: list[int] = []
    hall.broadcaster.drain().addCallback(done.append)
    stuck.protocol.resumeProducing()
    hall.turn()
    assert done == [0]
    assert stuck.gone
    assert stuck.gets() == []
    assert shy.gone
