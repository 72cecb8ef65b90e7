"""The receiver on Twisted, with transports that a test reads and a clock that it turns."""

from __future__ import annotations

import pytest
from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.offers import Offer, Verdict, settle_all
from bridge.vtp.receiver import Receiver
from bridge.vtp.receiver_settings import ReceiverSettings
from bridge.vtp.settings import HOLD_S
from tests.vtp.peers import synthetic_event


class Desk:
    """A receiver whose offers wait on a pile until the test settles them."""

    def __init__(self, **settings) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.pile: list[Offer] = []
        self.receiver = Receiver(
            ReceiverSettings("ivo://org.example/broker", **settings), self.pile.append, self.clock
        )

    def settle(self, outcome="published", reason="") -> None:
        while self.pile:
            offer = self.pile.pop(0)
            ivorn = offer.data.split(b'ivorn="')[1].split(b'"')[0].decode()
            settle_all([(offer, Verdict(outcome, ivorn, reason))])


class Author:
    """An author without a socket."""

    def __init__(self, desk: Desk) -> None:
        self.transport = StringTransport()
        self.protocol = desk.receiver.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
        self.protocol.makeConnection(self.transport)

    def sends(self, *numbers: int) -> None:
        self.protocol.dataReceived(b"".join(encode_frame(synthetic_event(number)[1]) for number in numbers))

    def hears(self) -> list[tuple[str, str | None]]:
        frames = FrameReader().feed(self.transport.value())
        self.transport.clear()
        return [(message.role, message.result) for message in map(parse_transport, frames)]

    @property
    def waits(self) -> bool:
        return self.transport.producerState == "paused"


def test_an_author_gets_its_answer_when_the_event_is_settled() -> None:
    desk = Desk()
    author = Author(desk)
    author.sends(1, 2)
    assert author.hears() == []
    assert [offer.peer for offer in desk.pile] == ["vtp://192.0.2.1:5000"] * 2
    desk.settle()
    assert author.hears() == [("ack", None)] * 2
    assert not author.transport.disconnecting
    author.sends(3)
    desk.settle("duplicate", "Previously seen by this broker")
    assert author.hears() == [("nak", "Event rejected: Previously seen by this broker")]
    status = desk.receiver.status()
    assert (status.connections, status.connected, status.accepted, status.refused) == (1, 1, 2, 1)


class Narrow(FileDescriptor):
    """A socket that takes so many bytes of the first answer, and what follows when its turn comes."""

    def __init__(self, takes: int | Exception) -> None:
        super().__init__(Clock())
        self.takes = takes
        self.wire = b""

    def writeSomeData(self, data: bytes) -> int | Exception:
        if isinstance(self.takes, Exception):
            return self.takes
        self.wire += data[: self.takes]
        return min(self.takes, len(data))

    def write(self, data: bytes) -> None:
        self.wire += data

    def registerProducer(self, producer: object, streaming: bool) -> None:
        pass


@pytest.mark.parametrize("takes", [0, 10, 1_000_000, ConnectionLost()])
def test_answers_arrive_whole_and_in_order_however_much_the_socket_takes_at_once(takes) -> None:
    desk = Desk()
    transport = Narrow(takes)
    protocol = desk.receiver.buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
    protocol.makeConnection(transport)
    for number in range(3):
        protocol.dataReceived(encode_frame(synthetic_event(number)[1]))
        desk.settle()
    answers = FrameReader().feed(transport.wire)
    assert [parse_transport(answer).origin for answer in answers] == [
        synthetic_event(number)[0] for number in range(3)
    ]
    protocol.connectionLost(Failure(ConnectionError()))


def test_an_author_that_is_faster_than_the_journal_is_read_more_slowly() -> None:
    desk = Desk(max_pending=3)
    author = Author(desk)
    author.sends(1, 2)
    assert not author.waits
    author.sends(3, 4)
    assert author.waits
    desk.settle()
    assert not author.waits


def test_an_author_that_reads_no_answers_is_read_no_more() -> None:
    desk = Desk()
    author = Author(desk)
    author.protocol.pauseProducing()
    assert author.waits
    author.protocol.resumeProducing()
    assert not author.waits


def test_an_idle_author_is_disconnected_and_one_that_goes_on_is_not() -> None:
    desk = Desk()
    idle, busy = Author(desk), Author(desk)
    for number in range(4):
        desk.clock.advance(9)
        busy.sends(number)
        desk.settle()
    assert idle.transport.disconnecting
    assert not busy.transport.disconnecting
    desk.clock.advance(21)
    assert busy.transport.disconnecting


def test_an_idle_author_that_does_not_read_either_is_cut_off() -> None:
    desk = Desk()
    author = Author(desk)
    author.protocol.pauseProducing()
    desk.clock.advance(21)
    assert author.transport.disconnected


