"""Sends VOEvents to a broker as their author, and tells what became of each.

Stock brokers close the connection after one event; ours takes many, and commits those that come together
together. Which kind it is shows after the first answer.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from os import PathLike
from typing import Literal

from bridge.client.author_wire import AuthorWire, SentEvent
from bridge.client.tls import client_context, tls_reason
from bridge.client.wire import UnreachableError, connect
from bridge.errors import PacketError
from bridge.vtp.address import RECEIVE_PORT, Address, parse_address
from bridge.vtp.frames import MAX_FRAME_BYTES
from bridge.vtp.receiver_connection import salvage_ivorn
from bridge.vtp.tls import client_tls

__all__ = ["Submitted", "submit"]

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
    events: Iterable[bytes],
    to: str | Address,
    *,
    timeout_s: float = 30.0,
    one_by_one: bool | None = None,
    tls: bool | None = None,
    tls_ca: str | PathLike[str] | None = None,
    tls_certificate: str | PathLike[str] | None = None,
    tls_key: str | PathLike[str] | None = None,
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
    tls
        Whether the connection is encrypted; by default if there is any file for it. The broker's certificate
        must name its host.
    tls_ca
        PEM file with the authorities by which the broker is trusted; by default the system's.
    tls_certificate, tls_key
        PEM files with the certificate by which we prove ourselves, and its key (by default in the same file).

    Raises
    ------
    UsageError
        If the address makes no sense, or a file for TLS cannot be used.
    SourceError
        When there is no connection to the broker for the first event, or not in trust.
    """
    address = to if isinstance(to, Address) else parse_address(to, RECEIVE_PORT)
    files = client_tls(f"The connection to {address}", tls, tls_ca, tls_certificate, tls_key)
    context = None if files is None else client_context(files)
    return _Submission(events, address, context, timeout_s, one_by_one).run()


class _Submission:
    def __init__(
        self,
        events: Iterable[bytes],
        address: Address,
        context: ssl.SSLContext | None,
        timeout_s: float,
        one_by_one: bool | None,
    ) -> None:
        self._address = address
        self._context = context
        self._timeout_s = timeout_s
        self._one_by_one = one_by_one
        self._again: deque[SentEvent] = deque()
        self._rest = iter(enumerate(events))
        self._reached = self._answered = False

    def run(self) -> Iterator[Submitted]:
        while (event := self._take()) is not None:
            self._again.appendleft(event)
            try:
                wire = AuthorWire(connect(self._address, self._timeout_s, self._context))
            except UnreachableError as error:
                if not self._reached:
                    raise
                # It was there before: what is left is told of one by one.
                yield from self._give_up(f"the broker has gone: {error.reason}")
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
                except ssl.SSLError as error:
                    # In TLS 1.3 a broker judges our certificate when we believe to be connected.
                    reason = tls_reason(error)
                    if not self._answered:
                        raise UnreachableError(self._address, reason) from error
            if reason:
                for event in wire.left():
                    yield Submitted(event.index, event.ivorn, "unanswered", reason)
                yield from self._give_up(reason)
                return

    def _take(self) -> SentEvent | None:
        if self._again:
            return self._again.popleft()
        following = next(self._rest, None)
        return None if following is None else SentEvent(*following, salvage_ivorn(following[1]))

    def _give_up(self, reason: str) -> Iterator[Submitted]:
        while (event := self._take()) is not None:
            if event.doubtful:
                told = f"the connection ended before the answer, and then {reason}"
                yield Submitted(event.index, event.ivorn, "unanswered", told)
            else:
                yield Submitted(event.index, event.ivorn, "unsent", reason)

    def _alone(self, wire: AuthorWire) -> Iterator[Submitted]:
        """The first event of a connection: afterwards it shows whether the broker takes another."""
        wire.send(self._again.popleft())
        yield from self._answers(wire)
        for left in wire.left():
            reason = "the broker closed the connection without an answer"
            if len(left.data) > MAX_FRAME_BYTES:
                reason += f"; stock brokers take no more than {MAX_FRAME_BYTES:,} bytes"
            elif not self._answered:
                reason += "; is this its port for authors, and does it want TLS?"
            yield Submitted(left.index, left.ivorn, "unanswered", reason)
        if self._one_by_one is None and not wire.ended:
            following = self._take()
            if following is None:
                return
            self._again.appendleft(following)
            self._one_by_one = wire.ends_within(CLOSING_S)

    def _together(self, wire: AuthorWire) -> Iterator[Submitted]:
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

    def _answers(self, wire: AuthorWire) -> Iterator[Submitted]:
        for event, accepted, reason in wire.answers():
            self._answered = True
            if not accepted and event.doubtful and "previously seen" in reason.lower():
                yield Submitted(event.index, event.ivorn, "accepted", "it had arrived before")
            else:
                yield Submitted(event.index, event.ivorn, "accepted" if accepted else "refused", reason)
