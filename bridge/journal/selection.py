"""Walks through a journal of any length for an export, oldest event first, in pages.

Apart from the reader's search, which answers from the small rows: this one yields packets, and never
holds more than a page of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.journal.entry import Entry
from bridge.journal.reader import JournalReader
from bridge.journal.search import Search

__all__ = ["kept_events"]


def kept_events(reader: JournalReader, search: Search | None = None, *, page: int = 64) -> Iterator[Entry]:
    """Events whose packets the journal still has.

    An export ends at what was there when it began, even while a feed goes on.

    Parameters
    ----------
    search
        Which events; None for all.
    page
        How many are read at a time.
    """
    wanted = reader.places(search or Search())
    for start in range(0, len(wanted), page):
        yield from reader.entries(wanted[start : start + page])
