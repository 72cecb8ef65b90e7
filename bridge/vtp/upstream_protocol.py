"""One connection to an upstream broker: the thin skin between Twisted and `SubscriberConnection`.

It reads only while there is room for what comes, and lets the broker know what has been settled.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from bridge.vtp.offers import Tend
from bridge.vtp.prompt import be_prompt
from bridge.vtp.subscriber_connection import Arrived, Greeted, Lost, Odd, StreamEvent, SubscriberConnection
from bridge.vtp.tls import tls_fault
from bridge.vtp.twisted_types import Call, ReadableWire

if TYPE_CHECKING:
    from bridge.vtp.upstream import Upstream

__all__ = ["UpstreamProtocol"]

_log = logging.getLogger(__name__)


class UpstreamProtocol(Protocol):
    """One connection to an upstream broker."""

    def __init__(self, upstream: Upstream, since: str | None) -> None:
        self.upstream = upstream
        self._since = since
        self._reason: str | None = None
        self._gone = False
        self._reading = True
        self._tick_call: Call | None = None

    def connectionMade(self) -> None:  # noqa: N802
        """Wait to be asked who we are."""
        self._connected_at = self.upstream.timer.seconds()
        settings = self.upstream.settings.subscriber
        self.connection = SubscriberConnection(settings, self._connected_at, self._since)
        be_prompt(self.transport)
        self.upstream.joined(self)
        self.tend()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """The connection has ended; what it brought is settled all the same."""
        self._gone = True
        if self._tick_call is not None and self._tick_call.active():
            self._tick_call.cancel()
        self._tick_call = None
        fault = None if reason is None else tls_fault(reason.value)
        if fault is not None:
            self._reason = f"it is not trusted, does not trust us, or does not speak TLS ({fault})"
        lasted_s = self.upstream.timer.seconds() - self._connected_at
        self.upstream.left(lasted_s, self._reason or self.connection.end())

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what the broker sent, whatever it is."""
        now = self.upstream.timer.seconds()
        self.upstream.last_heard_at = now
        self._act_on(self.connection.receive(data, now))

    def settled(self, ivorn: str | None) -> Tend | None:
        """Acknowledge an event (None: it could not be taken); what it gives is to be called afterwards."""
        if self._gone:
            return None
        if ivorn is not None:
            self.connection.acknowledge(ivorn, self.upstream.timer.seconds())
        return self.tend

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
