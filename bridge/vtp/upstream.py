"""A subscription to an upstream broker on Twisted: connects, connects again, and offers what comes.

An event is acknowledged when it is settled, so a broker that remembers us by our identifier sends again what
a crash has kept from the journal.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any, cast

from twisted.internet.interfaces import IAddress, ITCPTransport
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from bridge.vtp.address import Address
from bridge.vtp.backoff import Backoff, Patience
from bridge.vtp.offers import Offer, Take, Verdict
from bridge.vtp.status import UpstreamStatus
from bridge.vtp.subscriber_connection import (
    Arrived,
    Greeted,
    Lost,
    Odd,
    StreamEvent,
    SubscriberConnection,
    SubscriberSettings,
)
from bridge.vtp.tls import ClientTls, client_options, tls_fault
from bridge.vtp.twisted_types import Call, ReadableWire

__all__ = ["Upstream", "UpstreamProtocol", "UpstreamSettings"]

_log = logging.getLogger(__name__)

RETRY_S = 5.0
"""An event that the journal could not take is offered again after so long, in seconds."""

CONNECT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One upstream broker.

    Parameters
    ----------
    address
        Where it sends events.
    subscriber
        Who we are, and what we want.
    since
        From where to be served at the first connection, for brokers that understand it.
    patience
        Waits between attempts to connect.
    max_pending, max_pending_bytes
        Nothing more is read from a broker while so many events, or bytes of events, are unsettled.
    tls
        How the broker is trusted; None: the connection is not encrypted.
    """

    address: Address
    subscriber: SubscriberSettings
    since: str | None = None
    patience: Patience = field(default_factory=Patience)
    max_pending: int = 1_000
    max_pending_bytes: int = 16 << 20
    tls: ClientTls | None = None


class Upstream(ClientFactory):
    """Stays subscribed to one broker until it is stopped. All methods belong to the reactor's thread.

    Parameters
    ----------
    settings
        Which broker, and how.
    take
        Gets each event as an `Offer`; settles it later.
    reactor
        Twisted's reactor, or a test's.
    """

    noisy = False

    def __init__(self, settings: UpstreamSettings, take: Take, reactor: Any) -> None:
        self.settings = settings
        self.name = f"vtp://{settings.address}"
        self.take = take
        self.timer = reactor
        self.received = self.published = self.duplicates = self.refused = self.odd = 0
        self.connections = 0
        self.broker_ivo: str | None = None
        self.last_heard_at: float | None = None
        self.trouble: str | None = None
        self.stopping = False
        self.pending = 0
        self.pending_bytes = 0
        self._backoff = Backoff(settings.patience)
        self._since = settings.since
        self._protocol: UpstreamProtocol | None = None
        self._calls: set[Call] = set()
        self._tls: Any = None if settings.tls is None else client_options(settings.address.host, settings.tls)

    def start(self) -> None:
        """Connect."""
        address = self.settings.address
        if self._tls is None:
            self.timer.connectTCP(address.host, address.port, self, timeout=CONNECT_TIMEOUT_S)
        else:
            self.timer.connectSSL(address.host, address.port, self, self._tls, timeout=CONNECT_TIMEOUT_S)

    def stop(self) -> None:
        """Read nothing more, and say goodbye when all that came is settled."""
        self.stopping = True
        for call in self._calls:
            if call.active():
                call.cancel()
        self._calls.clear()
        if self._protocol is not None:
            self._protocol.tend()

    def buildProtocol(self, addr: IAddress | None) -> UpstreamProtocol:  # noqa: N802
        """Called by Twisted for each connection."""
        protocol = UpstreamProtocol(self, self._since)
        protocol.factory = self
        return protocol

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:  # noqa: N802
        """The broker cannot be reached."""
        self._again(f"cannot be reached ({reason.getErrorMessage().rstrip('.')})")

    def joined(self, protocol: UpstreamProtocol) -> None:
        """Take note of a new connection."""
        self._protocol = protocol
        self.connections += 1
        self.trouble = None
        _log.info("upstream %s is connected", self.name, extra={"upstream": self.name})

    def greeted(self, broker_ivo: str) -> None:
        """The broker has asked who we are; the question since when has been asked, too."""
        self.broker_ivo = broker_ivo
        self._since = None

    def left(self, lasted_s: float, reason: str) -> None:
        """Take note that a connection has ended."""
        self._protocol = None
        self._backoff.lasted(lasted_s)
        self._again(reason)

    def offer(self, event: Arrived, protocol: UpstreamProtocol) -> None:
        """Hand an event inwards; it is acknowledged on the connection that brought it."""
        self.received += 1
        self.pending += 1
        self.pending_bytes += len(event.data)
        self._offer(event, protocol)

    def _offer(self, event: Arrived, protocol: UpstreamProtocol) -> None:
        def settle(verdict: Verdict) -> None:
            if verdict.outcome == "unwritable" and not self.stopping:
                self._later(RETRY_S, lambda: self._offer(event, protocol))
                return
            self.pending -= 1
            self.pending_bytes -= len(event.data)
            self.published += verdict.outcome == "published"
            self.duplicates += verdict.outcome == "duplicate"
            self.refused += verdict.outcome == "refused"
            # A nak would have stock brokers close the connection; and what is refused once is refused again.
            protocol.settled(event.ivorn if verdict.outcome != "unwritable" else None)

        self.take(Offer(event.data, self.name, settle))

    def _again(self, reason: str) -> None:
        if self.stopping:
            return
        wait = self._backoff.next_wait_s()
        self.trouble = reason
        _log.warning(
            "upstream %s: %s; next try in %.1f s", self.name, reason, wait, extra={"upstream": self.name}
        )
        self._later(wait, self.start)

    def _later(self, seconds: float, function: Any) -> None:
        def due() -> None:
            self._calls.discard(call)
            function()

        call: Call = self.timer.callLater(seconds, due)
        self._calls.add(call)

    def status(self) -> UpstreamStatus:
        """A snapshot."""
        return UpstreamStatus(
            url=self.name,
            connected=self._protocol is not None,
            trouble=self.trouble,
            broker_ivo=self.broker_ivo,
            connections=self.connections,
            received=self.received,
            published=self.published,
            duplicates=self.duplicates,
            refused=self.refused,
            last_heard_at=self.last_heard_at,
        )


