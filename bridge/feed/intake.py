"""The intake: reads the source, makes events, and has them written to the journal with the positions read.

It runs in a thread of its own and knows nothing of the network. While what it has made is written, it makes
more.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Protocol

from bridge.alerts.packet import Refusal
from bridge.alerts.schema import Schema
from bridge.errors import SourceError
from bridge.feed.outlet import Outlet, Parcels
from bridge.feed.unwritten import Unwritten
from bridge.journal import Appended, NewEntry
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.streams import Batch
from bridge.voevent.event import Earlier, Event, Past

__all__ = ["Counts", "Intake", "entry_of"]

_log = logging.getLogger(__name__)

# While a batch is worked on, what is ready is handed over at most so often, in seconds. A transaction costs
# about a millisecond of work, and of many small ones each writes anew what the next one changes.
HAND_OVER_S = 0.01
# So many in that time are worth another wait: then one transaction has a few hundred.
MANY, HAND_OVER_MANY_S = 32, 0.03


@dataclass(slots=True)
class Counts:
    """What the intake has done since it started.

    Attributes
    ----------
    read, published, dropped, refused
        Items read; events new in the journal; packets that no filter kept; items to the dead letters.
    duplicates, conflicts
        Events that the journal had already, and events refused because their IVORN has another content.
    """

    read: int = 0
    published: int = 0
    dropped: int = 0
    refused: int = 0
    duplicates: int = 0
    conflicts: int = 0

    def __add__(self, other: Counts) -> Counts:
        """The counts of both together."""
        return Counts(
            **{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        )


class Known(Protocol):
    """What the intake asks the journal; usually a `JournalReader`, which never waits for a commit."""

    def events_about(self, object_key: str, /) -> list[tuple[str, str, str]]:
        """All events about an object, oldest first: IVORN, digest (hex) of the content, time observed."""
        ...

    def previous_ivorn(self, object_key: str, /) -> str | None:
        """IVORN of the newest event about an object."""
        ...


class Intake:
    """Moves items from a source into the journal, batch by batch.

    Parameters
    ----------
    source
        Gives batches with their positions.
    pipeline
        Makes events of items; given the functions that find the last event about an object, and all of them.
    writer
        Writes events and positions, each batch or part of one in one transaction.
    journal
        Is asked about earlier events.
    dead_letters
        Where refused items go, before their position counts as read.
    stop
        Set by another thread to end the intake after the current batch.
    now
        A clock in seconds.
    wall
        Unix seconds.

    Attributes
    ----------
    failed
        Whether an error has ended the intake.
    last_item_at, last_published_at
        When the last item was read and the last event published, in Unix seconds; None before the first.
    """

    def __init__(
        self,
        source: Iterable[Batch],
        pipeline: Callable[[Callable[[str], str | None], Past], Pipeline],
        writer: Parcels,
        journal: Known,
        dead_letters: DeadLetters,
        stop: threading.Event,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self.failed = False
        self.last_item_at: float | None = None
        self.last_published_at: float | None = None
        self._wall = wall
        self._source = source
        self._journal = journal
        self._dead_letters = dead_letters
        self._stop = stop
        self._now = now
        self._working = threading.Lock()
        self._outlet = Outlet(writer, self._kept, stop)
        self._unwritten = Unwritten()
        self._pipeline = pipeline(self._previous, self._past)
        self._newest_schema: Schema | None = None

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken in, while the journal refuses to be written; None otherwise."""
        return self._outlet.trouble

    def renew(self, plan: Plan) -> None:
        """Go on by another plan from the next item on; may be called in another thread.

        Raises
        ------
        UsageError
            If the plan is wrong, or does not fit the schema of what came last; then the old one goes on.
        """
        schema = self._newest_schema
        pipeline = Pipeline(plan, previous=self._previous, past=self._past, lenient=schema is None)
        pipeline.prove_documents()
        if schema is not None:
            pipeline.prove(schema)
        self._pipeline = pipeline

    @property
    def waiting(self) -> int | None:
        """Messages that wait in the source, where it can tell; may be asked in another thread."""
        return getattr(self._source, "waiting", None)

    @property
    def has_met_alerts(self) -> bool:
        """Whether a plan that `renew` took was tried on an alert."""
        return self._newest_schema is not None

    def run(self) -> None:
        """Work until the source ends or a stop is asked for; what was made by then is written.

        Raises
        ------
        BridgeError
            If the source breaks, or a filter or mapping turns out to be wrong.
        """
        try:
            self._run()
        except BaseException:
            self.failed = True
            raise

    def _run(self) -> None:
        batches = iter(self._source)
        try:
            self._work_through(batches)
        finally:
            # What was made before an error is written, too.
            self._outlet.flush()
            # Not before: a source that is closed tells its broker how far all is written.
            if isinstance(batches, Generator):
                batches.close()

    def _work_through(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            with self._working:
                # Asked under the lock: who asks for a stop and then gets the lock sees no more work begin.
                if self._stop.is_set():
                    return
                if batch:
                    self.last_item_at = self._wall()
                    self._newest_schema = getattr(batch[-1], "schema", self._newest_schema)
                if batch or batch.positions:
                    batch.kept = False
                    self._take(batch)

    def rest(self, patience_s: float) -> bool:
        """Wait, after a stop was asked for, until nothing more will be written; False if it takes too long.

        The thread may go on waiting for its source all the same: a read from a pipe cannot be broken off.
        """
        idle = self._working.acquire(timeout=patience_s)
        if idle:
            self._working.release()
        return idle and self._outlet.flush(patience_s)

    def _take(self, batch: Batch) -> None:
        """Make events of a batch, handing over what is ready meanwhile: nobody waits for the rest."""
        entries: list[NewEntry] = []
        positions: dict[str, int] = {}
        began = self._now()
        for item, follower in zip_longest(batch, batch[1:]):
            outcome = self._pipeline(item)
            if outcome is None:
                self.counts.dropped += 1
            elif isinstance(outcome, Refusal):
                self._refuse(outcome)
            else:
                entries.append(entry_of(outcome))
                self._unwritten.add(outcome)
            self.counts.read += 1
            if follower is not None and follower.origin == item.origin:
                # Another item of the same message: the position counts the whole message or nothing of it.
                continue
            if item.origin.partition in batch.positions:
                positions[item.origin.partition] = item.origin.offset + 1
            pause_s = HAND_OVER_S if len(entries) < MANY else HAND_OVER_MANY_S
            if entries and self._now() - began >= pause_s:
                if not self._hand_over(entries, positions):
                    return
                entries, positions, began = [], {}, self._now()
        self._hand_over(entries, batch.positions, batch)

    def _previous(self, object_key: str) -> str | None:
        return self._unwritten.newest(object_key) or self._journal.previous_ivorn(object_key)

    def _past(self, object_key: str) -> list[Earlier]:
        # In this order: what is written meanwhile is found in both, and not in neither.
        unwritten = self._unwritten.about(object_key)
        known = {ivorn: Earlier(ivorn, *rest) for ivorn, *rest in self._journal.events_about(object_key)}
        for event in unwritten:
            known.setdefault(event.ivorn, event)
        return list(known.values())

    def _hand_over(
        self, entries: list[NewEntry], positions: dict[str, int], batch: Batch | None = None
    ) -> bool:
        """Have it written while more is made; False when told to stop while the disk refuses."""
        try:
            # Refused messages are on the disk before their positions are.
            self._dead_letters.secure()
        except SourceError as error:
            _log.error("%s Refused messages may be only in their source.", error)
        return self._outlet.add(entries, positions, batch)

    def _kept(self, appended: Appended, entries: Sequence[NewEntry]) -> None:
        """Take note of what has been written; called in the writer's thread."""
        self._unwritten.forget(entries)
        self.counts.published += appended.stored
        self.counts.duplicates += appended.duplicates
        self.counts.conflicts += len(appended.conflicts)
        for conflict in appended.conflicts:
            _log.warning(
                "event %s has been published with another content, which stays",
                conflict.ivorn,
                extra={"ivorn": conflict.ivorn, "seq": conflict.seq},
            )
        if appended.stored:
            self.last_published_at = self._wall()

    def _refuse(self, refusal: Refusal) -> None:
        self.counts.refused += 1
        _log.warning(
            "refused %s: %s",
            refusal.origin,
            refusal.reason,
            extra={"partition": refusal.origin.partition, "offset": refusal.origin.offset},
        )
        try:
            self._dead_letters.keep(refusal)
        except SourceError as error:
            _log.error("%s The refused message is only in its source.", error)


def entry_of(event: Event) -> NewEntry:
    """A finished event as the journal takes it."""
    return NewEntry(
        ivorn=event.ivorn,
        data=event.xml,
        kind="relayed" if event.relayed else "authored",
        digest=event.digest_bytes,
        role=event.role,
        object_key=event.object_key,
        ra_deg=event.ra_deg,
        dec_deg=event.dec_deg,
        observed_at=event.observed_at or None,
    )
