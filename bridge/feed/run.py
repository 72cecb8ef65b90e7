"""One run of a feed: the intake in a thread, subscribers in Twisted's reactor, and an orderly end.

What crosses from one to the other are wake-ups, with what is new in the journal; all else is read from there.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.error import ReactorNotRunning
from twisted.internet.threads import deferToThread

from bridge.alerts.patience import Patience
from bridge.errors import BridgeError
from bridge.feed.clock import ClockWatch
from bridge.feed.clockwork import Chore, Clockwork
from bridge.feed.config import FeedConfig
from bridge.feed.door import renew_door, try_door
from bridge.feed.hangup import Hangup
from bridge.feed.inlets import Inlets
from bridge.feed.intake import Counts, Intake
from bridge.feed.positions import from_journal
from bridge.feed.proof import Proof
from bridge.feed.reload import Reloader
from bridge.feed.retention import keep_within
from bridge.feed.source import open_feed_source
from bridge.feed.systemd import notify, watchdog_interval_s
from bridge.feed.telling import Telling
from bridge.feed.testevents import Heartbeat
from bridge.feed.watch import SAMPLE_S, Watch
from bridge.feed.writer import Writer
from bridge.journal import Appended, Entry, Journal, JournalReader
from bridge.pipeline import DeadLetters, Pipeline
from bridge.streams import Source
from bridge.vtp.door import Door
from bridge.vtp.server import Broadcaster
from bridge.vtp.twisted_types import Port

__all__ = ["Run"]

_log = logging.getLogger(__name__)

STATUS_INTERVAL_S = 60.0
RETENTION_INTERVAL_S = 60.0
ONCE_CHECK_S = 0.05
# How long a stop waits for the intake to finish its batch, in seconds.
PATIENCE_S = 30.0


class Run:
    """The intake's thread, the chores around it, signals, and the way to the end.

    Parameters
    ----------
    config
        What to feed to whom.
    journal, reader, known
        The journal, and its readers for subscribers and for the intake.
    broadcaster
        Serves the subscribers.
    reactor
        Twisted's reactor.
    reloader
        Reads the configuration again on SIGHUP.

    Attributes
    ----------
    failure
        What has ended the feed, if nobody asked for the end.
    """

    def __init__(
        self,
        config: FeedConfig,
        journal: Journal,
        reader: JournalReader,
        known: JournalReader,
        broadcaster: Broadcaster,
        reactor: Any,
        reloader: Reloader | None,
    ) -> None:
        self.config = config
        self.hangup = Hangup(reloader, self._try_out, self._adopt) if reloader is not None else None
        self.journal = journal
        self.reactor = reactor
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self.clock = ClockWatch(journal.newest_at())
        self.writer = Writer(journal, self._announce)
        self.proof = Proof(journal, config.plan)
        self.patience = Patience(self.stop.is_set, self._sleep)
        self.source: Source | None = None
        self.intake = self._make_intake(known) if config.source is not None else None
        self.inlets = Inlets(config, self.writer, reactor)
        self.thread: threading.Thread | None = None
        self.broadcaster = broadcaster
        self.door: Door | None = None
        self.telling: Telling | None = None
        self.heartbeat = Heartbeat(config.broadcaster.local_ivo, self.writer, self._note_test, reactor)
        self.watch = Watch(
            *(config, reader, broadcaster, self.intake, self.inlets, self._working),
            source_trouble=self._source_trouble,
        )

    def _make_intake(self, known: JournalReader) -> Intake:
        config = self.config
        assert config.source is not None
        resume = from_journal(self.journal.positions())
        source = self.source = open_feed_source(config, resume, self.stop.is_set, self._sleep, self.patience)
        return Intake(
            source,
            lambda previous, past: self.proof.watch(
                Pipeline(config.plan, previous=previous, past=past, lenient=self.proof.known)
            ),
            self.writer,
            known,
            DeadLetters(config.dead_letters),
            self.stop,
        )

    @property
    def counts(self) -> Counts:
        """What has come in on all ways."""
        arrived = self.inlets.arrivals.counts
        return arrived if self.intake is None else self.intake.counts + arrived

    def _sleep(self, seconds: float) -> None:
        self.stop.wait(seconds)

    def run(self, port: Port, ready: Callable[[], None]) -> None:
        """Run the reactor until the end, then put everything away."""
        reactor = self.reactor
        clockwork = Clockwork(self._chores(), reactor)
        reactor.callWhenRunning(clockwork.start)
        if not self.config.once:
            reactor.callWhenRunning(self.heartbeat.every, self.config.test_interval_s)
        reactor.callWhenRunning(self._start)
        reactor.callWhenRunning(ready)
        reactor.callWhenRunning(notify, "READY=1")
        reactor.addSystemEventTrigger("before", "shutdown", self._shut_down, clockwork, port)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if self.hangup is not None:
            signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(self.hangup))
        reactor.run(installSignalHandlers=False)

    def _chores(self) -> list[Chore]:
        config = self.config
        chores = [
            Chore(self._report, STATUS_INTERVAL_S),
            # At once: a feed that is often started anew must not keep old packets for ever.
            Chore(self._retain, RETENTION_INTERVAL_S, at_once=True),
            Chore(self.watch.sample, SAMPLE_S),
            Chore(lambda: deferToThread(self.proof.look), SAMPLE_S),
        ]
        if config.once:
            chores.append(Chore(self._check_done, ONCE_CHECK_S))
        alive_s = watchdog_interval_s()
        if alive_s is not None:
            chores.append(Chore(lambda: notify("WATCHDOG=1"), alive_s, at_once=True))
        return chores

    def _start(self) -> None:
        self.writer.start()
        self.inlets.start()
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
                _log.info("the source has ended", extra={"published": self.intake.counts.published})

    def _source_trouble(self) -> str | None:
        return self.patience.trouble or (self.source.trouble if self.source is not None else None)

    def _announce(self, new: Sequence[Entry]) -> None:
        self.reactor.callFromThread(self.broadcaster.wake, new)

    def _working(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def _check_done(self) -> None:
        if not self._working():
            last = self.journal.last_seq()
            if self.broadcaster.everyone_has_acked(last):
                self._end()

    def _end(self) -> None:
        # A signal may have been quicker.
        with contextlib.suppress(ReactorNotRunning):
            self.reactor.stop()

    def _report(self) -> None:
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

        notify(
            f"STATUS={counts.read} read, {counts.published} published, {len(status.subscribers)} subscribers"
        )

    def _retain(self) -> Any:
        if not self.clock.is_settled():
            return None
        return deferToThread(keep_within, self.config.bounds, self.journal, self.stop)

    def _note_test(self, appended: Appended) -> None:
        self.watch.test_events += appended.stored

    def _try_out(self, config: FeedConfig) -> None:
        try_door(self.config.door, config.door, "broadcast")
        if self.config.receive is not None and config.receive is not None:
            try_door(self.config.receive.door, config.receive.door, "receive")
        if self.telling is not None:
            self.telling.try_out(config)
        if self.intake is not None:
            self.intake.renew(config.plan)
            self.proof.renew(config.plan, fits=self.intake.has_met_alerts)
        self.inlets.renew(config.plan)

    def _adopt(self, config: FeedConfig) -> None:
        before, self.config = self.config, config
        self.watch.config = config
        self.broadcaster.reconfigure(config.broadcaster)
        if self.door is not None:
            renew_door(self.door, config.door)
        if self.telling is not None:
            self.telling.adopt(config)
        self.inlets.reconfigure(config)
        changed = before.test_interval_s != config.test_interval_s
        if changed and not config.once and not self.stop.is_set():
            self.heartbeat.every(config.test_interval_s)

    def _on_signal(self, number: int, _frame: object) -> None:
        if self.stop.is_set():
            # Asked twice: do not wait for anything.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        _log.info("%s: ending after the current batch", signal.Signals(number).name)
        self.stop.set()
        self.reactor.callFromThread(self._end)

    def _shut_down(self, clockwork: Clockwork, port: Port) -> Any:
        notify("STOPPING=1")
        self.stop.set()
        clockwork.stop()
        self.heartbeat.stop()
        port.stopListening()
        self.inlets.stop()
        waiting = deferToThread(self._rest)
        waiting.addBoth(lambda _: self.broadcaster.drain())
        waiting.addBoth(self._farewell)
        return waiting

    def _rest(self) -> None:
        """Let what has been taken in be committed; in a thread, for the network goes on meanwhile."""
        if self.intake is not None:
            self.intake.rest(PATIENCE_S)
        self.inlets.finish()
        self.proof.look()
        self.writer.close()

    def _farewell(self, unanswered: object) -> None:
        self._report()
        if isinstance(unanswered, int) and unanswered:
            _log.info("%d subscribers have not answered for all they were sent, and get it again", unanswered)
        self.broadcaster.close()
