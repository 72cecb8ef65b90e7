"""One connection of an author, and the events that are under way on it."""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import Self

from bridge.vtp.author_connection import AuthorConnection

__all__ = ["AuthorWire", "SentEvent"]

WINDOW = 256
"""Most events under way on one connection."""

WINDOW_BYTES = 1 << 20
"""Most bytes of events under way on one connection, but for a single larger one."""


@dataclass(frozen=True, slots=True)
class SentEvent:
    """An event on its way.

    Parameters
    ----------
    index
        Its place among those that were given.
    data, ivorn
        The packet, and its identifier as far as that can be read.
    doubtful
        It was sent once, on a connection that ended before the answer: it may have arrived.
    """

    index: int
    data: bytes
    ivorn: str
    doubtful: bool = False


class AuthorWire:
    """Sends events, and waits for their answers.

    Parameters
    ----------
    connected
        The socket, with the timeout of each answer; closed with this.
    """

    """One connection, and the events under way on it."""

    def __init__(self, connected: socket.socket) -> None:
        self.ended = False
        self._connection = AuthorConnection()
        self._events: dict[int, SentEvent] = {}
        self._bytes = 0
        self._socket = connected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def under_way(self) -> int:
        """Events that have no answer yet."""
        return len(self._events)

    @property
    def has_room(self) -> bool:
        """Whether another event may be sent before an answer has come."""
        return self.under_way < WINDOW and self._bytes < WINDOW_BYTES

    def send(self, event: SentEvent) -> None:
        """Note an event for sending; it goes out when answers are asked for."""
        self._events[event.index] = event
        self._bytes += len(event.data)
        self._connection.send(event.index, event.ivorn, event.data)

    def left(self) -> list[SentEvent]:
        """Events without an answer, in the order in which they were sent."""
        return list(self._events.values())

    def ends_within(self, seconds: float) -> bool:
        """Whether the broker closes the connection in so many seconds; nothing is under way."""
        before = self._socket.gettimeout()
        self._socket.settimeout(seconds)
        try:
            self.ended = not self._socket.recv(1)
        except TimeoutError:
            pass
        except OSError:
            self.ended = True
        self._socket.settimeout(before)
        return self.ended

    def answers(self) -> list[tuple[SentEvent, bool, str]]:
        """Send what is noted and wait for answers, one at least; none when the connection has ended.

        Raises
        ------
        TimeoutError
            When none comes in time.
        PacketError
            When the peer does not speak VTP.
        ssl.SSLError
            When it does not trust us.
        """
        try:
            self._socket.sendall(self._connection.data_to_send())
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            pass
        except (TimeoutError, ssl.SSLError):
            raise
        except OSError:
            # It may have answered before it closed.
            pass
        found: list[tuple[SentEvent, bool, str]] = []
        while not found and not self.ended:
            try:
                data = self._socket.recv(1 << 16)
            except (TimeoutError, ssl.SSLError):
                raise
            except OSError:
                data = b""
            if not data:
                self.ended = True
                break
            for answer in self._connection.receive(data):
                event = self._events.pop(answer.number)
                self._bytes -= len(event.data)
                found.append((event, answer.accepted, answer.reason))
        return found
