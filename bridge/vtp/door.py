"""What stands before a port's own protocol: the gate, the PROXY header, TLS; in this order.

A connection that needs none of it is handed to its protocol as it is: the way of every message stays short.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure

from bridge.vtp.access import Gate, Network
from bridge.vtp.proxy import NotProxied, read_proxy_header
from bridge.vtp.tls import TlsContext
from bridge.vtp.twisted_types import Call, Timer

__all__ = ["PROXY_TIMEOUT_S", "Door"]

PROXY_TIMEOUT_S = 5.0
"""A proxy says who connects within so many seconds, or is not one."""

_log = logging.getLogger(__name__)


class Door(ServerFactory):
    """A port's factory, behind which the protocols of another are built.

    Parameters
    ----------
    inner
        Builds the protocols; it must call ``gate.release`` with an address when a connection from it ends.
    gate
        Who may connect.
    proxies
        Networks of proxies: who comes from there says first for whom, by the PROXY protocol.
    tls
        Where connections are to be encrypted.
    clock
        The reactor, or a test's clock.
    """

    noisy = False

    def __init__(
        self,
        inner: ServerFactory,
        gate: Gate,
        clock: Timer,
        *,
        proxies: Sequence[Network] = (),
        tls: TlsContext | None = None,
    ) -> None:
        self.gate = gate
        self.proxies = proxies
        self.tls = tls
        self.timer = clock
        self._inner: Any = inner if tls is None else _behind_tls(inner, tls, clock)

    def doStart(self) -> None:  # noqa: N802
        """Called by Twisted when the port opens."""
        super().doStart()  # type: ignore[no-untyped-call]
        self._inner.doStart()

    def doStop(self) -> None:  # noqa: N802
        """Called by Twisted when the port closes."""
        self._inner.doStop()
        super().doStop()  # type: ignore[no-untyped-call]

    def buildProtocol(self, addr: IAddress | None) -> Any:  # noqa: N802
        """Called by Twisted for each connection; None closes it."""
        host = getattr(addr, "host", "?")
        if self.proxies and self.gate.trusts(host, self.proxies):
            return ProxiedProtocol(self, addr)
        return self.admitted(addr)

    def admitted(self, addr: IAddress | None) -> Any:
        """The protocol for a connection from an address; None where it may not be."""
        if not self.gate.admit(getattr(addr, "host", "?")):
            return None
        return self._inner.buildProtocol(addr)


class ProxiedProtocol(Protocol):
    """Waits for the PROXY header, then steps aside for the protocol of who really connects.

    Parameters
    ----------
    door
        The port's factory.
    addr
        The proxy's own address, which stands for connections of its own.
    """

    def __init__(self, door: Door, addr: IAddress | None) -> None:
        self.door = door
        self._addr = addr
        self._data = b""
        self._call: Call | None = None

    def connectionMade(self) -> None:  # noqa: N802
        """Give the proxy its time."""
        self._call = self.door.timer.callLater(
            PROXY_TIMEOUT_S, lambda: self._refuse("it has not said who connects")
        )

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """The proxy has gone before it said anything."""
        self._cancel()

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what may be the header."""
        self._data += data
        try:
            header = read_proxy_header(self._data)
        except NotProxied as error:
            self._refuse(str(error))
            return
        if header is None:
            return
        self._cancel()
        addr: Any = self._addr
        if header.host is not None:
            kind = IPv6Address if ":" in header.host else IPv4Address
            addr = kind("TCP", header.host, header.port)
        protocol = self.door.admitted(addr)
        transport: Any = self.transport
        if protocol is None:
            transport.abortConnection()
            return
        transport.protocol = protocol
        protocol.makeConnection(transport)
        rest = self._data[header.size :]
        if rest:
            protocol.dataReceived(rest)

    def _refuse(self, reason: str) -> None:
        self._cancel()
        host = getattr(self._addr, "host", "?")
        _log.warning("the proxy %s is disconnected: %s", host, reason, extra={"address": host})
        cast("Any", self.transport).abortConnection()

    def _cancel(self) -> None:
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None


def _behind_tls(inner: ServerFactory, tls: TlsContext, clock: Timer) -> Any:
    from twisted.protocols.tls import TLSMemoryBIOFactory

    return TLSMemoryBIOFactory(cast("Any", tls), False, cast("Any", inner), cast("Any", clock))
