"""What the front page shows of one moment, gathered from the feed's status and from its journal.

Apart from the page, because gathering asks the journal and may take its time, while writing HTML asks nobody.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from bridge.journal import JournalReader, Search, Summary
from bridge.web.chart_pace import BIN_S, BINS, Pace
from bridge.web.snapshot import FeedStatus

__all__ = ["LISTED", "MAPPED", "Glimpse", "take_glimpse"]

LISTED = 50
"""Events in the list of the front page, and on a page of results."""

MAPPED = 200
"""Events on the map of the sky."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The feed at one moment.

    Parameters
    ----------
    status
        How it is.
    events
        The last events, the newest first.
    pace
        How many were published in each of the last minutes.
    oldest_at
        When the oldest packet that is kept was published, in Unix seconds; None in an empty journal.
    """

    status: FeedStatus
    events: tuple[Summary, ...]
    pace: Pace
    oldest_at: float | None


def take_glimpse(status: FeedStatus, reader: JournalReader) -> Glimpse:
    """Gather it; a few milliseconds, however large the journal.

    Raises
    ------
    SourceError
        If the journal cannot be read.
    """
    first = status.journal.first_kept_seq
    oldest = reader.search(Search(before=first + 1), 1) if first is not None else []
    return Glimpse(
        status=status,
        events=tuple(reader.search(Search(), MAPPED)),
        pace=_pace(reader, status.now),
        oldest_at=oldest[0].published_at if oldest else None,
    )


def _pace(reader: JournalReader, now: float) -> Pace:
    """Places rise with time, so events in a stretch of time are the difference of two places: no counting."""
    last_edge = math.floor(now / BIN_S) * BIN_S
    edges = [last_edge - number * BIN_S for number in range(BINS - 1, -1, -1)]
    places = [reader.seq_before(edge) for edge in edges] + [reader.last_seq()]
    # A clock that was set back leaves times out of order; fewer than none are not published.
    counts = tuple(max(0, later - earlier) for earlier, later in itertools.pairwise(places))
    return Pace(float(edges[0]), counts, now - last_edge)
