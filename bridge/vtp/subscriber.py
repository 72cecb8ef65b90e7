"""One subscriber's TCP connection: the thin skin between Twisted and `BroadcasterConnection`.

It reads the log at its own place, a page at a time, and only while the socket takes more. So a slow
reader costs one page of memory and nobody's time.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.errors import BridgeError
from bridge.vtp.connection import BroadcasterConnection
from bridge.vtp.events import Acked, Alive, Authenticated, Dead, Event, GraceOver, Nacked, Stray
from bridge.vtp.introduction import introduce
from bridge.vtp.pages import Page
from bridge.vtp.prompt import PromptProducer, be_prompt
from bridge.vtp.status import SubscriberStatus
from bridge.vtp.twisted_types import Call, ReadableWire

if TYPE_CHECKING:
    from bridge.vtp.server import Broadcaster

__all__ = ["SubscriberProtocol"]

_log = logging.getLogger(__name__)


@implementer(IPushProducer)
class SubscriberProtocol(Protocol):
    """Serves one subscriber.

    Parameters
    ----------
    broadcaster
        What the connections share: log, filters, cursors, settings.
    address
        The peer's ``host:port``.
    """

    def __init__(self, broadcaster: Broadcaster, address: str) -> None:
        self.broadcaster = broadcaster
        self.address = address
        self.host = ""
        self.ivo: str | None = None
        self.filters: tuple[str, ...] = ()
        # What its filters say is asked for up to here, while it is waited for what they say of one event: of
        # the one at this place (0: of none).
        self.asked_up_to = 0
        self.waits_for = 0
        self.newest_at_connect = 0
        self.filtered = 0
        self.oversize = 0
        self.last_acked_at: float | None = None
        # It has all there is, and room for more.
        self._keen = False
        self._timer = broadcaster.timer
        self._paused = False
        self._finishing = False
        self._dropped = False
        self._tick_call: Call | None = None

    def connectionMade(self) -> None:  # noqa: N802
        """Greet the peer at once; events wait until it has answered or its grace is over."""
        now = self._timer.seconds()
        self.connected_at = self.broadcaster.wall()
        self.connection = BroadcasterConnection(self.broadcaster.settings, now)
        be_prompt(self.transport)
        self._wire().registerProducer(self, True)
        self._writer = PromptProducer(self._wire())
        self.broadcaster.joined(self)
        try:
            self.newest_at_connect = self.broadcaster.log.last_seq()
        except BridgeError as error:
            self._give_up(error)
            return
        self._flush()
        self._watch()

    def connectionLost(self, reason: Failure | None = None) -> None:  # noqa: N802
        """Forget the connection; a durable subscriber's place stays with the cursors."""
        if self._tick_call is not None and self._tick_call.active():
            self._tick_call.cancel()
        self._tick_call = None
        if not self._dropped:
            self.broadcaster.left(self)
        self.broadcaster.closed(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Take what the peer sent, whatever it is."""
        if self._dropped:
            return
        self._handle(self.connection.receive(data, self._timer.seconds()))

    def pauseProducing(self) -> None:  # noqa: N802
        """The socket is full: read nothing more from the log."""
        self._paused = True

    def resumeProducing(self) -> None:  # noqa: N802
        """The socket takes more."""
        self._paused = False
        self.wake()

    def stopProducing(self) -> None:  # noqa: N802
        """The connection is closing."""
        self._paused = True

    def wake(self) -> None:
        """There may be something to send: look, when it is this one's turn."""
        if self.hungry:
            self.broadcaster.call_soon(self)

    @property
    def hungry(self) -> bool:
        """Whether it would take another event."""
        return not (self._paused or self._finishing or self.waits_for) and self.connection.room > 0

    @property
    def behind(self) -> bool:
        """Whether it is far from the newest event, or has never answered one, so that others come first."""
        connection, broadcaster = self.connection, self.broadcaster
        if connection.sent and not connection.has_answered:
            # Thousands that connect and say nothing would cost as much as thousands who listen.
            return True
        return connection.flight.passed_seq + broadcaster.settings.window < broadcaster.pages.newest

    def _wire(self) -> ReadableWire:
        return cast("ReadableWire", self.transport)

    def pump(self) -> None:
        """Send a page of what follows, as far as the peer and the socket have room."""
        settings = self.broadcaster.settings
        connection = self.connection
        flight = connection.flight
        room = connection.room
        self._keen = False
        if self._paused or self._finishing or self.waits_for or not room:
            return
        # Of what filters are asked about, little may be sent.
        count = settings.page_events if self.filters else min(room, settings.page_events)
        pages = self.broadcaster.pages
        try:
            page = pages.read(flight.passed_seq, count, settings.page_bytes)
        except BridgeError as error:
            self._give_up(error)
            return
        if page and not self._send(page):
            self.broadcaster.await_filters(self)
        elif page and not pages.at_end(flight.passed_seq):
            self.wake()
        elif connection.room:
            self._keen = True
            self.broadcaster.await_news(self)

    def _send(self, page: Page) -> bool:
        """Send a page; False if it has to be waited for what filters say of the rest of it."""
        nothing_under_way = not self.connection.flight
        if page.longest <= self.broadcaster.settings.max_event_bytes and not self.filters:
            now = self._timer.seconds()
            self.connection.send_all(page.seqs, page.ivorns, page.pieces, page.size_bytes, now)
        else:
            self._send_some(page)
        self._note_place()
        self._flush()
        if nothing_under_way:
            # The first of several events under way decides when an answer is overdue.
            self._watch()
        return not self.waits_for

    def _send_some(self, page: Page) -> None:
        """Send what passes the filters, up to the first event of which they have not said anything yet."""
        longest, room = self.broadcaster.settings.max_event_bytes, self.connection.room
        passes, filters = self.broadcaster.board.passes, self.filters
        kept: list[int] = []
        decided = len(page)
        for place, event in enumerate(page):
            if self.waits_for and event.seq <= self.asked_up_to:
                continue
            verdict = passes(filters, event.seq, event.data) if len(event.data) <= longest else False
            if self.waits_for or verdict is None:
                # What they say of the rest of the page is asked for with it, once.
                self.asked_up_to = max(self.asked_up_to, event.seq)
                if not self.waits_for:
                    self.waits_for, decided = event.seq, place
                continue
            if verdict and len(kept) == room:
                decided = place
                break
            if verdict:
                kept.append(place)
            elif len(event.data) > longest:
                self.oversize += 1
                self.broadcaster.note_oversize(event)
            else:
                self.filtered += 1
        if kept:
            some = page.only(kept)
            now = self._timer.seconds()
            self.connection.send_all(some.seqs, some.ivorns, some.pieces, some.size_bytes, now)
        if decided:
            self.connection.skip(page.seqs[decided - 1])

    def finish(self) -> None:
        """Send no more events, and say goodbye when those under way are answered."""
        self._finishing = True
        self._leave_if_done()

    def _leave_if_done(self) -> None:
        if self._finishing and not self.connection.flight:
            self.close()

    def close(self) -> None:
        """Say goodbye: what is already written is still sent."""
        self._wire().loseConnection()

    def _tick(self) -> None:
        self._tick_call = None
        self._handle(self.connection.tick(self._timer.seconds()))
        self._watch()

    def _flush(self) -> None:
        pieces = self.connection.pieces_to_send()
        if pieces:
            self._writer.write(pieces)

    def _watch(self) -> None:
        """Have the connection's clock looked at when something is due, and not for every event."""
        if self.connection.dead is not None:
            return
        due = self.connection.next_tick_at
        if self._tick_call is None or self._tick_call.getTime() > due:
            if self._tick_call is not None:
                self._tick_call.cancel()
            delay = max(0.0, due - self._timer.seconds())
            self._tick_call = self._timer.callLater(delay, self._tick)

    def _give_up(self, error: BridgeError) -> None:
        _log.error("subscriber %s cannot be served: %s", self.address, error, extra=self.extra)
        self._wire().abortConnection()

    def _handle(self, events: list[Event]) -> None:
        try:
            self._act_on(events)
        except BridgeError as error:
            self._give_up(error)

    def _act_on(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Acked():
                    self.broadcaster.acked += len(event.seqs)
                    self.last_acked_at = self.broadcaster.wall()
                case Nacked():
                    self.broadcaster.nacked += 1
                    refusal = (self.address, event.ivorn, event.reason)
                    _log.warning("subscriber %s refuses %r: %r", *refusal, extra=self.extra)
                case Authenticated():
                    self._keen = False
                    introduce(self, event)
                case GraceOver():
                    self._keen = False
                    _log.info("subscriber %s does not say who it is", self.address, extra=self.extra)
                    self.connection.flight.restart(
                        self.broadcaster.cursors.newcomer_start(self.newest_at_connect)
                    )
                case Alive():
                    _log.debug("subscriber %s is alive", self.address, extra=self.extra)
                case Stray(first=True):
                    _log.info("subscriber %s: %s", self.address, ascii(event.reason), extra=self.extra)
                case Stray():
                    # How many there are in a row is said if it is dropped for them.
                    pass
                case Dead():
                    self.broadcaster.dropped += 1
                    said = (self.address, ascii(event.reason))
                    _log.warning("subscriber %s is dropped: %s", *said, extra=self.extra)
                    self._drop()
                    return
        self._note_place()
        self._flush()
        if self._finishing:
            self._leave_if_done()
        elif self.behind:
            self.wake()
        elif not self._keen:
            self.pump()

    def _drop(self) -> None:
        """Serve the peer no more, and close the connection in a while."""
        self._dropped = True
        self.broadcaster.left(self)
        self._wire().pauseProducing()
        if self._tick_call is not None and self._tick_call.active():
            self._tick_call.cancel()
        # A peer that does not read would keep a polite closing waiting for ever.
        self._tick_call = self._timer.callLater(
            self.broadcaster.settings.hold_s, lambda: self._wire().abortConnection()
        )

    def _note_place(self) -> None:
        if self.ivo is not None:
            self.broadcaster.cursors.move(self.ivo, self, self.connection.flight.handled_seq)

    @property
    def extra(self) -> dict[str, object]:
        """Fields for the log that say who it is."""
        return {"subscriber": self.ivo, "address": self.address}

    def status(self, last_seq: int) -> SubscriberStatus:
        """A snapshot; `last_seq` is the newest place in the log."""
        connection = self.connection
        handled = connection.flight.handled_seq
        return SubscriberStatus(
            address=self.address,
            ivo=self.ivo,
            connected_at=self.connected_at,
            serving=connection.serving,
            sent=connection.sent,
            sent_bytes=connection.sent_bytes,
            acked=connection.acked,
            last_acked_at=self.last_acked_at,
            nacked=connection.nacked,
            filtered=self.filtered,
            oversize=self.oversize,
            in_flight=len(connection.flight),
            handled_seq=handled,
            lag=max(0, last_seq - handled) if connection.serving else 0,
            filters=self.filters,
            durable=self.ivo is not None and self.broadcaster.cursors.durable,
        )
