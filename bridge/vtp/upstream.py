"""A subscription to an upstream broker on Twisted: connects, connects again, and offers what comes.

An event is acknowledged when it is settled, so a broker that remembers us by our identifier sends again what
a crash has kept from the journal.
"""

from __future__ import annotations

import logging
from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory
from twisted.python.failure import Failure

from bridge.errors import ConfigError
from bridge.vtp.backoff import Backoff
from bridge.vtp.offers import Offer, Take, Tend, Verdict
from bridge.vtp.status import UpstreamStatus
from bridge.vtp.subscriber_connection import Arrived
from bridge.vtp.tls import client_options
from bridge.vtp.twisted_types import Call
from bridge.vtp.upstream_protocol import UpstreamProtocol
from bridge.vtp.upstream_settings import CONNECT_TIMEOUT_S, UpstreamSettings

__all__ = ["Upstream"]

_log = logging.getLogger(__name__)

RETRY_S = 5.0
"""An event that the journal could not take is offered again after so long, in seconds."""


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
        if settings.tls is not None:
            # A mistake in the files is told at the start.
            client_options(settings.address.host, settings.tls)

    def start(self) -> None:
        """Connect; certificates are read anew each time, since they are renewed more often than feeds."""
        address, tls = self.settings.address, self.settings.tls
        if tls is None:
            self.timer.connectTCP(address.host, address.port, self, timeout=CONNECT_TIMEOUT_S)
            return
        try:
            options = client_options(address.host, tls)
        except ConfigError as error:
            self._again(str(error).rstrip("."))
            return
        self.timer.connectSSL(address.host, address.port, self, options, timeout=CONNECT_TIMEOUT_S)

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
        self._again(f"it cannot be reached ({reason.getErrorMessage().rstrip('.')})")

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
        def settle(verdict: Verdict) -> Tend | None:
            if verdict.outcome == "unwritable" and not self.stopping:
                self._later(RETRY_S, lambda: self._offer(event, protocol))
                return None
            self.pending -= 1
            self.pending_bytes -= len(event.data)
            self.published += verdict.outcome == "published"
            self.duplicates += verdict.outcome == "duplicate"
            self.refused += verdict.outcome == "refused"
            # A nak would have stock brokers close the connection; and what is refused once is refused again.
            return protocol.settled(event.ivorn if verdict.outcome != "unwritable" else None)

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
