"""Opens the TCP ports for subscribers and authors.

Apart from the roles because it is about sockets: both take connections in the same way.
"""

from __future__ import annotations

import errno
from typing import Any, cast

from twisted.internet import tcp
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import ServerFactory

from bridge.errors import SourceError
from bridge.vtp.allowance import Allowance
from bridge.vtp.twisted_types import Port

__all__ = ["MOST_AT_ONCE", "installed_reactor", "listen"]

# Connections that wait to be taken: who comes amid a flood of others must not be told to come again.
_BACKLOG = 1_024

MOST_AT_ONCE = 8
"""So many connections are taken in one turn of the reactor, in which events wait: each costs some tenths of a
millisecond."""


def listen(
    factory: ServerFactory,
    port: int,
    interface: str = "",
    reactor: Any = None,
    *,
    whom: str = "subscribers",
    flag: str = "--broadcast",
    most_hz: float | None = None,
) -> Port:
    """Take connections on a TCP port (VTP's usual ones: 8099 for subscribers, 8098 for authors).

    Parameters
    ----------
    factory
        A `bridge.vtp.server.Broadcaster`, or a `bridge.vtp.receiver.Receiver`.
    port, interface
        Where; port 0 takes a free one, an empty interface means all addresses of IPv4.
    reactor
        Twisted's reactor; None for the installed one.
    whom, flag
        For people who read an error: who would have connected, and the flag that names the port.
    most_hz
        So many connections are taken in a second, a second's worth of them at once; who comes faster waits.
        None: as many as come.

    Raises
    ------
    SourceError
        When the port is taken or may not be used.
    """
    try:
        opened = _PatientPort(
            port, cast("IProtocolFactory", factory), _BACKLOG, interface, reactor or installed_reactor()
        )
        opened.most_hz = most_hz
        opened.startListening()
    except CannotListenError as error:
        taken = getattr(error.socketError, "errno", None) == errno.EADDRINUSE
        remedy = (
            f"Another broker may be using it; give another port with {flag}."
            if taken
            else f"Check the port ({flag}) and the address (--interface)."
        )
        named = f"Port {port}" + (f" of {interface}" if interface else "")
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise SourceError(f"{named} cannot be opened for {whom} ({why}). {remedy}") from error
    except OverflowError as error:
        raise SourceError(f"Port {port} does not exist; give one between 1 and 65535 with {flag}.") from error
    return cast("Port", opened)


class _PatientPort(tcp.Port):
    """Twisted's port, which would take all who wait at once, a hundred or more."""

    most_hz: float | None = None
    _accepts = 1
    _allowance: Allowance | None = None

    @property
    def numberAccepts(self) -> int:  # noqa: N802
        """How many connections Twisted takes in one turn; it sets this to what it took in the last one."""
        return self._accepts

    @numberAccepts.setter
    def numberAccepts(self, count: int) -> None:  # noqa: N802
        self._accepts = min(count, MOST_AT_ONCE)

    def doRead(self) -> None:  # noqa: N802
        """Called by the reactor when somebody waits to be taken."""
        before = self.sessionno
        super().doRead()  # type: ignore[no-untyped-call]
        taken = self.sessionno - before
        if self.most_hz is None or not taken:
            return
        now = self.reactor.seconds()
        if self._allowance is None:
            self._allowance = Allowance(self.most_hz, now, burst_s=1.0)
        free_at = self._allowance.spend(taken, now)
        if free_at > now and self.connected:
            self.stopReading()  # type: ignore[no-untyped-call]
            self.reactor.callLater(free_at - now, self._go_on)

    def _go_on(self) -> None:
        if self.connected and not self.disconnecting:
            self.startReading()  # type: ignore[no-untyped-call]


def installed_reactor() -> Any:
    """Twisted's reactor."""
    # Importing it installs it, so only one who serves does.
    from twisted.internet import reactor

    return reactor
