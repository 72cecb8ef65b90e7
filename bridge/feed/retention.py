"""Keeps the journal within its bounds, in steps that let publishing go on.

Three bounds: packets go by age and by size, what is known about them goes much later, and room that has
become free is given back to the disk. A step holds the journal for milliseconds; between two steps everybody
else has more time than the step took.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import SourceError
from bridge.feed.positions import from_journal
from bridge.journal import Journal
from bridge.wording import counted

__all__ = ["Bounds", "Removed", "keep_within"]

_log = logging.getLogger(__name__)

# After a step, twice its time is left to others, and this at least (seconds).
SHARE = 2.0
PAUSE_S = 0.005

# How long a step should take: longer ones do less the next time, much shorter ones do more (seconds).
STEP_S = 0.02
FEWEST, MOST = 32, 4096

# So many of the newest packets stay, whatever their size: a bound that was chosen too small must not keep
# subscribers from getting anything.
ALWAYS_KEPT = 1_000

# Room is given back when more than a tenth of the file is free, and more than this: what comes next fills it.
SLACK_BYTES = 16 << 20


@dataclass(frozen=True)
class Bounds:
    """How much a journal keeps.

    Parameters
    ----------
    retention_s
        Packets older than this go, in seconds.
    remember_s
        What is known about an event (IVORN, digest, position, object) goes after so many seconds, and so do
        the places of subscribers and files that are gone.
    max_bytes
        The oldest packets go while the journal holds more; None for no bound.
    """

    retention_s: float = 7 * 86_400.0
    remember_s: float = 365 * 86_400.0
    max_bytes: int | None = None


@dataclass(slots=True)
class Removed:
    """What has been removed in one round.

    Attributes
    ----------
    expired, crowded
        Packets that were too old, and packets that were too many.
    forgotten
        Events of which nothing is known any more.
    pages
        Pages that were given back to the disk.
    longest_s
        The longest time that one step took, in seconds, its own wait for the journal included.
    """

    expired: int = 0
    crowded: int = 0
    forgotten: int = 0
    pages: int = 0
    longest_s: float = 0.0


def keep_within(
    bounds: Bounds, journal: Journal, stop: threading.Event, *, now: float | None = None
) -> Removed:
    """Remove what is beyond the bounds; a full disk ends the round with a line in the log.

    Parameters
    ----------
    stop
        Set to end early.
    now
        Unix seconds; None for the clock's.
    """
    at = time.time() if now is None else now
    removed = Removed()
    try:
        _remove(bounds, journal, _Steps(stop, removed), at)
    except SourceError as error:
        _log.error("%s Nothing more is removed for now.", error)
    _tell(bounds, removed)
    return removed


class _Steps:
    """Takes steps until one finds nothing to do, with pauses in which others get their turn."""

    def __init__(
        self, stop: threading.Event, removed: Removed, stopwatch: Callable[[], float] = time.perf_counter
    ) -> None:
        self.stop = stop
        self.removed = removed
        self._stopwatch = stopwatch

    def all(self, step: Callable[[int], int]) -> int:
        """Call a step with how much it may do, until it says that it has done nothing; gives the sum."""
        done, size = 0, FEWEST
        while not self.stop.is_set():
            began = self._stopwatch()
            more = step(size)
            took = self._stopwatch() - began
            self.removed.longest_s = max(self.removed.longest_s, took)
            done += more
            if took > STEP_S:
                size = max(FEWEST, size // 2)
            elif took < STEP_S / 2:
                size = min(MOST, size * 2)
            if not more or self.stop.wait(max(PAUSE_S, SHARE * took)):
                break
        return done


def _remove(bounds: Bounds, journal: Journal, steps: _Steps, at: float) -> None:
    removed = steps.removed
    removed.expired = steps.all(lambda size: journal.prune(at - bounds.retention_s, size).events)
    if bounds.max_bytes is not None:
        limit = bounds.max_bytes
        removed.crowded = steps.all(lambda size: _make_room(journal, limit, size))
    old = at - bounds.remember_s
    removed.forgotten = steps.all(lambda size: journal.forget(old, size))
    if not steps.stop.is_set():
        journal.forget_subscribers(old)
        journal.forget_positions([part for part in journal.stale_positions(old) if _is_gone(part)])
    removed.pages = steps.all(lambda size: _shorten(journal, size))


def _make_room(journal: Journal, limit: int, size: int) -> int:
    first = journal.first_kept_seq()
    used = journal.space().used_bytes
    if first is None or used <= limit:
        return 0
    kept = journal.last_seq() - first + 1
    spare = kept - ALWAYS_KEPT
    if spare <= 0:
        _log.warning(
            "the journal needs more than its max_size of %s for its newest %d packets and for what it "
            "remembers of older events: give it more, or let it remember for a shorter time",
            counted(limit, "byte"),
            ALWAYS_KEPT,
        )
        return 0
    # The last step takes no more than is needed, as far as packets are of one size.
    needed = math.ceil((used - limit) * kept / used)
    return journal.prune_oldest(min(size, spare, needed)).events


def _shorten(journal: Journal, size: int) -> int:
    space = journal.space()
    surplus = space.free_bytes - max(SLACK_BYTES, space.file_bytes // 10)
    if not space.shrinks or surplus <= 0:
        return 0
    return journal.give_back(min(size, math.ceil(surplus / space.page_bytes)))


def _is_gone(part: str) -> bool:
    """Whether a part of the source is a file that has been removed from a folder that is still there."""
    (name,) = from_journal({part: 0})
    path = Path(name)
    return path.is_absolute() and path.parent.is_dir() and not path.exists()


def _tell(bounds: Bounds, removed: Removed) -> None:
    if removed.expired:
        _log.info(
            "%s older than %g s removed",
            counted(removed.expired, "packet"),
            bounds.retention_s,
            extra={"removed": removed.expired},
        )
    if removed.crowded:
        _log.info(
            "%s removed because the journal has reached %d bytes",
            counted(removed.crowded, "packet"),
            bounds.max_bytes,
            extra={"removed": removed.crowded},
        )
    if removed.forgotten:
        _log.info(
            "%s older than %g s forgotten",
            counted(removed.forgotten, "event"),
            bounds.remember_s,
            extra={"forgotten": removed.forgotten},
        )
