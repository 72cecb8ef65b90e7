"""What comes in over VTP, from authors and from upstream brokers: judged, journalled, answered.

One thread judges for all connections, so that parsing and schemas hold nobody's socket up, and hands what it
has judged to the journal's writer together. Each answer is given after the commit.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from bridge.alerts.packet import Document, Origin, Refusal
from bridge.errors import PacketError, SourceError
from bridge.feed.intake import Counts, entry_of
from bridge.feed.writer import Writer
from bridge.journal import Appended, NewEntry
from bridge.pipeline import DeadLetters, Pipeline
from bridge.voevent.acceptance import examine
from bridge.voevent.event import Event
from bridge.vtp.offers import Offer, Verdict
from bridge.vtp.receiver_connection import salvage_ivorn

__all__ = ["Arrivals", "AuthorsJudge", "Judge", "RelayJudge"]

_log = logging.getLogger(__name__)

# So many are judged before they are handed to the writer, and so many such groups may wait for it.
ROUND = 256
ROUNDS_AHEAD = 4

SEEN = "Previously seen by this broker"
"""Comet's words; authors' programs look for them."""

Judge = Callable[[Offer], NewEntry]
"""Makes an entry of an offer, or raises `PacketError` with the reason."""


class AuthorsJudge:
    """Takes from authors what stock Comet would take.

    Parameters
    ----------
    versions
        Versions of VOEvent that are taken.
    """

    def __init__(self, versions: Collection[str]) -> None:
        self._versions = frozenset(versions)

    def __call__(self, offer: Offer) -> NewEntry:
        """The entry; raises `PacketError`."""
        headline = examine(offer.data, self._versions)
        return NewEntry(
            ivorn=headline.ivorn,
            data=offer.data,
            kind="relayed",
            digest=hashlib.sha256(offer.data).digest(),
            role=headline.role,
            ra_deg=headline.ra_deg,
            dec_deg=headline.dec_deg,
            observed_at=headline.observed_at or None,
        )


class RelayJudge:
    """Takes from upstream brokers what the pipeline lets through; keeps the rest as dead letters."""

    def __init__(self, pipeline: Pipeline, dead_letters: DeadLetters, counts: Counts) -> None:
        self._counts = counts
        self._pipeline = pipeline
        self._dead_letters = dead_letters
        self._numbers = itertools.count()

    def renew(self, pipeline: Pipeline) -> None:
        """Judge by another pipeline from the next offer on."""
        self._pipeline = pipeline

    def __call__(self, offer: Offer) -> NewEntry:
        """The entry; raises `PacketError`."""
        origin = Origin(offer.peer, next(self._numbers))
        outcome = self._pipeline(Document(offer.data, "voevent", origin))
        if isinstance(outcome, Event):
            return entry_of(outcome)
        if isinstance(outcome, Refusal):
            self._counts.refused += 1
            _log.warning("refused %s: %s", origin, outcome.reason, extra={"partition": offer.peer})
            try:
                self._dead_letters.keep(outcome)
                self._dead_letters.secure()
            except SourceError as error:
                _log.error("%s The refused event is lost.", error)
            raise PacketError(outcome.reason)
        raise PacketError("a filter has dropped it")


@dataclass(slots=True)
class _Round:
    offers: list[Offer]
    verdicts: list[tuple[Offer, Verdict]]


class Arrivals:
    """Judges offers and has them written, in a thread of its own.

    Parameters
    ----------
    writer
        The journal's writer.
    announce
        Called with the newest place in the journal after each commit that stored something.
    run_in_network
        Runs a function in the network's thread (``reactor.callFromThread``); verdicts are given there.
    wall
        Unix seconds.

    Attributes
    ----------
    counts
        What has become of the offers. What is refused is for the judges to count: an author has its answer.
    trouble
        Why nothing is taken in, while the journal refuses to be written; None otherwise.
    last_item_at, last_published_at
        When the last offer came and the last event was published, in Unix seconds; None before the first.
    """

    def __init__(
        self,
        writer: Writer,
        announce: Callable[[int], None],
        run_in_network: Callable[..., object],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self.trouble: str | None = None
        self.last_item_at: float | None = None
        self.last_published_at: float | None = None
        self._writer = writer
        self._announce = announce
        self._run_in_network = run_in_network
        self._wall = wall
        self._queue: deque[tuple[Offer, Judge]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._ahead = threading.BoundedSemaphore(ROUNDS_AHEAD)
        self._thread = threading.Thread(target=self._run, name="arrivals", daemon=True)

    def start(self) -> None:
        """Begin to judge."""
        self._thread.start()

    def close(self) -> None:
        """Judge what has been offered, wait for its commit, then end; to be called in another thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, offer: Offer, judge: Judge) -> None:
        """Queue an offer; whoever offers sees to it that it has not too many under way."""
        with self._changed:
            self._queue.append((offer, judge))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing:
                    self._changed.wait()
                if not self._queue:
                    break
                work = [self._queue.popleft() for _ in range(min(ROUND, len(self._queue)))]
            self._judge(work)
        for _ in range(ROUNDS_AHEAD):
            self._ahead.acquire()

    def _judge(self, work: Sequence[tuple[Offer, Judge]]) -> None:
        self.last_item_at = self._wall()
        self.counts.read += len(work)
        round_ = _Round([], [])
        entries: list[NewEntry] = []
        for offer, judge in work:
            try:
                entries.append(judge(offer))
            except PacketError as error:
                reason = str(error)
                round_.verdicts.append((offer, Verdict("refused", salvage_ivorn(offer.data), reason)))
            else:
                round_.offers.append(offer)
        if not entries:
            self._tell(round_)
            return
        self._ahead.acquire()
        self._writer.put(entries, {}, lambda answer: self._written(round_, entries, answer))

    def _written(self, round_: _Round, entries: Sequence[NewEntry], answer: Appended | BaseException) -> None:
        try:
            if isinstance(answer, Appended):
                self._stored(round_, entries, answer)
            else:
                self._failed(round_, entries, answer)
            self._tell(round_)
        finally:
            self._ahead.release()

    def _stored(self, round_: _Round, entries: Sequence[NewEntry], appended: Appended) -> None:
        if self.trouble is not None:
            self.trouble = None
            _log.info("the journal can be written again; events over VTP are taken in")
        self.counts.published += appended.stored
        self.counts.duplicates += appended.duplicates
        if appended.stored:
            self.last_published_at = self._wall()
            self._announce(appended.last_seq)
        for offer, entry, seq in zip(round_.offers, entries, appended.seqs, strict=True):
            verdict = (
                Verdict("duplicate", entry.ivorn, SEEN) if seq is None else Verdict("published", entry.ivorn)
            )
            round_.verdicts.append((offer, verdict))

    def _failed(self, round_: _Round, entries: Sequence[NewEntry], error: BaseException) -> None:
        if self.trouble is None:
            _log.error("%s Events over VTP are not taken in until it can.", error)
        self.trouble = str(error)
        self.counts.read -= len(entries)
        reason = "this broker cannot write its journal now; send the event again later"
        for offer, entry in zip(round_.offers, entries, strict=True):
            round_.verdicts.append((offer, Verdict("unwritable", entry.ivorn, reason)))

    def _tell(self, round_: _Round) -> None:
        self._run_in_network(_settle, round_.verdicts)


def _settle(verdicts: Sequence[tuple[Offer, Verdict]]) -> None:
    for offer, verdict in verdicts:
        offer.settle(verdict)
