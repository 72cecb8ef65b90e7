"""The Twisted adapter with a clock that a test turns: who is served from where, and what is kept."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from twisted.internet.testing import StringTransport

from bridge.errors import ConfigError, SourceError
from bridge.journal import NewEntry
from bridge.vtp import BroadcasterSettings, encode_frame
from bridge.vtp.messages import write_transport
from bridge.vtp.port import listen
from bridge.vtp.settings import HOLD_S
from tests.vtp.hall import BROKER, PEER, Hall, Peer
from tests.vtp.peers import synthetic_event


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
    hall.clock.advance(HOLD_S)
    assert peer.gone
    assert "has not acknowledged" in caplog.text
    peer.leaves()
    assert Peer(hall, PEER).gets() == [2]
    assert hall.broadcaster.status().dropped == 1


def test_garbage_drops_the_peer_and_the_others_stay(hall: Hall) -> None:
    bad, good = Peer(hall, PEER), Peer(hall)
    bad.protocol.dataReceived(b"\xff" * 8)
    assert [one.ivo for one in hall.broadcaster.status().subscribers] == [None]
    assert hall.broadcaster.status().dropped == 1
    assert bad.transport.producerState == "paused", "what it says more is not even read"
    bad.protocol.dataReceived(encode_frame(write_transport("iamalive", BROKER, 0)))
    hall.publish()
    assert (bad.gets(), good.gets()) == ([], [1])
    hall.clock.advance(HOLD_S - 0.1)
    assert not bad.gone, "it would come again at once"
    hall.clock.advance(0.1)
    assert bad.gone
    assert not good.gone
    bad.leaves()
    assert len(hall.broadcaster.status().subscribers) == 1


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


def test_what_filters_say_of_a_page_is_asked_for_once(hall: Hall) -> None:
    asked: list[int] = []
    known: dict[int, bool] = {}

    def passes(_filters: Sequence[str], seq: int, _data: bytes) -> bool | None:
        asked.append(seq)
        return known.get(seq)

    hall.broadcaster.board.passes = passes
    peer = Peer(hall, PEER, ["//What"])
    hall.publish(5)
    assert asked == [1, 2, 3, 4, 5]
    asked.clear()
    for _ in range(10):
        hall.broadcaster.wake()
        hall.broadcaster.hear({2, 3, 4, 5})
        hall.turn()
    assert asked == [], "nothing before there is news of what is waited for"
    known |= {1: True, 2: False, 3: True, 5: True}
    hall.broadcaster.hear({1, 2})
    hall.turn()
    assert peer.gets() == [1, 3]
    known[4] = False
    hall.broadcaster.hear({4})
    hall.turn()
    assert peer.gets() == [5]
    asked.clear()
    hall.publish(2)
    peer.introduce(PEER, ["//Who"])
    hall.publish(1)
    assert asked == [6, 7, 6, 7], "of other filters all is asked for anew"
    known |= {6: True, 7: True, 8: True}
    hall.broadcaster.hear({6})
    hall.turn()
    assert peer.gets() == [6, 7, 8]


def test_filters_are_asked_about_whole_pages_even_if_one_event_may_be_sent(tmp_path: Path) -> None:
    hall = Hall(tmp_path, first_window=1, newcomers="start")
    hall.publish(200)
    reads = hall.broadcaster.pages.reads
    peer = Peer(hall, PEER, ["//Param[@name='number' and (@value = 130 or @value = 131 or @value = 190)]"])
    assert peer.gets() == [130]
    assert hall.broadcaster.pages.reads - reads <= 4, "pages of 64 events"
    assert hall.broadcaster.status().subscribers[0].filtered == 129
    peer.acks([130])
    assert peer.gets() == [131, 190]
    peer.acks([131, 190])
    (status,) = hall.broadcaster.status().subscribers
    assert (status.filtered, status.handled_seq) == (197, 200)
    hall.close()


def test_a_hundred_live_subscribers_read_each_page_once(hall: Hall) -> None:
    peers = [Peer(hall) for _ in range(100)]
    before = hall.broadcaster.pages.reads
    hall.publish(20)
    assert all(peer.gets() == list(range(1, 21)) for peer in peers)
    assert hall.broadcaster.pages.held_bytes > 0
    assert hall.broadcaster.pages.reads - before == 1


def test_events_that_nobody_filters_are_never_parsed(hall: Hall) -> None:
    plain, choosy = Peer(hall), Peer(hall, PEER, filters=["//Param[@value > 3]"])
    choosy.leaves()
    hall.publish(5)
    assert plain.gets() == [1, 2, 3, 4, 5]
    assert (hall.broadcaster.board.evaluations, len(hall.broadcaster.board._results)) == (0, 0)
    again = Peer(hall, PEER, filters=["//Param[@value > 3]"])
    assert again.gets() == [4, 5]
    assert hall.broadcaster.board.evaluations == 5


def test_an_event_is_framed_once_for_all_subscribers(hall: Hall) -> None:
    sent: list[list[bytes]] = []
    peers = [Peer(hall), Peer(hall)]
    for peer in peers:
        keep: list[bytes] = []
        sent.append(keep)
        peer.transport.writeSequence = keep.extend
    hall.publish(3)
    assert b"".join(sent[0]).count(b":VOEvent ") == 3
    assert [id(piece) for piece in sent[0]] == [id(piece) for piece in sent[1]]


def test_clocks_are_not_set_anew_for_every_event(hall: Hall) -> None:
    peers = [Peer(hall) for _ in range(3)]
    calls: list[float] = []
    later = hall.clock.callLater

    def counting(delay, *args):
        calls.append(delay)
        return later(delay, *args)

    hall.clock.callLater = counting
    for _ in range(20):
        hall.publish(5)
        for peer in peers:
            numbers = peer.gets()
            acks = [write_transport("ack", synthetic_event(number)[0], 0) for number in numbers]
            peer.protocol.dataReceived(b"".join(map(encode_frame, acks)))
            hall.turn()
    assert hall.broadcaster.everyone_has_acked(100)
    assert [delay for delay in calls if delay > 0] == []


def test_a_first_subscriber_after_a_long_time_alone_follows_live(hall: Hall) -> None:
    hall.publish(500)
    peer = Peer(hall)
    hall.publish()
    assert peer.gets() == [501]
    hall.publish(3)
    assert peer.gets() == [502, 503, 504]


def test_a_newcomer_from_the_start_gets_nothing_that_is_removed_but_still_in_memory(tmp_path: Path) -> None:
    hall = Hall(tmp_path, newcomers="start", page_events=4, window=50)
    Peer(hall)
    hall.publish(10)
    hall.restart()
    assert Peer(hall).gets() == list(range(1, 11))
    hall.journal.prune_oldest(6)
    assert Peer(hall).gets() == [7, 8, 9, 10]
    hall.journal.prune_oldest(9)
    assert Peer(hall).gets() == []
    hall.publish()
    hall.close()


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
        with pytest.raises(SourceError, match=f"Port {port} of 127.0.0.1 cannot be opened .* Another broker"):
            listen(hall.broadcaster, port, "127.0.0.1")


def test_a_wrong_address_is_not_blamed_on_another_broker(hall: Hall) -> None:
    with pytest.raises(SourceError, match="--interface") as caught:
        listen(hall.broadcaster, 0, "203.0.113.7")
    assert "Another broker" not in str(caught.value)
