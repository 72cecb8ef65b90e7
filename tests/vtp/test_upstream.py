"""The upstream subscriber on Twisted, with a reactor in memory and a clock that a test turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from certificates import Authority
from twisted.internet.error import ConnectError, ConnectionDone
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.address import Address
from bridge.vtp.backoff import Patience
from bridge.vtp.messages import write_transport
from bridge.vtp.offers import Offer, Verdict, settle_all
from bridge.vtp.subscriber_connection import SubscriberSettings
from bridge.vtp.tls import ClientTls
from bridge.vtp.upstream import Upstream
from bridge.vtp.upstream_settings import UpstreamSettings
from tests.vtp.peers import synthetic_event

BROKER = "ivo://org.example/broker"


class Line:
    """An upstream whose broker is the test."""

    def __init__(self, **settings: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.pile: list[Offer] = []
        settings.setdefault("patience", Patience(jitter=0.0))
        self.upstream = Upstream(
            UpstreamSettings(
                Address("broker.example.org", 8099), SubscriberSettings("ivo://org.example/self"), **settings
            ),
            self.pile.append,
            self.reactor,
        )
        self.upstream.start()

    @property
    def attempts(self) -> int:
        return len(self.reactor.tcpClients)

    def connect(self) -> None:
        host, port, factory, *_ = self.reactor.tcpClients[-1]
        assert (host, port) == ("broker.example.org", 8099)
        self.transport = StringTransport()
        self.protocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def fail(self) -> None:
        self.upstream.clientConnectionFailed(None, Failure(ConnectError()))

    def lose(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def says(self, *payloads: bytes) -> None:
        self.protocol.dataReceived(b"".join(map(encode_frame, payloads)))

    def hears(self) -> list[tuple[str, str, str | None]]:
        found = [parse_transport(frame) for frame in FrameReader().feed(self.transport.value())]
        self.transport.clear()
        return [(message.role, message.origin, message.since) for message in found]

    def settle(self, outcome: Any = "published") -> None:
        piled = list(self.pile)
        self.pile.clear()
        settle_all((offer, Verdict(outcome, "")) for offer in piled)


def test_an_event_is_acknowledged_when_it_is_settled_whatever_became_of_it() -> None:
    line = Line()
    line.connect()
    for number, outcome in enumerate(("published", "duplicate", "refused")):
        ivorn, data = synthetic_event(number)
        line.says(data)
        assert (line.pile[0].data, line.pile[0].peer) == (data, "vtp://broker.example.org:8099")
        assert line.hears() == []
        line.settle(outcome)
        assert line.hears() == [("ack", ivorn, None)], "stock brokers close the connection at a nak"
    status = line.upstream.status()
    assert (status.received, status.published, status.duplicates, status.refused) == (3, 1, 1, 1)


def test_what_the_journal_cannot_take_is_offered_again_until_it_can() -> None:
    line = Line()
    line.connect()
    ivorn, data = synthetic_event(1)
    line.says(data)
    for _ in range(3):
        line.settle("unwritable")
        assert line.pile == []
        line.reactor.advance(5)
        assert [offer.data for offer in line.pile] == [data]
    assert line.hears() == []
    line.settle()
    assert line.hears() == [("ack", ivorn, None)]


def test_it_connects_again_with_longer_and_longer_waits() -> None:
    line = Line()
    waits = []
    for _ in range(8):
        line.fail()
        before, waited = line.attempts, 0
        while line.attempts == before:
            line.reactor.advance(1)
            waited += 1
        waits.append(waited)
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert "cannot be reached" in str(line.upstream.status().trouble)
    line.connect()
    assert line.upstream.status().trouble is None
    line.reactor.advance(5)
    line.lose()
    line.reactor.advance(1)
    assert line.attempts == 10, "after a good connection the first wait is short again"


def test_a_silent_broker_is_left_and_connected_again() -> None:
    line = Line()
    line.connect()
    line.reactor.advance(100)
    line.says(write_transport("iamalive", BROKER, 0))
    assert line.hears() == [("iamalive", BROKER, None)]
    line.reactor.pump([10] * 11)
    assert not line.transport.disconnected
    line.reactor.pump([10] * 2)
    assert line.transport.disconnected
    line.lose()
    line.reactor.advance(1)
    assert line.attempts == 2
    assert line.upstream.status().trouble == "it has sent nothing for 120 s"


def test_since_is_asked_once_and_then_the_broker_remembers() -> None:
    line = Line(since="12h")
    line.connect()
    line.lose()
    for expected in ("12h", None):
        line.reactor.advance(70)
        line.connect()
        line.says(write_transport("authenticate", BROKER, 0))
        assert line.hears() == [("authenticate", BROKER, expected)]
        line.lose()
    assert line.upstream.status().broker_ivo == BROKER


def test_a_broker_is_read_more_slowly_while_too_much_is_unsettled_and_not_called_silent_for_it() -> None:
    line = Line(max_pending=2)
    line.connect()
    line.says(synthetic_event(1)[1], synthetic_event(2)[1])
    assert line.transport.producerState == "paused"
    line.reactor.pump([60] * 5)
    assert not line.transport.disconnected
    line.settle()
    assert line.transport.producerState == "producing"


def test_an_event_whose_connection_has_ended_is_settled_without_harm() -> None:
    line = Line()
    line.connect()
    line.says(synthetic_event(1)[1])
    line.lose()
    line.settle()
    assert line.upstream.status().published == 1
    assert line.upstream.pending == 0


def test_at_the_end_what_came_is_settled_and_nothing_is_tried_again() -> None:
    line = Line()
    line.connect()
    line.says(synthetic_event(1)[1])
    line.upstream.stop()
    assert not line.transport.disconnecting
    line.settle("unwritable")
    assert line.transport.disconnecting
    assert line.hears() == [], "what could not be written is not acknowledged"
    line.lose()
    line.reactor.advance(1000)
    assert line.attempts == 1


def test_a_wait_ends_with_the_upstream() -> None:
    line = Line()
    line.fail()
    line.upstream.stop()
    line.reactor.advance(1000)
    assert line.attempts == 1


def test_nonsense_is_counted_and_absurd_lengths_end_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    line = Line()
    line.connect()
    line.says(b"<a/>", b"hello")
    assert line.upstream.odd == 2
    assert "where a Transport message belongs" in caplog.text
    line.protocol.dataReceived(b"GET / HTTP/1.0")
    assert line.transport.disconnected


def test_certificates_are_read_at_each_connection_and_a_mistake_in_them_is_tried_again(
    tmp_path: Path,
) -> None:
    authority = Authority(tmp_path)
    line = Line(tls=ClientTls(ca=authority.file))
    assert len(line.reactor.sslClients) == 1
    line.fail()
    trusted = authority.file.read_bytes()
    authority.file.unlink()
    line.reactor.advance(1)
    assert len(line.reactor.sslClients) == 1
    assert "authority.pem cannot be read" in (line.upstream.status().trouble or "")
    authority.file.write_bytes(trusted)
    line.reactor.advance(2)
    assert len(line.reactor.sslClients) == 2


def test_a_broker_with_the_certificate_of_another_host_is_told_in_words(tmp_path: Path) -> None:
    service_identity = pytest.importorskip("service_identity")
    line = Line()
    line.connect()
    line.protocol.connectionLost(Failure(service_identity.VerificationError(errors=[])))
    assert "its certificate is for another host" in (line.upstream.status().trouble or "")
