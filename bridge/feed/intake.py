"""The intake: reads the source, makes events, and appends them to the journal with the positions read.

It runs in a thread of its own and knows nothing of the network; what it has appended it announces.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Protocol

from bridge.alerts.packet import Refusal
from bridge.alerts.schema import Schema
from bridge.errors import SourceError
from bridge.feed.positions import to_journal
from bridge.journal import Appended, NewEntry
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.streams import Batch
from bridge.voevent.event import Earlier, Event, Past

__all__ = ["Counts", "Intake", "entry_of"]

_log = logging.getLogger(__name__)

# Pause before a journal or folder that could not be written is tried again, in seconds.
RETRY_S = 5.0

# Shortest and longest time between two appends while a batch is worked on, in seconds. An append waits for
# the disk: where that takes long, there are fewer, so that most of the time is left for the work.
APPEND_INTERVALS_S = (0.02, 0.1)
WORK_PER_APPEND = 4.0


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


class Log(Protocol):
    """The part of the journal that the intake writes; usually its `Writer`, shared with others."""

    def append(self, entries: Sequence[NewEntry], positions: Mapping[str, int], /) -> Appended:
        """Publish events and note positions, in one transaction."""
        ...

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
    journal
        Where events and positions go, in one transaction.
    dead_letters
        Where refused items go, before their position counts as read.
    announce
        Called with the newest place in the journal after each append.
    stop
        Set by another thread to end the intake after the current batch.
    now
        A clock in seconds.
    wall
        Unix seconds.

    Attributes
    ----------
    trouble
        Why nothing is taken in, while the journal refuses to be written; None otherwise.
    failed
        Whether an error has ended the intake.
    last_item_at, last_published_at
        When the last item was read and the last event published, in Unix seconds; None before the first.
    """

    def __init__(
        self,
        source: Iterable[Batch],
        pipeline: Callable[[Callable[[str], str | None], Past], Pipeline],
        journal: Log,
        dead_letters: DeadLetters,
        announce: Callable[[int], None],
        stop: threading.Event,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.counts = Counts()
        self.trouble: str | None = None
        self.failed = False
        self.last_item_at: float | None = None
        self.last_published_at: float | None = None
        self._wall = wall
        self._source = source
        self._journal = journal
        self._dead_letters = dead_letters
        self._announce = announce
        self._stop = stop
        self._now = now
        self._append_interval_s = APPEND_INTERVALS_S[0]
        self._working = threading.Lock()
        # Objects of events that are not in the journal yet, and these events.
        self._fresh: dict[str, list[Event]] = {}
        self._pipeline = pipeline(self._previous, self._past)
        self._newest_schema: Schema | None = None

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

    def run(self) -> None:
        """Work until the source ends or a stop is asked for.

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
        for batch in self._source:
            with self._working:
                # Asked under the lock: who asks for a stop and then gets the lock sees no more work begin.
                if self._stop.is_set():
                    return
                if batch:
                    self.last_item_at = self._wall()
                    self._newest_schema = getattr(batch[-1], "schema", self._newest_schema)
                if batch or batch.positions:
                    self._take(batch)

    def rest(self, patience_s: float) -> bool:
        """Wait, after a stop was asked for, until nothing more will be appended; False if it takes too long.

        The thread may go on waiting for its source all the same: a read from a pipe cannot be broken off.
        """
        idle = self._working.acquire(timeout=patience_s)
        if idle:
            self._working.release()
        return idle

    def _take(self, batch: Batch) -> None:
        """Make events of a batch, appending what is ready meanwhile: nobody waits for the rest."""
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
                if outcome.object_key:
                    self._fresh.setdefault(outcome.object_key, []).append(outcome)
            self.counts.read += 1
            if follower is not None and follower.origin == item.origin:
                # Another item of the same message: the position counts the whole message or nothing of it.
                continue
            if item.origin.partition in batch.positions:
                positions[item.origin.partition] = item.origin.offset + 1
            asked = self._now()
            if entries and asked - began >= self._append_interval_s:
                if not self._append(entries, positions):
                    return
                entries, positions, began = [], {}, self._now()
                shortest, longest = APPEND_INTERVALS_S
                self._append_interval_s = min(longest, max(shortest, WORK_PER_APPEND * (began - asked)))
        self._append(entries, batch.positions)

    def _previous(self, object_key: str) -> str | None:
        fresh = self._fresh.get(object_key)
        return fresh[-1].ivorn if fresh else self._journal.previous_ivorn(object_key)

    def _past(self, object_key: str) -> list[Earlier]:
        known = {
            ivorn: Earlier(ivorn, digest, at) for ivorn, digest, at in self._journal.events_about(object_key)
        }
        for event in self._fresh.get(object_key, ()):
            known.setdefault(event.ivorn, Earlier(event.ivorn, event.digest, event.observed_at))
        return list(known.values())

    def _append(self, entries: list[NewEntry], positions: dict[str, int]) -> bool:
        """Append; while the disk refuses, wait and try again: nothing is lost. False if told to stop."""
        try:
            # Refused messages are on the disk before their positions are.
            self._dead_letters.secure()
        except SourceError as error:
            _log.error("%s Refused messages may be only in their source.", error)
        while True:
            try:
                appended = self._journal.append(entries, to_journal(positions))
            except SourceError as error:
                self.trouble = str(error)
                _log.error("%s Nothing more is taken in; next try in %g s.", error, RETRY_S)
                if self._stop.wait(RETRY_S):
                    return False
            else:
                if self.trouble is not None:
                    self.trouble = None
                    _log.info("the journal can be written again; the feed goes on")
                self._note(appended)
                return True

    def _note(self, appended: Appended) -> None:
        self._fresh.clear()
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
            self._announce(appended.last_seq)

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
        digest=bytes.fromhex(event.digest),
        role=event.role,
        object_key=event.object_key,
        ra_deg=event.ra_deg,
        dec_deg=event.dec_deg,
        observed_at=event.observed_at or None,
    )
