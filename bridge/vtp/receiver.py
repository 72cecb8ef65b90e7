"""The receiver for authors as a Twisted factory: what authors send is offered, and answered when settled.

Acknowledged means published: the verdict comes after the journal's commit. An author that sends faster than
the journal takes is read more slowly, not buffered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import cast

from twisted.internet.interfaces import IAddress, IPushProducer
from twisted.internet.protocol import Protocol, ServerFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.vtp.allowance import Allowance
from bridge.vtp.offers import Offer, Take, Tend, Verdict
from bridge.vtp.prompt import PromptWriter, be_prompt
from bridge.vtp.receiver_connection import (
    Closing,
    Offered,
    ReceiverConnection,
    ReceiverEvent,
    Senseless,
)
from bridge.vtp.receiver_settings import ReceiverSettings
from bridge.vtp.status import ReceiverStatus
from bridge.vtp.twisted_types import Call, ReadableWire, Timer

__all__ = ["AuthorProtocol", "Receiver"]

_log = logging.getLogger(__name__)

# Addresses whose allowance is remembered.
_MOST_ALLOWANCES = 10_000


class Receiver(ServerFactory):
    """Takes events from authors.

    Parameters
    ----------
    settings
        Limits and timings.
    take
        Gets each message as an `Offer`; settles it later.
    clock
        The reactor, or a test's clock.
    released
        Called with an address when a connection from it has ended.
    """

    noisy = False

    def __init__(
        self,
        settings: ReceiverSettings,
        take: Take,
        clock: Timer,
        *,
        released: Callable[[str], None] = lambda _host: None,
    ) -> None:
        self.settings = settings
        self._released = released
        self._allowances: dict[str, Allowance] = {}
        self.take = take
        self.timer = clock
        self.connections = 0
        self.accepted = 0
        self.refused = 0
        self.closing = False
        self.pending_bytes = 0
        self._crowded = False
        self._members: dict[AuthorProtocol, None] = {}

    def buildProtocol(self, addr: IAddress | None) -> AuthorProtocol:  # noqa: N802
        """Called by Twisted for each connection."""
        host, port = getattr(addr, "host", "?"), getattr(addr, "port", "?")
        protocol = AuthorProtocol(self, f"{host}:{port}")
        protocol.host = host
        protocol.factory = self
        return protocol

    def joined(self, protocol: AuthorProtocol) -> None:
        """Take note of a new connection."""
        self._members[protocol] = None
        self.connections += 1

    def left(self, protocol: AuthorProtocol) -> None:
        """Take note that a connection has ended."""
        self._members.pop(protocol, None)
        self._released(protocol.host)

    def allowance(self, host: str) -> Allowance | None:
        """What authors at an address may send; None: as much as they like."""
        rate = self.settings.max_rate
        if not rate:
            return None
        now = self.timer.seconds()
        if len(self._allowances) >= _MOST_ALLOWANCES:
            # Whoever is known has spent something; beginning anew gives each a burst, once in a long while.
            self._allowances.clear()
        found = self._allowances.get(host)
        if found is None or found.rate != rate:
            found = self._allowances[host] = Allowance(rate, now)
        return found

    @property
    def crowded(self) -> bool:
        """Whether the authors together have so much unanswered that none of them is read."""
        return self._crowded

    def note_pending(self, more_bytes: int) -> None:
        """Take note of events offered (or, where negative, settled), in bytes."""
        self.pending_bytes += more_bytes
        limit = self.settings.max_all_pending_bytes
        if not self._crowded:
            self._crowded = self.pending_bytes >= limit
        elif self.pending_bytes <= limit // 2:
            self._crowded = False
            for member in tuple(self._members):
                member.tend()

    def status(self) -> ReceiverStatus:
        """Counts since the start."""
        return ReceiverStatus(
            connections=self.connections,
            connected=len(self._members),
            accepted=self.accepted,
            refused=self.refused,
        )

    def close(self) -> None:
        """Read nothing more; each author is said goodbye when it has its answers."""
        self.closing = True
        for member in tuple(self._members):
            member.end()


@implementer(IPushProducer)
class AuthorProtocol(Protocol):
    """Serves one author.

    Parameters
    ----------
    receiver
        What the connections share.
    address
        The author's ``host:port``.
    """

    def __init__(self, receiver: Receiver, address: str) -> None:
        self.receiver = receiver
        self.address = address
        self.host = ""
        self._name = f"vtp://{address}"
        self._timer = receiver.timer
        self._tick_call: Call | None = None
        self._gone = False
        self._ending = False
        self._sent_off = False
        self._held = False
        self._unsent = False
        self._reading = True

    def connectionMade(self) -> None:  # noqa: N802
        """Wait for what the author sends."""
        self.connection = ReceiverConnection(
            self.receiver.settings, self._timer.seconds(), self.receiver.allowance(self.host)
        )
        be_prompt(self.transport)
        self._writer = PromptWriter(self._wire())
        self._wire().registerProducer(self, True)
        self.receiver.joined(self)
        if self.receiver.closing:
            self.end()
        self.tend()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """The author has gone; what it has offered is settled all the same."""
        self._gone = True
        if self._tick_call is not None and self._tick_call.active():
            self._tick_call.cancel()
        self._tick_call = None
        self.receiver.left(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what the author sent, whatever it is."""
        if not self._ending:
            self._act_on(self.connection.receive(data, self._timer.seconds()))

    def pauseProducing(self) -> None:  # noqa: N802
        """The author does not read its answers: read nothing more from it."""
        self._unsent = True
        self.tend()

    def resumeProducing(self) -> None:  # noqa: N802
        """The author reads its answers again."""
        self._unsent = False
        self.tend()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is closing."""
        self._unsent = True

    def end(self) -> None:
        """Take nothing more, and close when all that was offered has its answer."""
        self._ending = True
        if self._held:
            self._close()
        else:
            self.tend()

    def _wire(self) -> ReadableWire:
        return cast("ReadableWire", self.transport)

    def _settle(self, number: int, verdict: Verdict) -> Tend | None:
        now = self._timer.seconds()
        events: list[ReceiverEvent] = []
        pending_bytes = self.connection.pending_bytes
        if verdict.outcome == "published":
            self.receiver.accepted += 1
            self.connection.accept(number, verdict.ivorn, now)
        else:
            self._note_refusal(verdict.ivorn, verdict.reason)
            events = self.connection.refuse(number, verdict.ivorn, f"Event rejected: {verdict.reason}", now)
        if not self._gone:
            self._heed(events)
        self.receiver.note_pending(self.connection.pending_bytes - pending_bytes)
        return None if self._gone else self.tend

    def _note_refusal(self, ivorn: str, reason: str) -> None:
        self.receiver.refused += 1
        if self._sent_off:
            # Hundreds of messages may follow on those for which it is disconnected.
            return
        _log.info(
            "author %s: %s is refused: %s",
            self.address,
            ascii(ivorn) if ivorn else "a message",
            ascii(reason)[1:-1],
            extra={"address": self.address, "ivorn": ivorn},
        )

    def _act_on(self, events: list[ReceiverEvent]) -> None:
        self._heed(events)
        self.tend()

    def _heed(self, events: list[ReceiverEvent]) -> None:
        for event in events:
            match event:
                case Offered(number, data):
                    settle = _Settling(self, number)
                    self.receiver.note_pending(len(data))
                    self.receiver.take(Offer(data, self._name, settle))
                case Senseless(reason):
                    self._note_refusal("", reason)
                case Closing(reason, rude):
                    _log.info(
                        "author %s is disconnected: %s",
                        self.address,
                        reason,
                        extra={"address": self.address},
                    )
                    self._ending = True
                    self._sent_off = rude

    def tend(self) -> None:
        """Send what is to be sent, and let the socket and the clock be as the connection wants them."""
        if self._gone:
            return
        wire = self._wire()
        data = self.connection.data_to_send()
        if data:
            self._writer.write(data)
        if self._ending and not self.connection.pending:
            self._part()
            return
        full = self.connection.full or self.receiver.crowded
        reading = not (self._unsent or self._ending or full)
        if reading != self._reading:
            self._reading = reading
            (wire.resumeProducing if reading else wire.pauseProducing)()
        self._set_clock()

    def _part(self) -> None:
        """Close the connection, at once or, if it is for what the author has sent, in a while."""
        if self._sent_off and not (self._held or self.receiver.closing):
            self._held = True
            self._wire().pauseProducing()
            if self._tick_call is not None and self._tick_call.active():
                self._tick_call.cancel()
            self._tick_call = self._timer.callLater(self.receiver.settings.hold_s, self._close)
        elif not self._held:
            self._close()

    def _close(self) -> None:
        if self._unsent:
            # An author that reads no answer would keep a polite closing waiting for ever.
            self._wire().abortConnection()
        else:
            self._wire().loseConnection()

    def _set_clock(self) -> None:
        due = self.connection.next_tick_at
        call = self._tick_call
        # A call that comes too early looks again: cheaper than setting the clock at each event.
        if due is not None and call is not None and call.active() and due < call.getTime() - 1.0:
            call.cancel()
            call = None
        if due is not None and call is None:
            delay = max(0.0, due - self._timer.seconds())
            self._tick_call = self._timer.callLater(delay, self._tick)

    def _tick(self) -> None:
        self._tick_call = None
        events = self.connection.tick(self._timer.seconds())
        if events and self._unsent:
            self._wire().abortConnection()
            return
        self._act_on(events)


class _Settling:
    """Answers one message: a small object, where a closure would keep the message's bytes alive."""

    __slots__ = ("_number", "_protocol")

    def __init__(self, protocol: AuthorProtocol, number: int) -> None:
        self._protocol = protocol
        self._number = number

    def __call__(self, verdict: Verdict) -> Tend | None:
        return self._protocol._settle(self._number, verdict)
