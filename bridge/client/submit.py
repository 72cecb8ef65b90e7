"""Sends VOEvents to a broker as their author, and tells what became of each.

Stock brokers close the connection after one event; ours takes many, and commits those that come together
together. Which kind it is shows after the first answer.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, Self

from bridge.errors import PacketError, SourceError
from bridge.vtp.address import RECEIVE_PORT, Address, parse_address
from bridge.vtp.author_connection import AuthorConnection
from bridge.vtp.receiver_connection import salvage_ivorn

__all__ = ["Submitted", "submit"]

WINDOW = 256
"""Most events under way on one connection."""

WINDOW_BYTES = 1 << 20
"""Most bytes of events under way on one connection, but for a single larger one."""

# How long after the first answer a broker that wants one event a connection has closed it: it does so in the
# same breath, so the end arrives with the answer or a moment after.
CLOSING_S = 0.1


@dataclass(frozen=True, slots=True)
class Submitted:
    """What became of one event.

    Parameters
    ----------
    index
        Its place among those that were given, from 0.
    ivorn
        Its identifier, as far as it can be read; else empty.
    outcome
        ``"accepted"``: the broker has acknowledged it. ``"refused"``: the broker does not take it.
        ``"unanswered"``: it was sent, and the broker said nothing of it. ``"unsent"``: the broker was gone.
    reason
        The broker's words, or what happened.
    """

    index: int
    ivorn: str
    outcome: Literal["accepted", "refused", "unanswered", "unsent"]
    reason: str = ""


def submit(
    events: Iterable[bytes], to: str | Address, *, timeout_s: float = 30.0, one_by_one: bool | None = None
) -> Iterator[Submitted]:
    """Send events to a broker; yields what became of each, in the order of the answers.

    Parameters
    ----------
    events
        Packets; each is sent as it is, byte for byte.
    to
        ``host`` or ``host:port`` (8098).
    timeout_s
        How long the connection, and each answer, is waited for, in seconds.
    one_by_one
        A connection for each event, as stock brokers want it. None finds out.

    Raises
    ------
    SourceError
        When the broker cannot be reached for the first event.
    """
    address = to if isinstance(to, Address) else parse_address(to, RECEIVE_PORT)
    return _Submission(events, address, timeout_s, one_by_one).run()


@dataclass(frozen=True, slots=True)
class _Event:
    index: int
    data: bytes
    ivorn: str
    doubtful: bool = False
    """It was sent once, on a connection that ended before the answer: it may have arrived."""


class _Submission:
    def __init__(
        self, events: Iterable[bytes], address: Address, timeout_s: float, one_by_one: bool | None
    ) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._one_by_one = one_by_one
        self._again: deque[_Event] = deque()
        self._rest = iter(enumerate(events))
        self._reached = False

    def run(self) -> Iterator[Submitted]:
        while (event := self._take()) is not None:
            self._again.appendleft(event)
            try:
                wire = _Wire(self._address, self._timeout_s)
            except SourceError as error:
                if not self._reached:
                    raise
                # It was there before: what is left is told of one by one.
                yield from self._give_up(str(error))
                return
            self._reached = True
            reason = ""
            with wire:
                try:
                    yield from self._alone(wire)
                    if not self._one_by_one and not wire.ended:
                        yield from self._together(wire)
                except TimeoutError:
                    reason = f"no answer within {self._timeout_s:g} s"
                except PacketError as error:
                    reason = f"this is no broker that takes events: {error}"
            if reason:
                for event in wire.left():
                    yield Submitted(event.index, event.ivorn, "unanswered", reason)
                yield from self._give_up(reason)
                return

    def _take(self) -> _Event | None:
        if self._again:
            return self._again.popleft()
        following = next(self._rest, None)
        return None if following is None else _Event(*following, salvage_ivorn(following[1]))

    def _give_up(self, reason: str) -> Iterator[Submitted]:
        while (event := self._take()) is not None:
            outcome: Literal["unanswered", "unsent"] = "unanswered" if event.doubtful else "unsent"
            yield Submitted(event.index, event.ivorn, outcome, reason)

    def _alone(self, wire: _Wire) -> Iterator[Submitted]:
        """The first event of a connection: afterwards it shows whether the broker takes another."""
        wire.send(self._again.popleft())
        yield from self._answers(wire)
        for left in wire.left():
            reason = "the broker closed the connection without an answer"
            yield Submitted(left.index, left.ivorn, "unanswered", reason)
        if self._one_by_one is None and not wire.ended:
            following = self._take()
            if following is None:
                return
            self._again.appendleft(following)
            self._one_by_one = wire.ends_within(CLOSING_S)

    def _together(self, wire: _Wire) -> Iterator[Submitted]:
        more = True
        while more or wire.under_way:
            while more and wire.has_room:
                event = self._take()
                more = event is not None
                if event is not None:
                    wire.send(event)
            if wire.under_way:
                yield from self._answers(wire)
            if wire.ended:
                # What was sent may have arrived: alone, each will have its answer.
                self._one_by_one = True
                self._again.extendleft(replace(event, doubtful=True) for event in reversed(wire.left()))
                return

    def _answers(self, wire: _Wire) -> Iterator[Submitted]:
        for event, accepted, reason in wire.answers():
            if not accepted and event.doubtful and "previously seen" in reason.lower():
                yield Submitted(event.index, event.ivorn, "accepted", "it had arrived before")
            else:
                yield Submitted(event.index, event.ivorn, "accepted" if accepted else "refused", reason)


class _Wire:
    """One connection, and the events under way on it."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.ended = False
        self._connection = AuthorConnection()
        self._events: dict[int, _Event] = {}
        self._bytes = 0
        try:
            self._socket = socket.create_connection((address.host, address.port), timeout_s)
        except OSError as error:
            raise SourceError(
                f"The broker {address} cannot be reached ({error.strerror or error}). Check its name and "
                "port, and that it takes events from here."
            ) from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

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

    def send(self, event: _Event) -> None:
        """Note an event for sending; it goes out when answers are asked for."""
        self._events[event.index] = event
        self._bytes += len(event.data)
        self._connection.send(event.index, event.ivorn, event.data)

    def left(self) -> list[_Event]:
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

    def answers(self) -> list[tuple[_Event, bool, str]]:
        """Send what is noted and wait for answers, one at least; none when the connection has ended.

        Raises
        ------
        TimeoutError
            When none comes in time.
        PacketError
            When the peer does not speak VTP.
        """
        try:
            self._socket.sendall(self._connection.data_to_send())
        except TimeoutError:
            raise
        except OSError:
            # It may have answered before it closed.
            pass
        found: list[tuple[_Event, bool, str]] = []
        while not found and not self.ended:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
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
