"""What the intake has made, on its way into the journal while the intake makes more.

A commit waits for the disk, and no work should wait with it. So there is one transaction under way, and what
is made meanwhile makes up the next: a lone event waits for nobody, and under load the transactions grow by
themselves. Everything is written in the order in which it was made. What the disk refuses is tried again
before anything that follows it, so positions never run ahead of their events.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bridge.errors import SourceError
from bridge.feed.positions import to_journal
from bridge.feed.writer import Done
from bridge.journal import Appended, NewEntry
from bridge.streams import Batch

__all__ = ["RETRY_S", "Outlet", "Parcels"]

_log = logging.getLogger(__name__)

RETRY_S = 5.0
"""Pause before a journal that could not be written is tried again, in seconds."""

REMIND_EVERY = 120
"""One of so many attempts in vain is told: the log of a night shall not be full of them, too."""

# Who makes more waits when so much is ready behind the transaction that is under way.
MOST_EVENTS = 1_024
MOST_BYTES = 8 << 20
# Of what no filter kept there is nothing to write but the positions; its batches are held until these are.
MOST_ITEMS = 1_024


class Parcels(Protocol):
    """Takes events and positions that belong into one transaction; the journal's `Writer` does."""

    def put(self, entries: Sequence[NewEntry], positions: Mapping[str, int], done: Done, /) -> None:
        """Have them written; `done` is told in any thread what became of them."""
        ...


@dataclass(slots=True)
class _Parcel:
    entries: list[NewEntry] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    size_bytes: int = 0
    items: int = 0

    def __bool__(self) -> bool:
        return bool(self.entries or self.positions or self.batches)

    def add(self, other: _Parcel) -> None:
        self.entries += other.entries
        self.positions |= other.positions
        self.batches += other.batches
        self.size_bytes += other.size_bytes
        self.items += other.items


class Outlet:
    """Hands events and positions to the journal's writer, one transaction after the other.

    Parameters
    ----------
    writer
        Writes them.
    kept
        Called in the writer's thread with what became of some events, and with the events.
    stop
        Set when nothing shall be waited for that the disk refuses.

    Attributes
    ----------
    trouble
        Why the journal cannot be written; None while it can.
    """

    def __init__(
        self,
        writer: Parcels,
        kept: Callable[[Appended, Sequence[NewEntry]], None],
        stop: threading.Event,
    ) -> None:
        self.trouble: str | None = None
        self._in_vain = 0
        self._writer = writer
        self._kept = kept
        self._stop = stop
        self._changed = threading.Condition()
        self._ready = _Parcel()
        self._under_way: _Parcel | None = None
        self._pausing = False
        self._given_up = False
        self._bug: BaseException | None = None

    def add(self, entries: list[NewEntry], positions: Mapping[str, int], batch: Batch | None = None) -> bool:
        """Have some events written, and positions together with the last of them.

        Returns at once, or when there is room for more; False when nothing more will be written, because
        the disk refuses and a stop has been asked for.

        Parameters
        ----------
        batch
            Its `kept` is set when all of these are written.

        Raises
        ------
        BaseException
            What the journal has failed with, if that was no refusal of the disk.
        """
        size_bytes = sum(len(entry.data) for entry in entries)
        batches, items = ([batch], len(batch)) if batch is not None else ([], 0)
        more = _Parcel(entries, dict(positions), batches, size_bytes, items)
        with self._changed:
            self._ready.add(more)
        self._go()
        return self._wait(lambda: self._has_room)

    def flush(self, patience_s: float | None = None) -> bool:
        """Wait until all is written; False when it will not be, or takes longer than the patience.

        Raises
        ------
        BaseException
            As `add`.
        """
        return self._wait(lambda: self._is_empty, patience_s)

    def _wait(self, condition: Callable[[], bool], patience_s: float | None = None) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: condition() or self._given_up or self._bug, patience_s)
            if self._bug is not None:
                raise self._bug
            return condition() and not self._given_up

    @property
    def _has_room(self) -> bool:
        ready = self._ready
        return len(ready.entries) < MOST_EVENTS and ready.size_bytes < MOST_BYTES and ready.items < MOST_ITEMS

    @property
    def _is_empty(self) -> bool:
        return not self._ready and self._under_way is None

    def _go(self) -> None:
        """Send what is ready on its way, unless something is."""
        with self._changed:
            if self._under_way is not None or self._pausing or self._given_up or not self._ready:
                return
            parcel = self._under_way = self._ready
            self._ready = _Parcel()
        try:
            self._writer.put(
                parcel.entries, to_journal(parcel.positions), lambda answer: self._done(parcel, answer)
            )
        except BaseException as error:
            self._fail(error)
            raise

    def _done(self, parcel: _Parcel, answer: Appended | BaseException) -> None:
        if isinstance(answer, SourceError):
            self._put_back(parcel, answer)
        elif isinstance(answer, BaseException):
            self._fail(answer)
        else:
            self._settle(parcel, answer)
            self._go()

    def _settle(self, parcel: _Parcel, appended: Appended) -> None:
        if self.trouble is not None:
            self.trouble = None
            self._in_vain = 0
            _log.info("the journal can be written again; the feed goes on")
        self._kept(appended, parcel.entries)
        for batch in parcel.batches:
            batch.kept = True
        with self._changed:
            self._under_way = None
            self._changed.notify_all()

    def _put_back(self, parcel: _Parcel, error: SourceError) -> None:
        self.trouble = str(error)
        if self._in_vain % REMIND_EVERY == 0:
            _log.error("%s Nothing more is taken in; it is tried again every %g s.", error, RETRY_S)
        self._in_vain += 1
        with self._changed:
            parcel.add(self._ready)
            self._ready, self._under_way, self._pausing = parcel, None, True
        # Not in the writer's thread, for which others wait, too.
        threading.Thread(target=self._try_again, name="outlet", daemon=True).start()

    def _try_again(self) -> None:
        stopped = self._stop.wait(RETRY_S)
        with self._changed:
            self._pausing = False
            self._given_up = stopped
            self._changed.notify_all()
        if not stopped:
            self._go()

    def _fail(self, bug: BaseException) -> None:
        with self._changed:
            self._bug = bug
            self._changed.notify_all()
