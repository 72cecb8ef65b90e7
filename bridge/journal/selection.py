"""Walks through a journal of any length for an export, oldest event first, in pages.

Apart from the reader's search, which answers from the small rows: this one yields packets, and never
holds more than a page of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.journal.entry import Entry
from bridge.journal.reader import JournalReader

__all__ = ["kept_events"]


def kept_events(
    reader: JournalReader,
    *,
    stream: str | None = None,
    role: str | None = None,
    since: float | None = None,
    page: int = 256,
) -> Iterator[Entry]:
    """Events whose packets the journal still has.

    Parameters
    ----------
    stream
        Only those whose IVORN has this part before ``#``.
    role
        Only those of this VOEvent role.
    since
        Only those published at or after this time, in Unix seconds (UTC).
    page
        How many are read at a time.
    """
    place = 0 if since is None else reader.seq_at(since)
    # An export ends at what was there when it began, even while a feed goes on.
    last = reader.last_seq()
    while entries := reader.read(place, page):
        for entry in entries:
            if entry.seq > last:
                return
            wanted = stream is None or entry.ivorn.partition("#")[0] == stream.rstrip("#")
            if wanted and (role is None or entry.role == role):
                yield entry
        place = entries[-1].seq
