"""Subscribers known by name: what they get when they return, under which name, and when it is saved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import SourceError
from bridge.vtp.server import Broadcaster
from tests.vtp.hall import PEER, Hall, Peer


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    hall.close()


def test_a_known_subscriber_resumes_after_its_last_acknowledged_event(hall: Hall) -> None:
    peer = Peer(hall, PEER)
    hall.publish(4)
    peer.acks([1, 2, 4])
    peer.leaves()
    hall.publish(2)
    assert Peer(hall, PEER).gets() == [3, 4, 5, 6]


def test_places_outlive_the_broadcaster_and_lag_at_most_a_second(hall: Hall) -> None:
    peer = Peer(hall, PEER)
    hall.publish(3)
    peer.acks([1, 2])
    assert hall.reader.cursor(PEER) is None
    hall.clock.advance(1)
    assert hall.reader.cursor(PEER) == 2
    peer.acks([3])
    hall.broadcaster.close()
    assert peer.transport.disconnecting
    assert hall.reader.cursor(PEER) == 3
    hall.restart()
    hall.publish()
    assert Peer(hall, PEER).gets() == [4]


def test_a_subscriber_that_returns_too_late_is_told_in_the_log(tmp_path: Path, caplog) -> None:
    hall = Hall(tmp_path, durable_max_age_s=100.0)
    Peer(hall, PEER).leaves()
    hall.publish(2)
    hall.clock.advance(101)
    hall.publish()
    assert Peer(hall, PEER).gets() == [3]
    assert "events 1 to 2 are older than 100 s" in caplog.text
    hall.close()


def test_without_durability_everybody_is_a_newcomer(tmp_path: Path) -> None:
    hall = Hall(tmp_path, durable_max_age_s=0.0)
    Peer(hall, PEER).leaves()
    hall.publish()
    hall.clock.advance(5)
    assert Peer(hall, PEER).gets() == []
    assert hall.reader.cursors() == {}
    hall.close()


def test_two_connections_under_one_name_are_both_served_and_the_slower_one_counts(hall: Hall, caplog) -> None:
    first, second = Peer(hall, PEER), Peer(hall, PEER)
    assert "another connection calls itself" in caplog.text
    hall.publish(3)
    assert first.gets() == second.gets() == [1, 2, 3]
    first.acks([1])
    second.acks([1, 2, 3])
    hall.clock.advance(1)
    assert hall.reader.cursor(PEER) == 1
    first.leaves()
    hall.clock.advance(1)
    assert hall.reader.cursor(PEER) == 3


def test_one_that_is_late_with_its_name_goes_back_to_its_place(hall: Hall) -> None:
    Peer(hall, PEER).leaves()
    hall.publish(2)
    peer = Peer(hall, introduce=False)
    hall.clock.advance(1)
    hall.publish()
    assert peer.gets() == [3]
    peer.introduce(PEER)
    assert peer.gets() == [1, 2, 3]


def test_a_name_once_given_stays(hall: Hall) -> None:
    peer = Peer(hall, PEER)
    peer.introduce("ivo://org.example/other")
    assert [subscriber.ivo for subscriber in hall.broadcaster.status().subscribers] == [PEER]


def test_a_disk_that_fails_does_not_lose_places(hall: Hall, caplog) -> None:
    failing = [True]

    def save(cursors) -> None:
        if failing:
            raise SourceError("The journal cannot be used: the disk is full.")
        hall.journal.save_cursors(cursors)

    hall.broadcaster = Broadcaster(hall.reader, hall.settings, save_cursors=save, clock=hall.clock)
    peer = Peer(hall, PEER)
    hall.publish(2)
    peer.acks([1])
    hall.clock.advance(1)
    assert "could not be saved: The journal" in caplog.text
    failing.clear()
    hall.clock.advance(30)
    assert hall.reader.cursor(PEER) == 1


def test_an_end_on_a_full_disk_is_an_orderly_end(hall: Hall, caplog) -> None:
    def save(cursors) -> None:
        raise SourceError("The journal cannot be used: the disk is full.")

    hall.broadcaster = Broadcaster(hall.reader, hall.settings, save_cursors=save, clock=hall.clock)
    peer = Peer(hall, PEER)
    hall.publish(1)
    peer.acks([1])
    hall.broadcaster.close()
    assert "so they get some events again: The journal cannot be used: the disk is full." in caplog.text
