"""The broadcaster as a Twisted factory: subscribers as cursors on one log.

What connections share lives here (the log's newest pages, filters, cursors, counts); what one connection
does is in `subscriber`, and what the protocol says in `connection`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence, Set
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.internet.threads import deferToThreadPool

from bridge.vtp.cursors import CursorKeeper, SaveCursors
from bridge.vtp.drain import drain
from bridge.vtp.filter_process import BESET_NICENESS, NICENESS, FilterProcess
from bridge.vtp.filters import FilterBoard
from bridge.vtp.pages import EventLog, LoggedEvent, RecentPages
from bridge.vtp.port import installed_reactor
from bridge.vtp.settings import BroadcasterSettings
from bridge.vtp.status import BroadcasterStatus
from bridge.vtp.subscriber import SubscriberProtocol
from bridge.vtp.twisted_types import Timer

__all__ = ["Broadcaster"]

_log = logging.getLogger(__name__)

TURN_S, MOST_IN_A_TURN = 0.004, 8
"""So many of those who are behind are served in one turn of the reactor, and for so long, in seconds. What
they get is written to their sockets in that turn, too, which takes longer than to look it up."""


class Broadcaster(ServerFactory):
    """Serves VTP subscribers from a log of events.

    All methods belong to the reactor's thread. Another thread that has appended to the log says so with
    ``reactor.callFromThread(broadcaster.wake, events)``, in the order of the log.

    Parameters
    ----------
    log
        The events, usually a `bridge.journal.JournalReader` of its own; read in the reactor's thread, in
        short pages.
    settings
        Limits and timings.
    save_cursors
        Keeps the places of subscribers known by name, usually `bridge.journal.Journal.save_cursors`; called
        in a thread of the reactor's pool. None: places do not outlive the process.
    clock
        The reactor, or a test's clock.
    wall
        Unix seconds, by which times are looked up in the log; the clock's, if one is given. A reactor's own
        may be steady instead of right.
    stopwatch
        Seconds, to see how long a turn takes.
    released
        Called with an address when a connection from it has ended.
    """

    noisy = False

    def __init__(
        self,
        log: EventLog,
        settings: BroadcasterSettings,
        *,
        save_cursors: SaveCursors | None = None,
        clock: Timer | None = None,
        wall: Callable[[], float] | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
        released: Callable[[str], None] = lambda _host: None,
    ) -> None:
        self.log = log
        self.settings = settings
        self.timer = clock if clock is not None else installed_reactor()
        self.wall = wall or (clock.seconds if clock is not None else time.time)
        self.pages = RecentPages(log, settings.cache_bytes, settings.page_events, settings.page_bytes)
        apart = self._make_filter_process(NICENESS)
        trial = self._make_filter_process(BESET_NICENESS)
        self._apart = (apart, trial)
        self.board = FilterBoard(settings.max_filters, settings.max_filter_chars, apart, self.hear, trial)
        self.cursors = CursorKeeper(log, settings, save_cursors, _runner(self.timer), self.timer, self.wall)
        self.connections = 0
        self.dropped = 0
        self.acked = 0
        self.nacked = 0
        self.oversize = 0
        self._stopwatch = stopwatch
        self._released = released
        self._draining = False
        self._sent_before = 0
        self._newest_oversize = 0
        self._members: dict[SubscriberProtocol, None] = {}
        self._keen: dict[SubscriberProtocol, None] = {}
        self._undecided: dict[SubscriberProtocol, None] = {}
        self._soon: dict[SubscriberProtocol, None] = {}
        self._late: dict[SubscriberProtocol, None] = {}
        self._called = False

    def _make_filter_process(self, beset_niceness: int) -> FilterProcess | None:
        run_here = getattr(self.timer, "callFromThread", None)
        if run_here is None:
            # A test's clock has no threads: then filters are evaluated where they are asked for.
            return None
        return FilterProcess(
            lambda answers: run_here(self.board.answered, answers), beset_niceness=beset_niceness
        )

    def buildProtocol(self, addr: IAddress | None) -> SubscriberProtocol | None:  # noqa: N802
        """Called by Twisted for each connection; None has it closed, when the end has begun."""
        if self._draining:
            return None
        host, port = getattr(addr, "host", "?"), getattr(addr, "port", "?")
        protocol = SubscriberProtocol(self, f"{host}:{port}")
        protocol.host = host
        protocol.factory = self
        return protocol

    def joined(self, protocol: SubscriberProtocol) -> None:
        """Take note of a new connection."""
        self._members[protocol] = None
        self.connections += 1
        _log.info("subscriber %s connects", protocol.address, extra={"address": protocol.address})

    def left(self, protocol: SubscriberProtocol) -> None:
        """Take note that a connection is served no more."""
        del self._members[protocol]
        for those in (self._keen, self._undecided, self._soon, self._late):
            those.pop(protocol, None)
        self._sent_before += protocol.connection.sent
        if protocol.ivo is not None:
            self.cursors.leave(protocol.ivo, protocol)
        _log.info(
            "subscriber %s has gone, %d events sent, %d unacknowledged",
            protocol.address,
            protocol.connection.sent,
            len(protocol.connection.flight),
            extra={"address": protocol.address, "subscriber": protocol.ivo},
        )

    def closed(self, protocol: SubscriberProtocol) -> None:
        """Take note that a connection, which may have been held for a while, has ended."""
        self._released(protocol.host)

    def wake(self, new: Sequence[LoggedEvent] = ()) -> None:
        """The log has grown: serve whoever waits for that.

        Parameters
        ----------
        new
            What follows in the log on what was given last; then those who follow live need not read it there.
            If nothing is given the log is read.
        """
        if new and self._members:
            self.pages.grow(new)
        else:
            self.pages.refresh()
        keen, self._keen = self._keen, {}
        for protocol in keen:
            protocol.wake()

    def await_news(self, protocol: SubscriberProtocol) -> None:
        """Serve a connection when the log has grown; nobody else has to be asked then, be they thousands."""
        self._keen[protocol] = None

    def await_filters(self, protocol: SubscriberProtocol) -> None:
        """Serve a connection when its filters have said something of the event that it waits for."""
        self._undecided[protocol] = None

    def hear(self, seqs: Set[int]) -> None:
        """Filters have said something of the events at these places."""
        for protocol in [one for one in self._undecided if one.waits_for in seqs or not one.waits_for]:
            del self._undecided[protocol]
            protocol.waits_for = 0
            protocol.wake()

    def call_soon(self, protocol: SubscriberProtocol) -> None:
        """Serve a connection in the next turn of the reactor, each that asks once."""
        (self._late if protocol.behind else self._soon)[protocol] = None
        self._call_serve_soon()

    def _call_serve_soon(self) -> None:
        if not self._called:
            self._called = True
            self.timer.callLater(0, self._serve_soon)

    def _serve_soon(self) -> None:
        self._called = False
        # Who listens live comes first; those who are behind share a short turn, and go on in the next one.
        waiting, self._soon = self._soon, {}
        ends_at = self._stopwatch() + TURN_S
        try:
            while waiting:
                self._serve(waiting)
            for _ in range(MOST_IN_A_TURN):
                if not self._late:
                    break
                self._serve(self._late)
                if self._stopwatch() > ends_at:
                    break
        finally:
            # A fault with one of them is not the others'.
            self._soon = waiting | self._soon
            if self._soon or self._late:
                self._call_serve_soon()

    def _serve(self, waiting: dict[SubscriberProtocol, None]) -> None:
        """Serve the first of those who wait; whoever wants more comes last again."""
        protocol = next(iter(waiting))
        del waiting[protocol]
        # It may have lost its connection meanwhile.
        if protocol in self._members:
            protocol.pump()

    def note_oversize(self, event: LoggedEvent) -> None:
        """Count and log an event that is too long for subscribers, once for all of them."""
        if event.seq <= self._newest_oversize:
            return
        self._newest_oversize = event.seq
        self.oversize += 1
        _log.warning(
            "event %r has %d bytes and is not broadcast: subscribers take at most %d",
            event.ivorn,
            len(event.data),
            self.settings.max_event_bytes,
            extra={"ivorn": event.ivorn, "seq": event.seq, "size_bytes": len(event.data)},
        )

    def everyone_has_acked(self, seq: int) -> bool:
        """Whether every connected subscriber has answered all events up to a place.

        One that has only just connected and not yet said who it is counts as not having done so; with
        nobody connected the answer is yes.
        """
        return all(
            member.connection.serving and member.connection.flight.handled_seq >= seq
            for member in self._members
        )

    def status(self) -> BroadcasterStatus:
        """A snapshot of all subscribers and counts."""
        last = self.log.last_seq()
        return BroadcasterStatus(
            last_seq=last,
            connections=self.connections,
            dropped=self.dropped,
            sent=self._sent_before + sum(member.connection.sent for member in self._members),
            acked=self.acked,
            nacked=self.nacked,
            oversize=self.oversize,
            subscribers=tuple(member.status(last) for member in self._members),
        )

    def reconfigure(self, settings: BroadcasterSettings) -> None:
        """Go by other settings; those who are connected keep theirs of window and timings."""
        self.settings = settings
        self.cursors.settings = settings

    def drain(self) -> Deferred[int]:
        """Take no more connections, send nothing new, and wait for answers, `settings.drain_s` at most.

        Fires with the number of subscribers who had not answered for everything that was sent to them.
        """
        self._draining = True
        return drain(self._members, self.settings.drain_s, self.timer)

    def close(self) -> None:
        """Say goodbye to all subscribers and save the places of the durable ones."""
        for member in tuple(self._members):
            member.close()
        self.cursors.close()
        for process in self._apart:
            if process is not None:
                process.close()


def _runner(timer: Timer) -> Callable[[Callable[[], None]], Deferred[Any]]:
    pool = getattr(timer, "getThreadPool", None)
    if pool is None:
        return maybeDeferred
    return lambda function: deferToThreadPool(timer, pool(), function)  # type: ignore[arg-type]
