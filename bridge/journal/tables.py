"""The journal's tables, and how an older file is brought up to date.

What is known about an event and its bytes lie in two tables: retention removes the bytes long before the
rest, so an IVORN stays taken, an object's last event can still be cited, and a search reads small rows.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

__all__ = [
    "APPLICATION_ID",
    "MIGRATIONS",
    "STRETCH",
    "STRETCH_BITS",
    "ZONE",
    "ZONES_PER_DEGREE",
    "migrate",
    "version_of",
]

APPLICATION_ID = 0x564F456A
"""``PRAGMA application_id`` of a journal, so that another database is not mistaken for one."""

_VERSION_1 = """
CREATE TABLE event (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    ivorn TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('authored', 'relayed')),
    digest BLOB NOT NULL,
    role TEXT NOT NULL,
    object_key TEXT NOT NULL,
    ra_deg REAL,
    dec_deg REAL,
    observed_at TEXT,
    published_at REAL NOT NULL,
    size_bytes INTEGER NOT NULL
);
CREATE UNIQUE INDEX event_identity ON event (ivorn, (CASE kind WHEN 'authored' THEN x'' ELSE digest END));
CREATE INDEX event_object ON event (object_key, seq) WHERE object_key <> '';
CREATE INDEX event_role ON event (role, seq);
CREATE INDEX event_time ON event (published_at, seq);
CREATE TABLE body (
    seq INTEGER PRIMARY KEY REFERENCES event (seq),
    data BLOB NOT NULL
);
CREATE TABLE position (
    part TEXT PRIMARY KEY,
    value INTEGER NOT NULL,
    saved_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscriber (
    ivo TEXT PRIMARY KEY,
    seq INTEGER NOT NULL,
    saved_at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
"""

ZONES_PER_DEGREE = 2
"""How finely declinations are cut into zones for searches around a position."""

ZONE = f"CAST((dec_deg + 90) * {ZONES_PER_DEGREE} AS INTEGER)"
"""SQL for the number of an event's zone, from 0 at the south pole; the index is on this very text."""

# A cone meets few zones, and in each of them a range of right ascension: two plain comparisons of an index.
# Beside SQLite's R*Tree it needs no second table, and half the time when an event is appended.
_VERSION_2 = f"""
CREATE INDEX event_sky ON event ({ZONE}, ra_deg, dec_deg)
    WHERE dec_deg IS NOT NULL AND ra_deg IS NOT NULL;
"""

STRETCH_BITS = 12
"""Searches around a position look at the journal in stretches of 2**12 events."""

STRETCH = f"(event.seq >> {STRETCH_BITS})"
"""SQL for the number of an event's stretch; the index is on it, without the table's name."""

# New events lie anywhere on the sky: in one index of all, each would change another page, and in a large
# journal that was half of what it took to append. Of a stretch there are few pages.
_VERSION_3 = f"""
DROP INDEX event_sky;
CREATE INDEX event_sky ON event ((seq >> {STRETCH_BITS}), {ZONE}, ra_deg, dec_deg)
    WHERE dec_deg IS NOT NULL AND ra_deg IS NOT NULL;
"""

MIGRATIONS: tuple[str, ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Scripts in order; script number n (from 1) makes a file of version n - 1 into one of version n."""


def version_of(connection: sqlite3.Connection) -> int:
    """Version of the tables in the file, 0 when it has none."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, scripts: Sequence[str] = MIGRATIONS) -> int:
    """Bring a file up to the version of the last script, each step in one transaction.

    Parameters
    ----------
    connection
        In autocommit mode (``isolation_level=None``).
    scripts
        All scripts since version 0.

    Returns
    -------
    int
        How many steps were taken.
    """
    have = version_of(connection)
    for number, script in enumerate(scripts[have:], have + 1):
        # executescript would commit before it begins: the transaction has to be part of the script.
        try:
            connection.executescript(
                f"BEGIN IMMEDIATE; {script} PRAGMA application_id = {APPLICATION_ID}; "
                f"PRAGMA user_version = {number}; COMMIT;"
            )
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return max(0, len(scripts) - have)
