"""Runs a feed until it is told to stop: the intake in a thread, subscribers in Twisted's reactor.

Nothing but wake-ups crosses from one to the other; what they share is the journal.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from twisted.internet.error import ReactorNotRunning
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThread

from bridge.alerts.store import open_store
from bridge.errors import BridgeError, UsageError
from bridge.feed.config import FeedConfig
from bridge.feed.intake import Counts, Intake
from bridge.feed.positions import from_journal
from bridge.feed.retention import keep_within
from bridge.journal import Journal
from bridge.pipeline import DeadLetters, Pipeline
from bridge.streams import open_source
from bridge.vtp.server import Broadcaster, listen

__all__ = ["serve"]

_log = logging.getLogger(__name__)

STATUS_INTERVAL_S = 60.0
RETENTION_INTERVAL_S = 60.0
ONCE_CHECK_S = 0.05
# Between two looks at a followed folder, where looking is quick.
LOOK_INTERVAL_S = 0.1
# How long a stop waits for the intake to finish its batch, in seconds.
PATIENCE_S = 30.0


def serve(config: FeedConfig, *, reactor: Any = None, ready: Callable[[int], None] | None = None) -> Counts:
    """Run a feed; returns when a signal (SIGTERM, SIGINT) or the end of a ``once`` run ends it.

    Parameters
    ----------
    config
        What to feed to whom.
    reactor
        Twisted's reactor; None for the installed one.
    ready
        Called with the port when subscribers can connect.

    Returns
    -------
    What the intake has done.

    Raises
    ------
    BridgeError
        If the source, journal or port cannot be opened; or if the source breaks, or a filter or mapping
        does not fit it, while the feed runs.
    """
    if reactor is None:
        from twisted.internet import reactor as installed

        reactor = installed
    with Journal.open(config.journal, durability=config.durability) as journal, journal.reader() as reader:
        feed = _Feed(config, journal, reactor)
        broadcaster = Broadcaster(reader, config.broadcaster, save_cursors=journal.save_cursors)
        port = listen(broadcaster, config.port, config.interface, reactor)
        number: int = cast("Any", port.getHost()).port
        _log.info(
            "serving subscribers on port %d as %s; the journal %s holds %d events",
            number,
            config.broadcaster.local_ivo,
            config.journal,
            journal.last_seq(),
            extra={"port": number},
        )
        feed.run(broadcaster, lambda: ready(number) if ready else None)
    if feed.failure is not None:
        raise feed.failure
    return feed.counts


def _member(journal: Path) -> str:
    """Name of this feed within a consumer group: its journal's, because positions and journal go together."""
    place = f"{socket.gethostname()}:{journal.resolve()}"
    return f"voevent-bridge-{hashlib.sha256(place.encode()).hexdigest()[:16]}"


class _Feed:
    """One run: the intake's thread, the clockwork around it, and the way to an orderly end."""

    def __init__(self, config: FeedConfig, journal: Journal, reactor: Any) -> None:
        self.config = config
        self.journal = journal
        self.reactor = reactor
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self.intake = self._make_intake() if config.source is not None else None
        self.counts = self.intake.counts if self.intake is not None else Counts()
        self.thread: threading.Thread | None = None
        self.broadcaster: Broadcaster | None = None

    def _make_intake(self) -> Intake:
        config = self.config
        assert config.source is not None
        if config.source == "-" and sys.stdin is None:
            raise UsageError("There is no standard input to read (--from -): it is closed.")
        resume = from_journal(self.journal.positions())
        source = open_source(
            config.source,
            store=open_store(config.schemas),
            resume=resume,
            follow=config.follow and not config.once,
            stop=self.stop.is_set,
            sleep=self._sleep,
            kafka_config=config.kafka_config,
            member=_member(config.journal),
            interval_s=LOOK_INTERVAL_S,
        )
        return Intake(
            source,
            # A feed that goes on has shown before that its filters fit: an odd packet must not keep it down.
            lambda previous: Pipeline(config.plan, previous=previous, lenient=bool(resume)),
            self.journal,
            DeadLetters(config.dead_letters),
            self._announce,
            self.stop,
        )

    def _sleep(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def run(self, broadcaster: Broadcaster, ready: Callable[[], None]) -> None:
        """Run the reactor until the end, then put everything away."""
        self.broadcaster = broadcaster
        reactor = self.reactor
        clockwork = [(self._report, STATUS_INTERVAL_S), (self._retain, RETENTION_INTERVAL_S)]
        if self.config.once:
            clockwork.append((self._check_done, ONCE_CHECK_S))
        loops = [LoopingCall(function) for function, _ in clockwork]
        for loop, (function, interval) in zip(loops, clockwork, strict=True):
            loop.clock = reactor
            # Old packets go at once: a feed that is often started anew must not keep them for ever.
            reactor.callWhenRunning(loop.start, interval, now=function == self._retain)
        reactor.callWhenRunning(self._start)
        reactor.callWhenRunning(ready)
        reactor.addSystemEventTrigger("before", "shutdown", self._shut_down, loops)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        reactor.run(installSignalHandlers=False)

    def _start(self) -> None:
        if self.intake is not None:
            self.thread = threading.Thread(target=self._work, name="intake", daemon=True)
            self.thread.start()

    def _work(self) -> None:
        assert self.intake is not None
        try:
            self.intake.run()
        except BaseException as error:
            if not isinstance(error, BridgeError):
                _log.exception("The intake has failed; this is a bug.")
            self.failure = error
            self.reactor.callFromThread(self._end)
        else:
            if not self.stop.is_set():
                _log.info("the source has ended", extra={"published": self.counts.published})

    def _announce(self, _seq: int) -> None:
        assert self.broadcaster is not None
        self.reactor.callFromThread(self.broadcaster.wake)

    def _check_done(self) -> None:
        working = self.thread is not None and self.thread.is_alive()
        if not working and self.broadcaster is not None:
            last = self.journal.last_seq()
            if self.broadcaster.everyone_has_acked(last):
                self._end()

    def _end(self) -> None:
        # A signal may have been quicker.
        with contextlib.suppress(ReactorNotRunning):
            self.reactor.stop()

    def _report(self) -> None:
        assert self.broadcaster is not None
        status, counts = self.broadcaster.status(), self.counts
        lag = max((one.lag for one in status.subscribers), default=0)
        _log.info(
            "%d read, %d published, %d refused; %d subscribers, the slowest %d events behind",
            counts.read,
            counts.published,
            counts.refused,
            len(status.subscribers),
            lag,
            extra={
                "read": counts.read,
                "published": counts.published,
                "subscribers": len(status.subscribers),
            },
        )

    def _retain(self) -> Any:
        return deferToThread(keep_within, self.config.bounds, self.journal, self.stop)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.stop.is_set():
            # Asked twice: do not wait for anything.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        _log.info("%s: ending after the current batch", signal.Signals(number).name)
        self.stop.set()
        self.reactor.callFromThread(self._end)

    def _shut_down(self, loops: list[LoopingCall]) -> Any:
        self.stop.set()
        for loop in loops:
            if loop.running:
                loop.stop()
        waiting = deferToThread(self.intake.rest if self.intake is not None else _nothing, PATIENCE_S)
        waiting.addBoth(lambda _: self._farewell())
        return waiting

    def _farewell(self) -> None:
        if self.broadcaster is not None:
            self._report()
            self.broadcaster.close()


def _nothing(_patience_s: float) -> bool:
    return True
