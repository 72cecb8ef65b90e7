"""The index of an archive: which message lies where, and how far each topic has been archived.

One SQLite file. The rows of a batch, the positions reached and the lengths of the tar files are written in
one transaction, after the tar files are on the disk: what the index says is so, what it does not say is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from bridge.alerts.archive import ARCHIVE_INDEX
from bridge.errors import SourceError

__all__ = ["NAME", "Index", "Row"]

NAME = ARCHIVE_INDEX
FORMAT = 1

TABLES = """
CREATE TABLE tars (name TEXT PRIMARY KEY, topic TEXT NOT NULL, night TEXT NOT NULL, size INTEGER NOT NULL);
CREATE TABLE positions (partition TEXT PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE parts (
    id INTEGER PRIMARY KEY, partition TEXT NOT NULL, generation INTEGER NOT NULL,
    topic TEXT NOT NULL, number INTEGER NOT NULL, UNIQUE (partition, generation));
CREATE TABLE messages (
    part INTEGER NOT NULL REFERENCES parts, offset INTEGER NOT NULL, timestamp_ms INTEGER, alert_id TEXT,
    tar TEXT NOT NULL REFERENCES tars, member TEXT NOT NULL, start INTEGER NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (part, offset)) WITHOUT ROWID;
CREATE INDEX messages_by_id ON messages (alert_id);
CREATE VIEW archive AS
    SELECT topic, number AS partition, offset, generation,
           strftime('%Y-%m-%dT%H:%M:%fZ', timestamp_ms / 1000.0, 'unixepoch') AS time,
           alert_id, tar, member, start, size
    FROM messages JOIN parts ON parts.id = messages.part;
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the archive.

    Parameters
    ----------
    partition, offset
        Where it came from, as positions have it.
    timestamp_ms
        Unix milliseconds (UTC), or None.
    alert_id
        The alert's own id, or empty.
    tar, member, start, size
        Tar file, name in it, where the content begins and how long it is, in bytes.
    """

    partition: str
    offset: int
    timestamp_ms: int | None
    alert_id: str
    tar: str
    member: str
    start: int
    size: int


class Index:
    """The open index; made if it is not there.

    Parameters
    ----------
    folder
        Of the archive.

    Raises
    ------
    SourceError
        If it cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._parts: dict[str, int] = {}
        with self._meaningful():
            self._db = sqlite3.connect(self.path, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == 0:
                self._db.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT;")
            elif version != FORMAT:
                raise SourceError(
                    f"{self.path} has format {version}, and this version of voevent-bridge knows {FORMAT}."
                )

    def positions(self) -> dict[str, int]:
        """Partition to the offset of the next message wanted."""
        with self._meaningful():
            return dict(self._db.execute("SELECT partition, next FROM positions"))

    def tars(self) -> dict[str, int]:
        """Tar file to its length without its end mark, in bytes."""
        with self._meaningful():
            return dict(self._db.execute("SELECT name, size FROM tars ORDER BY night, name"))

    def newest_tar(self, topic: str, night: str) -> str | None:
        """Tar file that was begun last for a topic and a night."""
        asked = "SELECT name FROM tars WHERE topic = ? AND night = ? ORDER BY rowid DESC LIMIT 1"
        with self._meaningful():
            found = self._db.execute(asked, (topic, night)).fetchone()
        return None if found is None else str(found[0])

    def add_tar(self, name: str, topic: str, night: str) -> None:
        """Note a tar file before it is made, so that it is known to be ours."""
        with self._meaningful():
            self._db.execute("INSERT INTO tars VALUES (?, ?, ?, 0)", (name, topic, night))

    def add(self, rows: Iterable[Row], positions: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        """Keep messages, positions and lengths of tar files, all or nothing.

        Raises
        ------
        SourceError
            If that fails; also if a message is there already.
        """
        with self._meaningful(), self._transaction():
            values = [
                (
                    *(self._part(row.partition), row.offset, row.timestamp_ms, row.alert_id or None),
                    *(row.tar, row.member, row.start, row.size),
                )
                for row in rows
            ]
            lengths = [(size, name) for name, size in sizes.items()]
            self._db.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
            self._db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            self._db.executemany("UPDATE tars SET size = ? WHERE name = ?", lengths)

    def begin_anew(self, partition: str) -> None:
        """A partition was deleted and made anew: its offsets begin again, and mean other messages."""
        place = _place(partition)
        with self._meaningful(), self._transaction():
            self._part(partition)
            asked = "SELECT max(generation) FROM parts WHERE partition = ?"
            last = self._db.execute(asked, (partition,)).fetchone()[0]
            self._db.execute("INSERT INTO parts VALUES (NULL, ?, ?, ?, ?)", (partition, last + 1, *place))
        self._parts.pop(partition, None)

    def count(self) -> int:
        """How many messages the archive holds."""
        with self._meaningful():
            return int(self._db.execute("SELECT count(*) FROM messages").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _part(self, partition: str) -> int:
        known = self._parts.get(partition)
        if known is None:
            asked = "SELECT id FROM parts WHERE partition = ? ORDER BY generation DESC LIMIT 1"
            found = self._db.execute(asked, (partition,)).fetchone()
            if found is None:
                new = "INSERT INTO parts VALUES (NULL, ?, 0, ?, ?) RETURNING id"
                found = self._db.execute(new, (partition, *_place(partition))).fetchone()
            known = self._parts[partition] = int(found[0])
        return known

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            # Ids that the transaction gave are gone with it.
            self._parts.clear()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _meaningful(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError as error:
            raise SourceError(
                f"{self.path} has a message already that was to be archived now ({error}). "
                "Nothing was changed; was the index put back from a copy? Archive into a new folder."
            ) from error
        except sqlite3.Error as error:
            raise SourceError(f"{self.path} cannot be used ({error}).") from error


def _place(partition: str) -> tuple[str, int]:
    topic, _, number = partition.partition("://")[2].partition("/")[2].rpartition("/")
    return topic, int(number)
