"""Writing to a socket at once, where Twisted would first wait to be told that it may.

Apart from the receiver because it is about Twisted and not about authors. Most authors send one event on a
connection: their answer has the socket to itself, and the way through the reactor costs more than to write.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import ITCPTransport

from bridge.vtp.twisted_types import Wire

__all__ = ["PromptWriter", "be_prompt"]


def be_prompt(transport: Any) -> None:
    """Have each message of a TCP connection sent at once, and a peer noticed that has gone without a word."""
    if ITCPTransport.providedBy(transport):
        transport.setTcpKeepAlive(True)
        transport.setTcpNoDelay(True)


class PromptWriter:
    """The only one who writes to a connection.

    Parameters
    ----------
    transport
        The connection. Only a socket itself is written to at once; TLS, for one, stands between us and it.
    """

    __slots__ = ("_prompt", "_transport")

    def __init__(self, transport: Wire) -> None:
        self._transport = transport
        self._prompt = isinstance(transport, FileDescriptor)

    def write(self, data: bytes) -> None:
        """Write, in the order of the calls; what the socket does not take goes the usual way."""
        if self._prompt:
            # The number of bytes, or what has happened to the connection: the usual way finds that out, too.
            sent = cast("FileDescriptor", self._transport).writeSomeData(data)
            if sent == len(data):
                return
            # From now on something may wait in the transport, in front of what comes next.
            self._prompt = False
            data = data[sent:] if isinstance(sent, int) else data
        self._transport.write(data)
