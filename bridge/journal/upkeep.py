"""Keeps a journal small over years: each function is one short step of one transaction.

Apart from the journal, because this is about pages and rows and not about what is promised of events. Who
calls a step, how often, and with what pauses is `bridge.feed.retention`'s.
"""

from __future__ import annotations

import sqlite3

from bridge.journal.entry import Pruned

__all__ = ["forget_events", "forget_subscribers", "give_back", "prune_bodies"]

# A packet of 100 kB is a chain of 25 pages that are read one by one when it goes: so a step is bounded by
# bytes as well as by rows.
STEP_BYTES = 4 << 20


def prune_bodies(connection: sqlite3.Connection, up_to_seq: int, max_rows: int) -> Pruned:
    """Remove the bytes of the oldest packets up to and including a place."""
    rows = connection.execute(
        "SELECT body.seq, size_bytes FROM body CROSS JOIN event ON event.seq = body.seq "
        "WHERE body.seq <= ? ORDER BY body.seq LIMIT ?",
        (up_to_seq, max_rows),
    )
    old: list[tuple[int]] = []
    size = 0
    for seq, size_bytes in rows:
        old.append((seq,))
        size += size_bytes
        if size >= STEP_BYTES:
            break
    rows.close()
    connection.executemany("DELETE FROM body WHERE seq = ?", old)
    return Pruned(len(old), size)


def forget_events(connection: sqlite3.Connection, up_to_seq: int, max_rows: int) -> int:
    """Remove all that is known about the oldest events up to a place; those whose packet is kept stay."""
    first_kept = connection.execute("SELECT min(seq) FROM body").fetchone()[0]
    limit = up_to_seq if first_kept is None else min(up_to_seq, first_kept - 1)
    return connection.execute(
        "DELETE FROM event WHERE seq IN (SELECT seq FROM event WHERE seq <= ? ORDER BY seq LIMIT ?)",
        (limit, max_rows),
    ).rowcount


def forget_subscribers(connection: sqlite3.Connection, saved_before: float) -> int:
    """Remove the places of subscribers that have not moved since a time (Unix seconds)."""
    return connection.execute("DELETE FROM subscriber WHERE saved_at < ?", (saved_before,)).rowcount


def give_back(connection: sqlite3.Connection, max_pages: int) -> int:
    """Shorten the file by at most so many free pages; gives how many went."""
    before = _free_pages(connection)
    # One page goes with each result row, and there are no columns: Python's cursor stops after the first.
    for _ in range(min(max_pages, before)):
        connection.execute("PRAGMA incremental_vacuum(1)")
    return before - _free_pages(connection)


def _free_pages(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])
