"""Writes the journal: the durable log of published events and of the source positions they came from.

An event and its source position are one transaction. That is the whole of crash recovery: a feed that
starts again asks the journal for its positions, and what it then reads twice the journal recognises.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Self

from bridge.journal.connection import Durability, open_writing, take_lock
from bridge.journal.entry import Appended, NewEntry, Pruned
from bridge.journal.reader import JournalReader
from bridge.journal.storing import store
from bridge.journal.upkeep import forget_events, forget_subscribers, give_back, prune_bodies

__all__ = ["DEFAULT_PATH", "DEFAULT_RETENTION_S", "Journal"]

DEFAULT_PATH = Path("voevent-bridge.journal")
DEFAULT_RETENTION_S = 7 * 86_400.0


class Journal(JournalReader):
    """The one writer of a journal; it can be asked all that a `JournalReader` can.

    Safe to use from several threads: calls take turns. A thread that must never wait for the disk (the
    network's) reads through `reader` instead.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, lock: IO[str], clock: Callable[[], float]
    ) -> None:
        super().__init__(path, connection)
        self._file_lock = lock
        self._clock = clock
        self._last_seq = self.last_seq()

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        durability: Durability = "full",
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Open a journal for writing, making it when it does not exist.

        Parameters
        ----------
        path
            The SQLite file; beside it appear ``-wal`` and ``-shm`` (SQLite's) and ``.lock``.
        durability
            ``"full"``: a commit has reached the disk before `append` returns, so it outlives a power
            failure. ``"normal"``: it outlives the process (``kill -9``) but a power failure may undo the
            last commits, events together with their positions.
        clock
            Gives the time in Unix seconds.

        Raises
        ------
        SourceError
            When another process writes it, the file cannot be made or written, is damaged, or is newer
            than this program.
        """
        where = Path(path)
        lock = take_lock(where)
        try:
            return cls(where, open_writing(where, durability), lock, clock)
        except BaseException:
            lock.close()
            raise

    def reader(self) -> JournalReader:
        """A second connection for another thread; it never waits for the writer."""
        return JournalReader.open(self.path)

    def close(self) -> None:
        """Fold the log into the file and let another process have the journal."""
        with self._lock:
            self._connection.close()
            self._file_lock.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._using() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def append(self, entries: Sequence[NewEntry], positions: Mapping[str, int] | None = None) -> Appended:
        """Publish a batch and note how far the source has been read, in one transaction.

        An authored event is known by its IVORN: the same content again is a duplicate, another content a
        conflict, and neither is stored. A relayed event is known by its IVORN and bytes. A relayed event
        whose IVORN this journal has authored is our own come home, and a duplicate.

        Parameters
        ----------
        entries
            Events in the order in which subscribers shall get them.
        positions
            For each part of the source, the offset to go on from; parts not named keep theirs.

        Raises
        ------
        SourceError
            When it cannot be written (disk full, no right to write); then nothing of the batch is stored.
        """
        if not entries and not positions:
            return Appended((), 0, (), self._last_seq)
        now = self._clock()
        with self._transaction() as connection:
            seqs, conflicts = store(connection, entries, now)
            duplicates = seqs.count(None) - len(conflicts)
            _count(connection, "duplicates", duplicates)
            _count(connection, "conflicts", len(conflicts))
            if positions:
                connection.executemany(
                    "INSERT INTO position VALUES (?, ?, ?) "
                    "ON CONFLICT DO UPDATE SET value = excluded.value, saved_at = excluded.saved_at",
                    [(part, value, now) for part, value in positions.items()],
                )
        self._last_seq = max(self._last_seq, *(seq for seq in seqs if seq is not None), 0)
        return Appended(tuple(seqs), duplicates, tuple(conflicts), self._last_seq)

    def note_plan(self, mark: int) -> None:
        """Keep a number by which a feed knows filters and mapping that have fitted its alerts."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT INTO counter VALUES ('plan', ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                (mark,),
            )

    def save_cursors(self, cursors: Mapping[str, int]) -> None:
        """Note how far subscribers have acknowledged.

        Called now and then with all that moved: a cursor may lag behind the truth, never run ahead of it,
        so after a crash a subscriber gets a few events again rather than none.

        Parameters
        ----------
        cursors
            IVOID of the subscriber -> place up to and including which all is acknowledged.
        """
        if not cursors:
            return
        now = self._clock()
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO subscriber VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET seq = excluded.seq, saved_at = excluded.saved_at",
                [(ivo, seq, now) for ivo, seq in cursors.items()],
            )

    def prune(self, older_than: float, max_rows: int = 200) -> Pruned:
        """Remove the bytes of the oldest packets, a small step at a time; call until it removes none.

        IVORN, digest and object stay, so that an old event is still recognised and can be cited (some
        350 bytes each), until they are forgotten.

        Parameters
        ----------
        older_than
            Packets published before this time go, in Unix seconds (UTC).
        max_rows
            At most so many in one transaction, so that publishing waits milliseconds.
        """
        return self._prune_up_to(self.seq_at(older_than), max_rows)

    def prune_oldest(self, max_rows: int = 200) -> Pruned:
        """Remove the bytes of the oldest packets whatever their age, a small step at a time."""
        return self._prune_up_to(self.last_seq(), max_rows)

    def _prune_up_to(self, seq: int, max_rows: int) -> Pruned:
        first = self.first_kept_seq()
        if first is None or first > seq:
            # Mostly there is nothing to do: no transaction, so nobody waits.
            return Pruned(0, 0)
        with self._transaction() as connection:
            return prune_bodies(connection, seq, max_rows)

    def forget(self, older_than: float, max_rows: int = 100) -> int:
        """Remove all that is known about the oldest events without packets, a small step at a time.

        What is forgotten is not recognised any more: if it comes again it is published again.

        Parameters
        ----------
        older_than
            Events published before this time go, in Unix seconds (UTC).
        max_rows
            At most so many in one transaction.

        Returns
        -------
        How many went; 0 when nothing old is left.
        """
        seq = self.seq_at(older_than)
        oldest = self._rows("SELECT min(seq) FROM event")[0][0]
        if oldest is None or oldest > seq:
            return 0
        with self._transaction() as connection:
            return forget_events(connection, seq, max_rows)

    def forget_subscribers(self, saved_before: float) -> int:
        """Treat subscribers whose places have not moved since a time (Unix seconds) as newcomers."""
        with self._transaction() as connection:
            return forget_subscribers(connection, saved_before)

    def forget_positions(self, parts: Iterable[str]) -> None:
        """Treat parts of the source as never read."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM position WHERE part = ?", [(part,) for part in parts])

    def give_back(self, max_pages: int = 256) -> int:
        """Shorten the file by free pages, a small step at a time.

        Parameters
        ----------
        max_pages
            At most so many; `Space.page_bytes` long each.

        Returns
        -------
        How many pages went; 0 when none is free, or the file was made by version 1 of the tables.
        """
        with self._transaction() as connection:
            return give_back(connection, max_pages)

    def compact(self) -> None:
        """Write the file anew without free room, and so that it can be shortened in steps from now on.

        Nothing else can be done with the journal meanwhile, and the disk needs room for a second one.
        """
        with self._using() as connection:
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _count(connection: sqlite3.Connection, name: str, more: int) -> None:
    if more:
        connection.execute(
            "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value",
            (name, more),
        )