def test_an_event_whose_author_has_gone_is_settled_without_harm() -> None:
    desk = Desk()
    author = Author(desk)
    author.sends(1)
    author.protocol.connectionLost(Failure(ConnectionError()))
    desk.settle()
    assert author.hears() == []
    assert (desk.receiver.status().connected, desk.receiver.accepted) == (0, 1)
    assert not desk.clock.getDelayedCalls()


def test_at_the_end_authors_get_the_answers_that_are_due_and_nothing_more_is_taken() -> None:
    desk = Desk()
    author, idle = Author(desk), Author(desk)
    author.sends(1)
    desk.receiver.close()
    author.sends(2)
    assert idle.transport.disconnecting
    assert not author.transport.disconnecting
    desk.settle()
    assert author.hears() == [("ack", None)]
    assert author.transport.disconnecting
    assert Author(desk).transport.disconnecting, "one that comes too late"


def test_what_is_settled_together_is_answered_together(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    one, other = Author(desk), Author(desk)
    one.sends(1, 2, 3)
    other.sends(4)
    one.sends(5)
    wrote: list[StringTransport] = []
    for author in (one, other):
        write = author.transport.write

        def noted(data: bytes, write=write, transport=author.transport) -> None:
            wrote.append(transport)
            write(data)

        monkeypatch.setattr(author.transport, "write", noted)
    settle_all((offer, Verdict("published", f"ivo://a.b/c#{place}")) for place, offer in enumerate(desk.pile))
    assert wrote == [one.transport, other.transport]
    assert [one.hears(), other.hears()] == [[("ack", None)] * 4, [("ack", None)]]


def test_who_has_gone_before_the_answer_is_passed_over() -> None:
    desk = Desk()
    one, other = Author(desk), Author(desk)
    one.sends(1)
    other.sends(2)
    one.protocol.connectionLost()
    desk.settle()
    assert other.hears() == [("ack", None)]
    assert desk.receiver.accepted == 2
    assert desk.receiver.pending_bytes == 0


def test_garbage_ends_a_connection_with_a_word() -> None:
    desk = Desk(max_unread=1)
    author = Author(desk)
    garbage = encode_frame(b"<a>" + b" " * 40 + b"</a>")
    author.protocol.dataReceived(garbage * 2)
    settle_all((offer, Verdict("refused", "", "it is no VOEvent")) for offer in desk.pile)
    assert author.hears() == [("nak", "Event rejected: it is no VOEvent")] * 2
    assert author.waits
    author.protocol.dataReceived(garbage)
    assert len(desk.pile) == 2
    desk.clock.advance(HOLD_S - 0.1)
    assert not author.transport.disconnecting, "it would come again at once"
    desk.clock.advance(0.1)
    assert author.transport.disconnecting


def test_an_author_who_is_held_does_not_hold_up_the_end() -> None:
    desk = Desk()
    author = Author(desk)
    author.protocol.dataReceived(b"\xff" * 8)
    assert author.waits
    desk.receiver.close()
    assert author.transport.disconnecting
    late = Author(desk)
    assert late.transport.disconnecting


def test_what_is_too_short_for_an_event_is_refused_unseen_and_soon_ends_the_connection(caplog) -> None:
    desk = Desk(max_unread=3)
    author = Author(desk)
    caplog.set_level("INFO")
    author.protocol.dataReceived(encode_frame(b"<a/>") + bytes(40_000))
    assert desk.pile == []
    reasons = ["Event rejected: a message of 4 bytes is no VOEvent"]
    reasons += ["Event rejected: a message of 0 bytes is no VOEvent"] * 3
    assert author.hears() == [("nak", reason) for reason in reasons]
    assert author.waits
    assert (desk.receiver.refused, desk.receiver.pending_bytes) == (4, 0)
    assert len([line for line in caplog.messages if "is refused" in line]) == 4
    assert caplog.messages[-1].endswith("is disconnected: it sent 4 messages in a row that are no events")


def test_many_authors_together_do_not_fill_the_memory() -> None:
    size = len(synthetic_event(1)[1])
    desk = Desk(max_all_pending_bytes=3 * size)
    authors = [Author(desk) for _ in range(5)]
    for number, author in enumerate(authors):
        author.sends(number)
    assert desk.receiver.pending_bytes >= 3 * size
    assert [author.waits for author in authors] == [False, False, True, True, True]
    authors[0].protocol.tend()
    assert authors[0].waits
    desk.settle()
    assert not any(author.waits for author in authors)
    assert desk.receiver.pending_bytes == 0
    gone = Author(desk)
    gone.sends(9)
    gone.protocol.connectionLost(Failure(ConnectionError()))
    desk.settle()
    assert desk.receiver.pending_bytes == 0
