"""A connection to a broker, plain or in TLS: how it is made, and reading and writing without getting stuck.

In TLS a socket that can be read may still have nothing for us (a session ticket), so reading must not wait.
"""

from __future__ import annotations

import select
import socket
import ssl
import time

from bridge.client.tls import tls_reason
from bridge.errors import SourceError
from bridge.vtp.address import Address

__all__ = ["UnreachableError", "Wire", "connect", "fault"]

CHUNK_BYTES = 1 << 18


class UnreachableError(SourceError):
    """A broker to which there is no connection.

    Parameters
    ----------
    address
        The broker.
    reason
        Why, as a clause about it ("it cannot be reached (Connection refused)").
    advice
        A sentence for who tries it for the first time.
    """

    def __init__(self, address: Address, reason: str, advice: str = "") -> None:
        super().__init__(f"There is no connection to the broker {address}: {reason}.{advice}")
        self.reason = reason


def connect(address: Address, timeout_s: float, context: ssl.SSLContext | None) -> socket.socket:
    """Connect; the socket has the timeout.

    Parameters
    ----------
    address
        The broker.
    timeout_s
        How long TCP, and then TLS, may take, in seconds.
    context
        How the broker is trusted; None: the connection is not encrypted.

    Raises
    ------
    UnreachableError
        If there is nobody, or not whom we trust.
    """
    try:
        plain = socket.create_connection((address.host, address.port), timeout_s)
    except OSError as error:
        reason = f"it cannot be reached ({error.strerror or error})"
        raise UnreachableError(address, reason, " Check its name and port.") from error
    except UnicodeError as error:
        raise UnreachableError(address, "no host can have this name") from error
    # Small messages, each of which somebody waits for.
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if context is None:
        return plain
    try:
        return context.wrap_socket(plain, server_hostname=address.host)
    except TimeoutError as error:
        reason = f"it has not begun to speak TLS in {timeout_s:g} s; perhaps this port does not"
        raise UnreachableError(address, reason) from error
    except ssl.SSLError as error:
        raise UnreachableError(address, tls_reason(error)) from error
    except OSError as error:
        raise UnreachableError(address, tls_reason(ssl.SSLEOFError())) from error
    finally:
        # Empty where TLS has taken the socket over.
        plain.close()


def fault(error: OSError) -> str:
    """How a connection has broken, as a clause about the broker."""
    if isinstance(error, ssl.SSLError):
        return tls_reason(error)
    return f"the connection to it has broken ({error.strerror or error})"


class Wire:
    """Reads what is there, and writes all within a time.

    Parameters
    ----------
    connected
        The socket; closed with this.
    """

    def __init__(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        self._socket = connected

    def fileno(self) -> int:
        """For a selector."""
        return self._socket.fileno()

    @property
    def holds_more(self) -> bool:
        """Whether something can be read that a selector does not see."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def read(self) -> bytes | None:
        """What has come; None where nothing has, and nothing (``b""``) at the end.

        Raises
        ------
        OSError
            When the connection has broken.
        """
        try:
            return self._socket.recv(CHUNK_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None

    def write(self, data: bytes, timeout_s: float) -> None:
        """Send everything.

        Raises
        ------
        OSError
            When the connection has broken, or the peer takes nothing for so long (`TimeoutError`).
        """
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._wait(select.POLLOUT, timeout_s)
            except ssl.SSLWantReadError:
                self._wait(select.POLLIN, timeout_s)

    def take_leave(self, timeout_s: float) -> None:
        """Close our side, and read until the peer closes its own: what it has not read yet could be lost."""
        deadline = time.monotonic() + timeout_s
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left := deadline - time.monotonic()) > 0:
                self._wait(select.POLLIN, left)
                if self.read() == b"":
                    return
        except OSError:
            # Broken, or out of time: gone all the same.
            return

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _wait(self, event: int, timeout_s: float) -> None:
        watch = select.poll()
        watch.register(self._socket, event)
        if not watch.poll(1000 * timeout_s):
            raise TimeoutError(f"nothing was taken or sent for {timeout_s:g} s")