class UpstreamProtocol(Protocol):
    """One connection to an upstream broker."""

    def __init__(self, upstream: Upstream, since: str | None) -> None:
        self.upstream = upstream
        self._since = since
        self._reason = "has closed the connection"
        self._gone = False
        self._reading = True
        self._tick_call: Call | None = None

    def connectionMade(self) -> None:  # noqa: N802
        """Wait to be asked who we are."""
        self._connected_at = self.upstream.timer.seconds()
        settings = self.upstream.settings.subscriber
        self.connection = SubscriberConnection(settings, self._connected_at, self._since)
        transport: Any = self.transport
        if ITCPTransport.providedBy(transport):
            transport.setTcpKeepAlive(True)
            transport.setTcpNoDelay(True)
        self.upstream.joined(self)
        self.tend()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """The connection has ended; what it brought is settled all the same."""
        self._gone = True
        if self._tick_call is not None and self._tick_call.active():
            self._tick_call.cancel()
        self._tick_call = None
        fault = None if reason is None else tls_fault(reason.value)
        told = self._reason if fault is None else f"is not trusted or does not speak TLS ({fault})"
        self.upstream.left(self.upstream.timer.seconds() - self._connected_at, told)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what the broker sent, whatever it is."""
        now = self.upstream.timer.seconds()
        self.upstream.last_heard_at = now
        self._act_on(self.connection.receive(data, now))

    def settled(self, ivorn: str | None) -> None:
        """Acknowledge an event (None: it could not be taken), and go on."""
        if self._gone:
            return
        if ivorn is not None:
            self.connection.acknowledge(ivorn, self.upstream.timer.seconds())
        self.tend()

    def tend(self) -> None:
        """Send what is to be sent, and let the socket and the clock be as the connection wants them."""
        if self._gone:
            return
        wire, upstream = cast("ReadableWire", self.transport), self.upstream
        data = self.connection.data_to_send()
        if data:
            wire.write(data)
        if upstream.stopping and not upstream.pending:
            wire.loseConnection()
            return
        settings = upstream.settings
        full = (
            upstream.pending >= settings.max_pending or upstream.pending_bytes >= settings.max_pending_bytes
        )
        reading = not (full or upstream.stopping)
        if reading != self._reading:
            self._reading = reading
            self.connection.excuse(upstream.timer.seconds())
            (wire.resumeProducing if reading else wire.pauseProducing)()
        if reading and self._tick_call is None:
            # One that comes too early looks again: cheaper than setting the clock at each message.
            delay = max(0.0, self.connection.next_tick_at - upstream.timer.seconds())
            self._tick_call = upstream.timer.callLater(delay, self._tick)

    def _tick(self) -> None:
        self._tick_call = None
        if self._reading:
            self._act_on(self.connection.tick(self.upstream.timer.seconds()))

    def _act_on(self, events: list[StreamEvent]) -> None:
        for event in events:
            match event:
                case Arrived():
                    self.upstream.offer(event, self)
                case Greeted(broker_ivo):
                    self.upstream.greeted(broker_ivo)
                case Odd(reason):
                    self.upstream.odd += 1
                    _log.info(
                        "upstream %s: %s",
                        self.upstream.name,
                        ascii(reason)[1:-1],
                        extra={"upstream": self.upstream.name},
                    )
                case Lost(reason):
                    self._reason = reason
                    cast("ReadableWire", self.transport).abortConnection()
                    return
        self.tend()
