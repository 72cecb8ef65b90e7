"""The few parts of Twisted that the adapters use, as types.

Twisted describes them as zope interfaces, which a type checker does not understand; and the narrower the
part, the less a test's clock or transport has to be.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

__all__ = ["Call", "Port", "ReadableWire", "Timer", "Wire"]


class Call(Protocol):
    """Something that will be called later."""

    def active(self) -> bool:
        """Whether it is still to come."""
        ...

    def cancel(self) -> None:
        """Do not call it."""
        ...

    def getTime(self) -> float:  # noqa: N802
        """When it is due, in Unix seconds."""
        ...


class Timer(Protocol):
    """The part of a reactor, or of a test's clock, that tells and keeps time."""

    def seconds(self) -> float:
        """Unix seconds."""
        ...

    def callLater(self, delay: float, function: Callable[[], object], /) -> Call:  # noqa: N802
        """Call something after so many seconds."""
        ...


class Wire(Protocol):
    """A TCP connection."""

    def write(self, data: bytes, /) -> None:
        """Send, or keep until it can be sent."""
        ...

    def writeSequence(self, pieces: list[bytes], /) -> None:  # noqa: N802
        """Send several pieces as one."""
        ...

    def loseConnection(self) -> None:  # noqa: N802
        """Close when all is sent."""
        ...

    def abortConnection(self) -> None:  # noqa: N802
        """Close at once."""
        ...

    def registerProducer(self, producer: object, streaming: bool, /) -> None:  # noqa: N802
        """Tell this one when to pause and to go on."""
        ...


class ReadableWire(Wire, Protocol):
    """A TCP connection whose other side can be made to wait."""

    def pauseProducing(self) -> None:  # noqa: N802
        """Read nothing from the socket."""
        ...

    def resumeProducing(self) -> None:  # noqa: N802
        """Read from the socket again."""
        ...


class Port(Protocol):
    """A listening port."""

    def getHost(self) -> object:  # noqa: N802
        """Its address, with ``host`` and ``port``."""
        ...

    def stopListening(self) -> object:  # noqa: N802
        """Take no more connections; gives a Deferred, or None."""
        ...
