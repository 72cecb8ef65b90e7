"""The broadcaster as a Twisted factory: subscribers as cursors on one log.

What connections share lives here (the log's newest pages, filters, cursors, counts); what one connection
does is in `subscriber`, and what the protocol says in `connection`.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory
from twisted.internet.threads import deferToThreadPool

from bridge.errors import SourceError
from bridge.vtp.cursors import CursorKeeper, SaveCursors
from bridge.vtp.drain import drain
from bridge.vtp.filter_process import BESET_NICENESS, NICENESS, FilterProcess
from bridge.vtp.filters import FilterBoard
from bridge.vtp.pages import EventLog, LoggedEvent, RecentPages
from bridge.vtp.settings import BroadcasterSettings
from bridge.vtp.status import BroadcasterStatus
from bridge.vtp.subscriber import SubscriberProtocol
from bridge.vtp.twisted_types import Port, Timer

__all__ = ["Broadcaster", "Matcher", "listen"]

Matcher = Callable[[Sequence[str], int, bytes], bool | None]

_log = logging.getLogger(__name__)

# Connections that wait to be taken: who comes amid a flood of others must not be told to come again.
_BACKLOG = 1_024

TURN_S = 0.004
"""So long those who are behind are served in one turn of the reactor, in seconds; one of them at least is."""


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
    matcher
        Decides whether a subscriber with these filters gets an event ``(expressions, seq, data)``; the
        default evaluates XPath in a process of its own. None means not known yet: `wake` when it is.
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
        matcher: Matcher | None = None,
        clock: Timer | None = None,
        wall: Callable[[], float] | None = None,
        stopwatch: Callable[[], float] = time.perf_counter,
        released: Callable[[str], None] = lambda _host: None,
    ) -> None:
        self.log = log
        self.settings = settings
        self.timer = clock if clock is not None else _reactor()
        self.wall = wall or (clock.seconds if clock is not None else time.time)
        self.pages = RecentPages(log, settings.cache_bytes, settings.page_events, settings.page_bytes)
        apart = self._make_filter_process(NICENESS)
        trial = self._make_filter_process(BESET_NICENESS)
        self._apart = (apart, trial)
        self.board = FilterBoard(settings.max_filters, settings.max_filter_chars, apart, self.wake, trial)
        self.matches = matcher or self.board.passes
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
        self._soon: dict[SubscriberProtocol, None] = {}

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
        """Take note that a connection has ended."""
        del self._members[protocol]
        self._released(protocol.host)
        self._soon.pop(protocol, None)
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
        for protocol in self._members:
            if not protocol.full:
                protocol.wake()

    def call_soon(self, protocol: SubscriberProtocol) -> None:
        """Serve a connection in the next turn of the reactor, each that asks once."""
        if not self._soon:
            self.timer.callLater(0, self._serve_soon)
        self._soon[protocol] = None

    def _serve_soon(self) -> None:
        waiting, self._soon = self._soon, {}
        # Who listens live comes first; those who are behind share a short turn, and go on in the next one.
        ends_at = self._stopwatch() + TURN_S
        try:
            for protocol in sorted(waiting, key=lambda one: one.behind):
                if protocol.behind and self._stopwatch() > ends_at:
                    break
                del waiting[protocol]
                # One of them may have lost its connection meanwhile.
                if protocol in self._members:
                    protocol.pump()
        finally:
            # Who had no turn comes before those who had one. A fault with one of them is not the others'.
            if waiting and not self._soon:
                self.timer.callLater(0, self._serve_soon)
            self._soon = waiting | self._soon

    def gets_all(self, filters: Sequence[str]) -> bool:
        """Whether a subscriber with these filters gets every event, so that nobody has to look at any."""
        return not filters and self.matches == self.board.passes

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


def listen(
    factory: ServerFactory,
    port: int,
    interface: str = "",
    reactor: Any = None,
    *,
    whom: str = "subscribers",
    flag: str = "--broadcast",
) -> Port:
    """Take connections on a TCP port (VTP's usual ones: 8099 for subscribers, 8098 for authors).

    Parameters
    ----------
    factory
        A `Broadcaster`, or a `bridge.vtp.receiver.Receiver`.
    port, interface
        Where; port 0 takes a free one, an empty interface means all addresses of IPv4.
    reactor
        Twisted's reactor; None for the installed one.
    whom, flag
        For people who read an error: who would have connected, and the flag that names the port.

    Raises
    ------
    SourceError
        When the port is taken or may not be used.
    """
    where = reactor if reactor is not None else cast("Any", _reactor())
    try:
        return cast("Port", where.listenTCP(port, factory, backlog=_BACKLOG, interface=interface))
    except CannotListenError as error:
        taken = getattr(error.socketError, "errno", None) == errno.EADDRINUSE
        remedy = (
            f"Another broker may be using it; give another port with {flag}."
            if taken
            else f"Check the port ({flag}) and the address (--interface)."
        )
        named = f"Port {port}" + (f" of {interface}" if interface else "")
        why = getattr(error.socketError, "strerror", None) or error.socketError
        raise SourceError(f"{named} cannot be opened for {whom} ({why}). {remedy}") from error
    except OverflowError as error:
        raise SourceError(f"Port {port} does not exist; give one between 1 and 65535 with {flag}.") from error


def _reactor() -> Timer:
    # Importing the reactor installs it, so only one who serves does.
    from twisted.internet import reactor

    return cast("Timer", reactor)


def _runner(timer: Timer) -> Callable[[Callable[[], None]], Deferred[Any]]:
    pool = getattr(timer, "getThreadPool", None)
    if pool is None:
        return maybeDeferred
    return lambda function: deferToThreadPool(timer, pool(), function)  # type: ignore[arg-type]
