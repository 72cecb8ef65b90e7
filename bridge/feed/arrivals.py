"""What comes in over VTP, from authors and from upstream brokers: judged, journalled, answered.

What can be judged at a glance is judged in the network's thread: to hand it over would take longer. The rest
is judged in a thread of its own, so that parsing and schemas hold nobody up. What has been judged while
the writer was busy goes to the writer together, and what was committed together is answered together.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.alerts.packet import Document, Origin, Refusal
from bridge.errors import PacketError, SourceError
from bridge.feed.intake import Counts, entry_of
from bridge.feed.writer import Writer
from bridge.journal import Appended, NewEntry
from bridge.pipeline import DeadLetters, Pipeline
from bridge.voevent.acceptance import FAMILIAR, examine, recognise
from bridge.voevent.event import Event, sha256
from bridge.voevent.headline import Headline
from bridge.vtp.offers import Offer, Verdict, settle_all
from bridge.vtp.receiver_connection import salvage_ivorn

__all__ = ["Arrivals", "AuthorsJudge", "Judge", "RelayJudge"]

_log = logging.getLogger(__name__)

# So many are judged at a time; so many that are judged may wait for the writer before more are.
ROUND = 128
MOST_JUDGED = 1_024

SEEN = "Previously seen by this broker"
"""Comet's words; authors' programs look for them."""

# A longer packet is never judged in the network's thread, for it would hold up whoever is served there.
GLANCE_BYTES = 16_384
# Nor is one of very many: subscribers are served in the same thread, and would wait for a flood to be judged.
GLANCES = 256
# When nothing has come for so long, there is time to study the shape of a packet, in seconds. And when so
# many wait for their answers: then it is soon worth while. In between it would only delay the next event.
LEISURE_S = 0.25
BUSY = 8


class Judge(Protocol):
    """Makes entries of offers."""

    def __call__(self, offer: Offer) -> NewEntry:
        """The entry, or `PacketError` with the reason."""
        ...

    def at_a_glance(self, offer: Offer) -> NewEntry | None:
        """The entry, if that takes little time; None leaves it to the other way."""
        ...


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
        return _entry(offer.data, examine(offer.data, self._versions))

    def at_a_glance(self, offer: Offer) -> NewEntry | None:
        """The entry of a packet in a shape that was examined before."""
        headline = recognise(offer.data, self._versions)
        return _entry(offer.data, headline) if headline is not None else None


def _entry(data: bytes, headline: Headline) -> NewEntry:
    return NewEntry(
        ivorn=headline.ivorn,
        data=data,
        kind="relayed",
        digest=sha256(data),
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

    def at_a_glance(self, _offer: Offer) -> None:
        """None: filters may take any time."""


Verdicts = list[tuple[Offer, Verdict]]


@dataclass(slots=True)
class _Group:
    """Offers that are good, and their entries; they are written together."""

    offers: list[Offer]
    entries: list[NewEntry]


class Arrivals:
    """Judges offers and has them written.

    Parameters
    ----------
    writer
        The journal's writer.
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
    idle
        Whether the thread that judges has nothing to do; then the network's thread may judge at a glance.
    last_item_at, last_published_at
        When the last offer came and the last event was published, in Unix seconds; None before the first.
    """

    def __init__(
        self,
        writer: Writer,
        run_in_network: Callable[..., object],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self.trouble: str | None = None
        self.idle = False
        self.last_item_at: float | None = None
        self.last_published_at: float | None = None
        self._writer = writer
        self._run_in_network = run_in_network
        self._wall = wall
        self._queue: deque[tuple[Offer, Judge]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        # Known to the network's thread alone.
        self._under_way = 0
        # What is judged and waits while another group is being written.
        self._judged = _Group([], [])
        self._writing = False
        self._verdicts: Verdicts = []
        self._verdicts_lock = threading.Lock()
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
        """Judge an offer, now or later; whoever offers sees to it that it has not too many under way."""
        self._under_way += 1
        # Nothing that came before is still being judged, so the order stays as it is.
        glance = self.idle and not self._queue and self._under_way <= GLANCES
        if glance and len(offer.data) <= GLANCE_BYTES:
            entry = judge.at_a_glance(offer)
            if entry is not None:
                self.last_item_at = self._wall()
                self.counts.read += 1
                self._take(_Group([offer], [entry]), at_once=False)
                return
        self._queue.append((offer, judge))
        if self.idle:
            with self._changed:
                self.idle = False
                self._changed.notify_all()

    def _run(self) -> None:
        while self._wait_for_offers():
            # Nobody else takes anything out.
            self._judge([self._queue.popleft() for _ in range(min(ROUND, len(self._queue)))])
            if self._under_way >= BUSY:
                FAMILIAR.study()
            with self._changed:
                self._changed.wait_for(lambda: len(self._judged.entries) < MOST_JUDGED)
        with self._changed:
            self._changed.wait_for(lambda: not self._writing)

    def _wait_for_offers(self) -> bool:
        """Wait until there is something to judge; False when there will be nothing more."""
        while not self._queue:
            with self._changed:
                # Said before the queue is looked at, each time: who puts something in looks afterwards.
                self.idle = True
                at_leisure = False
                if not (self._queue or self._closing):
                    at_leisure = not self._changed.wait(LEISURE_S if FAMILIAR.has_to_study else None)
                if self._queue or self._closing:
                    self.idle = False
                    break
            if at_leisure:
                FAMILIAR.study()
        return bool(self._queue)

    def _judge(self, work: Sequence[tuple[Offer, Judge]]) -> None:
        self.last_item_at = self._wall()
        self.counts.read += len(work)
        group = _Group([], [])
        refused: Verdicts = []
        for offer, judge in work:
            try:
                group.entries.append(judge(offer))
            except PacketError as error:
                refused.append((offer, Verdict("refused", salvage_ivorn(offer.data), str(error))))
            else:
                group.offers.append(offer)
        self._tell(refused)
        if group.entries:
            self._take(group, at_once=True)

    def _take(self, group: _Group, *, at_once: bool) -> None:
        with self._changed:
            self._judged.offers += group.offers
            self._judged.entries += group.entries
            if self._writing:
                return
            self._writing = True
        if at_once:
            self._write_judged()
        else:
            # What is there to be read from other connections now can share the transaction.
            self._run_in_network(self._write_judged)

    def _write_judged(self) -> None:
        """Have written what is judged, if anything is; nothing else may be under way."""
        with self._changed:
            group, self._judged = self._judged, _Group([], [])
            self._writing = bool(group.entries)
            self._changed.notify_all()
        if group.entries:
            self._writer.put(group.entries, {}, lambda answer: self._written(group, answer))

    def _written(self, group: _Group, answer: Appended | BaseException) -> None:
        try:
            if isinstance(answer, Appended):
                self._tell(self._stored(group, answer))
            else:
                self._tell(self._failed(group, answer))
        finally:
            self._write_judged()

    def _stored(self, group: _Group, appended: Appended) -> Verdicts:
        if self.trouble is not None:
            self.trouble = None
            _log.info("the journal can be written again; events over VTP are taken in")
        self.counts.published += appended.stored
        self.counts.duplicates += appended.duplicates
        if appended.stored:
            self.last_published_at = self._wall()
        return [
            (
                offer,
                Verdict("duplicate", entry.ivorn, SEEN) if seq is None else Verdict("published", entry.ivorn),
            )
            for offer, entry, seq in zip(group.offers, group.entries, appended.seqs, strict=True)
        ]

    def _failed(self, group: _Group, error: BaseException) -> Verdicts:
        if self.trouble is None:
            _log.error("%s Events over VTP are not taken in until it can.", error)
        self.trouble = str(error)
        self.counts.read -= len(group.entries)
        reason = "this broker cannot write its journal now; send the event again later"
        return [
            (offer, Verdict("unwritable", entry.ivorn, reason))
            for offer, entry in zip(group.offers, group.entries, strict=True)
        ]

    def _tell(self, verdicts: Verdicts) -> None:
        if not verdicts:
            return
        with self._verdicts_lock:
            waiting = bool(self._verdicts)
            self._verdicts += verdicts
        if not waiting:
            self._run_in_network(self._settle)

    def _settle(self) -> None:
        with self._verdicts_lock:
            verdicts, self._verdicts = self._verdicts, []
        self._under_way -= len(verdicts)
        settle_all(verdicts)
