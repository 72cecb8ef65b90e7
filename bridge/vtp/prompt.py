"""Writing to a socket at once, where Twisted would first wait to be told that it may.

Apart from the receiver because it is about Twisted and not about authors. Most authors send one event on a
connection: their answer has the socket to itself, and the way through the reactor costs more than to write.
"""

from __future__ import annotations

from typing import Any, cast

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import ITCPTransport

from bridge.vtp.twisted_types import Wire

__all__ = ["PromptProducer", "PromptWriter", "be_prompt"]


def be_prompt(transport: Any) -> None:
    """Have each message of a TCP connection sent at once, and a peer noticed that has gone without a word."""
    if ITCPTransport.providedBy(transport):
        transport.setTcpKeepAlive(True)
        transport.setTcpNoDelay(True)


class PromptProducer:
    """The only one who writes to a connection, for its registered streaming producer.

    Between a producer and a socket that takes all is no buffer, nor the reactor. When the socket does not
    take all, the producer is paused, as Twisted would pause it, until the socket has taken the rest.

    Parameters
    ----------
    transport
        The connection, with its producer. Only a socket itself is written to at once; TLS, for one, stands
        between us and it.
    """

    __slots__ = ("_socket", "_transport")

    def __init__(self, transport: Wire) -> None:
        self._transport = transport
        self._socket: Any = transport if isinstance(cast("object", transport), FileDescriptor) else None

    def write(self, pieces: list[bytes]) -> None:
        """Write pieces as one, in the order of the calls."""
        wire = self._socket
        if wire is None or wire.producerPaused or not wire.connected:
            self._transport.writeSequence(pieces)
            return
        data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        sent = 0
        while sent < len(data):
            # The number of bytes, or what has happened to the connection: Twisted finds that out by itself.
            taken = wire.writeSomeData(data[sent:] if sent else data)
            if not isinstance(taken, int) or not taken:
                break
            sent += taken
        else:
            return
        wire.producerPaused = True
        wire.producer.pauseProducing()
        self._transport.write(data[sent:])


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
