"""The Twisted adapter with a clock that a test turns: who is served from where, and what is kept."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.errors import ConfigError, SourceError
from bridge.journal import Journal, NewEntry
from bridge.vtp import BroadcasterSettings, FrameReader, encode_frame, parse_transport
from bridge.vtp.messages import write_transport
from bridge.vtp.server import Broadcaster, listen
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
        self.settings = BroadcasterSettings(local_ivo=BROKER, **settings)
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


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    hall.close()


def test_a_newcomer_is_served_what_is_published_from_its_connection_on(hall: Hall) -> None:
    hall.publish(3)
    peer = Peer(hall, introduce=False)
    assert (peer.greeting.role, peer.greeting.origin) == ("authenticate", BROKER)
    hall.publish(2)
    assert peer.gets() == []
    peer.introduce(PEER)
    assert peer.gets() == [4, 5]
    hall.publish()
    assert peer.gets() == [6]


def test_newcomers_may_be_served_from_the_start_or_some_seconds_back(tmp_path: Path) -> None:
    for name, newcomers, expected in (("a", "start", [1, 2, 3]), ("b", 130.0, [2, 3]), ("c", "now", [])):
        (tmp_path / name).mkdir()
        hall = Hall(tmp_path / name, newcomers=newcomers)
        for _ in range(3):
            hall.publish()
            hall.clock.advance(60)
        assert Peer(hall).gets() == expected
        hall.close()


def test_a_silent_peer_is_served_after_a_second(hall: Hall) -> None:
    peer = Peer(hall, introduce=False)
    hall.publish()
    assert not hall.broadcaster.everyone_has_acked(1)
    hall.clock.advance(1)
    hall.turn()
    assert peer.gets() == [1]
    assert not hall.broadcaster.everyone_has_acked(1)
    peer.acks([1])
    assert hall.broadcaster.everyone_has_acked(1)


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


def test_the_window_holds_back_what_is_not_acknowledged(tmp_path: Path) -> None:
    hall = Hall(tmp_path, window=10)
    peer = Peer(hall, PEER)
    hall.publish(25)
    assert peer.gets() == list(range(1, 11))
    peer.acks([4, 5])
    assert peer.gets() == [11, 12]
    hall.close()


def test_a_full_socket_stops_the_reading_of_the_journal(hall: Hall) -> None:
    peer = Peer(hall, PEER)
    peer.transport.producer.pauseProducing()
    hall.publish(5)
    assert peer.gets() == []
    peer.transport.producer.resumeProducing()
    hall.turn()
    assert peer.gets() == [1, 2, 3, 4, 5]
    peer.transport.producer.stopProducing()
    hall.publish()
    assert peer.gets() == []


def test_an_unacknowledged_event_drops_the_peer_and_it_gets_it_again(hall: Hall, caplog) -> None:
    peer = Peer(hall, PEER)
    hall.publish(2)
    peer.acks([1])
    for _ in range(12):
        hall.clock.advance(10)
        peer.say(write_transport("iamalive", BROKER, 0, response=PEER))
    assert peer.gone
    assert "has not acknowledged" in caplog.text
    peer.leaves()
    assert Peer(hall, PEER).gets() == [2]
    assert hall.broadcaster.status().dropped == 1


def test_garbage_drops_the_peer_at_once_and_the_others_stay(hall: Hall) -> None:
    bad, good = Peer(hall, PEER), Peer(hall)
    bad.protocol.dataReceived(b"\xff" * 8)
    assert bad.gone
    assert not good.gone


def test_events_too_long_for_comet_are_passed_over_and_counted_once(hall: Hall, caplog) -> None:
    peers = [Peer(hall, PEER), Peer(hall)]
    hall.publish()
    hall.publish(1, padding=100_000)
    hall.publish()
    assert [peer.gets() for peer in peers] == [[1, 3], [1, 3]]
    for peer in peers:
        peer.acks([1, 3])
    assert hall.broadcaster.everyone_has_acked(3)
    status = hall.broadcaster.status()
    assert (status.oversize, [one.oversize for one in status.subscribers]) == (1, [1, 1])
    assert caplog.text.count("is not broadcast") == 1


def test_a_refusal_is_logged_with_its_reason_and_not_sent_again(hall: Hall, caplog) -> None:
    peer = Peer(hall, PEER)
    hall.publish(2)
    assert peer.gets() == [1, 2]
    peer.say(write_transport("nak", synthetic_event(1)[0], 0, result="no room"))
    peer.acks([2])
    assert "no room" in caplog.text
    assert hall.broadcaster.everyone_has_acked(2)
    peer.leaves()
    assert Peer(hall, PEER).gets() == []
    assert hall.broadcaster.status().nacked == 1


def test_filters_decide_who_gets_what_and_the_place_moves_on(hall: Hall, caplog) -> None:
    peer = Peer(hall, PEER, filters=["//Param[@value > 3]", "//["])
    hall.publish(5)
    assert peer.gets() == [4, 5]
    peer.acks([4, 5])
    (status,) = hall.broadcaster.status().subscribers
    assert (status.filtered, status.handled_seq, status.lag) == (3, 5, 0)
    assert "is skipped" in caplog.text


def test_a_matcher_of_ones_own_replaces_xpath(hall: Hall) -> None:
    hall.broadcaster.matches = lambda _filters, seq, _data: seq % 2 == 0
    peer = Peer(hall, PEER)
    hall.publish(4)
    assert peer.gets() == [2, 4]


def test_a_hundred_live_subscribers_read_each_page_once(hall: Hall) -> None:
    peers = [Peer(hall) for _ in range(100)]
    before = hall.broadcaster.pages.reads
    hall.publish(20)
    assert all(peer.gets() == list(range(1, 21)) for peer in peers)
    # One read finds the page; the others only ask whether there is more.
    assert hall.broadcaster.pages.held_bytes > 0
    page_reads = hall.broadcaster.pages.reads - before
    assert page_reads <= 1 + len(peers)


def test_a_first_subscriber_after_a_long_time_alone_follows_live(hall: Hall) -> None:
    hall.publish(500)
    peer = Peer(hall)
    hall.publish()
    assert peer.gets() == [501]
    hall.publish(3)
    assert peer.gets() == [502, 503, 504]


def test_one_that_lags_behind_the_memory_reads_from_disk(tmp_path: Path) -> None:
    hall = Hall(tmp_path, cache_bytes=2_000, newcomers="start", window=7)
    live = Peer(hall, PEER)
    seen = []
    for _ in range(10):
        hall.publish(5)
        new = live.gets()
        live.acks(new)
        seen += new + live.gets()
    late = Peer(hall)
    got = []
    while new := late.gets():
        got += new
        late.acks(new)
    assert hall.broadcaster.pages.held_bytes <= 2_500
    assert sorted(set(seen)) == got == list(range(1, 51))
    hall.close()


def test_a_journal_that_fails_costs_the_connection_not_the_broadcaster(hall: Hall, caplog) -> None:
    peer = Peer(hall, PEER)
    hall.journal.append([NewEntry("ivo://a/b#1", b"<x/>", "relayed", b"1", "test")])
    hall.reader.close()
    hall.broadcaster.wake()
    hall.turn()
    assert peer.gone
    assert "cannot be served" in caplog.text


def test_a_journal_that_fails_costs_newcomers_their_connection(hall: Hall, caplog) -> None:
    early = Peer(hall, introduce=False)
    hall.reader.close()
    early.introduce(PEER)
    assert early.gone
    late = hall.broadcaster.buildProtocol(None)
    transport = StringTransport()
    late.makeConnection(transport)
    assert transport.disconnected or transport.disconnecting
    assert caplog.text.count("cannot be served") == 2


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


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigError, match="must start with 'ivo://'"):
        BroadcasterSettings(local_ivo="broker")
    with pytest.raises(ConfigError, match="'window' must be at least 1"):
        BroadcasterSettings(local_ivo=BROKER, window=0)
    with pytest.raises(ConfigError, match="'ack_timeout_s' must be more than 0"):
        BroadcasterSettings(local_ivo=BROKER, ack_timeout_s=0)


def test_a_port_that_is_taken_is_named(hall: Hall) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match=f"Port {port} cannot be opened for subscribers"):
            listen(hall.broadcaster, port, "127.0.0.1")
