"""Builds a journal as the first version of the tables had it, with rows of every kind.

The tables stand here once more, word for word, because the point is that they are not those of today.
"""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

TABLES = """
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


def build(path: Path, events: int = 300) -> dict[str, list[tuple]]:
    """Make the file; gives all its rows by table, for comparison."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL").fetchone()
    connection.executescript(
        f"BEGIN; {TABLES} PRAGMA application_id = {0x564F456A}; PRAGMA user_version = 1; COMMIT;"
    )
    connection.execute("BEGIN")
    for n in range(1, events + 1):
        data = b"<v>%d</v>" % n * (n % 50 + 1)
        authored = n % 3 == 0
        where = (n * 7.3 % 360, n * 3.1 % 180 - 90) if n % 5 else (None, None)
        connection.execute(
            "INSERT INTO event (ivorn, kind, digest, role, object_key, ra_deg, dec_deg, observed_at, "
            "published_at, size_bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                f"ivo://org.example/{'ours' if authored else 'theirs'}#{n}",
                "authored" if authored else "relayed",
                hashlib.sha256(b"datum %d" % n if authored else data).digest(),
                "observation" if n % 4 else "test",
                f"object {n % 7}" if authored else "",
                *where,
                "2026-01-01T00:00:00Z" if n % 2 else None,
                1_700_000_000.0 + n,
                len(data),
            ),
        )
        if n > events // 3:
            connection.execute("INSERT INTO body VALUES (?, ?)", (n, data))
    connection.executemany(
        "INSERT INTO position VALUES (?, ?, ?)", [("/in/a.avro", 7, 1.7e9), ("kafka://h/t/0", 9, 1.7e9)]
    )
    connection.execute("INSERT INTO subscriber VALUES ('ivo://org.example/comet', 250, 1.7e9)")
    connection.executemany("INSERT INTO counter VALUES (?, ?)", [("duplicates", 4), ("conflicts", 2)])
    connection.execute("COMMIT")
    rows = contents(connection)
    connection.close()
    return rows


def contents(connection: sqlite3.Connection) -> dict[str, list[tuple]]:
    """All rows of the tables that version 1 has."""
    tables = ("event", "body", "position", "subscriber", "counter", "sqlite_sequence")
    return {table: connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables}
