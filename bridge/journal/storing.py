"""Stores a batch of new events: asks for many at a time what is known already, and puts in many at a time.

Apart from the journal because this is about statements and not about promises. Each statement lets other
threads run while SQLite works, and then waits for its turn: one for every event would cost too much.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

from bridge.journal.entry import Conflict, NewEntry

__all__ = ["store"]

T = TypeVar("T")

_COLUMNS = (
    "seq, ivorn, kind, digest, role, object_key, ra_deg, dec_deg, observed_at, published_at, size_bytes"
)
# Rows of one statement. What is left of a group is one statement, too; all of them together stay compiled.
_ROWS = (512, 256, 128, 64, *range(32, 0, -1))
_MOST_COLUMNS = 11


def store(
    connection: sqlite3.Connection, entries: Sequence[NewEntry], now: float
) -> tuple[list[int | None], list[Conflict]]:
    """Store those of some events that are new, in the caller's transaction.

    Parameters
    ----------
    entries
        Events in order; one may repeat another.
    now
        When they are published, in Unix seconds.

    Returns
    -------
    For each entry its place, or None if it was not stored; and the entries that were refused.
    """
    if not entries:
        return [], []
    # SQLite takes 32,766 values of a statement, but it may have been built to take fewer.
    most = max(1, connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // _MOST_COLUMNS)
    authored, relayed = _known(connection, entries, most)
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'event'").fetchone()
    last = int(row[0]) if row else 0
    seqs: list[int | None] = []
    conflicts: list[Conflict] = []
    new: list[tuple[int, NewEntry]] = []
    for entry in entries:
        ivorn, digest = entry.ivorn, entry.digest
        first = authored.get(ivorn)
        if entry.kind == "authored" and first is not None and first[1] != digest:
            conflicts.append(Conflict(ivorn, *first, digest))
        if first is not None or (entry.kind == "relayed" and (ivorn, digest) in relayed):
            seqs.append(None)
            continue
        last += 1
        if entry.kind == "authored":
            authored[ivorn] = last, digest
        relayed.add((ivorn, digest))
        seqs.append(last)
        new.append((last, entry))
    for part in _in_parts(new, most):
        events: list[object] = []
        bodies: list[object] = []
        for seq, entry in part:
            data = entry.data
            events += (seq, entry.ivorn, entry.kind, entry.digest, entry.role, entry.object_key,
                       entry.ra_deg, entry.dec_deg, entry.observed_at, now, len(data))  # fmt: skip
            bodies += (seq, data)
        connection.execute(_insert(f"event ({_COLUMNS})", _MOST_COLUMNS, len(part)), events)
        connection.execute(_insert("body (seq, data)", 2, len(part)), bodies)
    return seqs, conflicts


def _known(
    connection: sqlite3.Connection, entries: Sequence[NewEntry], most: int
) -> tuple[dict[str, tuple[int, bytes]], set[tuple[str, bytes]]]:
    """What the journal has under the identifiers of some events: authored, and identities of all."""
    authored: dict[str, tuple[int, bytes]] = {}
    relayed: set[tuple[str, bytes]] = set()
    for part in _in_parts([entry.ivorn for entry in entries], most):
        rows = connection.execute(
            f"SELECT ivorn, kind, seq, digest FROM event WHERE ivorn IN ({', '.join('?' * len(part))})", part
        )
        for ivorn, kind, seq, digest in rows:
            if kind == "authored":
                authored[ivorn] = seq, bytes(digest)
            relayed.add((ivorn, bytes(digest)))
    return authored, relayed


def _in_parts(items: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """The items in parts of few different lengths, so that few statements are ever compiled."""
    start = 0
    for rows in (rows for rows in _ROWS if rows <= most):
        while len(items) - start >= rows:
            yield items[start : start + rows]
            start += rows


@lru_cache(maxsize=128)
def _insert(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    # An error undoes the whole transaction. With the usual OR ABORT SQLite would copy each page before it is
    # changed, to a file of its own where they are many, in order to undo this one statement.
    return f"INSERT OR FAIL INTO {table} VALUES {', '.join([row] * rows)}"
