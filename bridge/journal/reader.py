"""Reads the journal: events after a place, positions, cursors, searches.

A reader has a connection of its own and never waits for the writer, so the broadcaster (one thread) and
the feed (another) share a journal without sharing anything in memory.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.errors import SourceError
from bridge.journal.connection import explained, open_reading
from bridge.journal.entry import Entry, SavedCursor, Statistics, Summary

__all__ = ["JournalReader"]

_SUMMARY = """
    SELECT seq, ivorn, kind, digest, role, object_key, ra_deg, dec_deg, observed_at, published_at, size_bytes,
           EXISTS (SELECT 1 FROM body WHERE body.seq = event.seq) FROM event
"""


class JournalReader:
    """A view of a journal that another object, thread or process may be writing.

    Every method may be called from any thread; calls on one reader take turns. Each call sees all that
    was committed before it, and leaves no transaction open (an open one would keep the log from being
    folded back into the file).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an existing journal for reading; raises `SourceError` when there is none, or it is damaged."""
        return cls(Path(path), open_reading(Path(path)))

    def close(self) -> None:
        """Give the file back; a second call does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            yield self._connection

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._using() as connection:
            return connection.execute(sql, values).fetchall()

    def read(self, after: int, limit: int = 100, max_bytes: int = 1 << 20) -> list[Entry]:
        """Events that follow a place, in order.

        Parameters
        ----------
        after
            The last place already read; 0 reads from the start.
        limit
            At most so many events.
        max_bytes
            Stop when the packets read reach this size, in bytes; one event is always read.
        """
        found: list[Entry] = []
        size = 0
        with self._using() as connection:
            rows = connection.execute(
                "SELECT body.seq, ivorn, role, data FROM body CROSS JOIN event ON event.seq = body.seq "
                "WHERE body.seq > ? ORDER BY body.seq LIMIT ?",
                (after, limit),
            )
            try:
                for seq, ivorn, role, data in rows:
                    found.append(Entry(seq, ivorn, role, data))
                    size += len(data)
                    if size >= max_bytes:
                        break
            finally:
                rows.close()
        return found

    def last_seq(self) -> int:
        """The newest place in the journal, 0 when it is empty."""
        return int(self._rows("SELECT coalesce(max(seq), 0) FROM event")[0][0])

    def first_kept_seq(self) -> int | None:
        """The oldest place whose packet retention has left; None when there is none."""
        seq = self._rows("SELECT min(seq) FROM body")[0][0]
        return None if seq is None else int(seq)

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow (Unix seconds, UTC)."""
        rows = self._rows(
            "SELECT seq FROM event WHERE published_at >= ? ORDER BY published_at, seq LIMIT 1", (time_unix_s,)
        )
        return int(rows[0][0]) - 1 if rows else self.last_seq()

    def positions(self) -> dict[str, int]:
        """Source positions as they were given with the last batch that named each part."""
        return dict(self._rows("SELECT part, value FROM position"))

    def previous_ivorn(self, object_key: str) -> str | None:
        """IVORN of the newest event about an object; None when there is none, or the key is empty."""
        rows = self._rows(
            "SELECT ivorn FROM event WHERE object_key = ? AND object_key <> '' ORDER BY seq DESC LIMIT 1",
            (object_key,),
        )
        return str(rows[0][0]) if rows else None

    def cursor(self, subscriber_ivo: str) -> int | None:
        """Place up to which a subscriber has acknowledged all; None for one the journal does not know."""
        rows = self._rows("SELECT seq FROM subscriber WHERE ivo = ?", (subscriber_ivo,))
        return int(rows[0][0]) if rows else None

    def cursors(self) -> dict[str, SavedCursor]:
        """All subscribers that the journal knows by their IVOID."""
        return {
            ivo: SavedCursor(seq, at)
            for ivo, seq, at in self._rows("SELECT ivo, seq, saved_at FROM subscriber")
        }

    def editions(self, ivorn: str) -> list[tuple[Summary, bytes | None]]:
        """All that was published under an IVORN, oldest first, with the packets that retention has left.

        An authored event has one edition; a relayed one has as many as its author sent.
        """
        with self._lock:
            known = self.find(ivorn=ivorn)
            return [(summary, self._body(summary.seq)) for summary in reversed(known)]

    def _body(self, seq: int) -> bytes | None:
        rows = self._rows("SELECT data FROM body WHERE seq = ?", (seq,))
        return bytes(rows[0][0]) if rows else None

    def find(
        self,
        *,
        ivorn: str | None = None,
        stream: str | None = None,
        role: str | None = None,
        object_key: str | None = None,
        since: float | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Summary]:
        """Search the journal, newest first.

        Parameters
        ----------
        ivorn
            One event's identifier.
        stream
            The identifier before ``#``: all events of one stream.
        role
            VOEvent role.
        object_key
            All events about one object.
        since
            Published at or after this time, in Unix seconds (UTC).
        before
            Only places before this one: the next page of a long list.
        limit
            At most so many.
        """
        terms: list[tuple[str, tuple[Any, ...]]] = []
        if ivorn is not None:
            terms.append(("ivorn = ?", (ivorn,)))
        if stream is not None:
            # '$' is the character after '#': the range holds just the identifiers that start with 'stream#'.
            name = stream.rstrip("#")
            terms.append(("(ivorn >= ? AND ivorn < ?)", (name + "#", name + "$")))
        if role is not None:
            terms.append(("role = ?", (role,)))
        if object_key is not None:
            terms.append(("(object_key = ? AND object_key <> '')", (object_key,)))
        if since is not None:
            terms.append(("seq > ?", (self.seq_at(since),)))
        if before is not None:
            terms.append(("seq < ?", (before,)))
        where = " WHERE " + " AND ".join(term for term, _ in terms) if terms else ""
        values = tuple(value for _, given in terms for value in given)
        rows = self._rows(
            f"{_SUMMARY}{where} ORDER BY seq DESC LIMIT ?", (*values, -1 if limit is None else limit)
        )
        return [Summary(*(*row[:-1], bool(row[-1]))) for row in rows]

    def statistics(self) -> Statistics:
        """Counts over the journal's life; reads every small row, so not for every second."""
        with self._lock:
            by_kind = dict(self._rows("SELECT kind, count(*) FROM event GROUP BY kind"))
            by_role = dict(self._rows("SELECT role, count(*) FROM event GROUP BY role"))
            kept, size, first, oldest = self._rows(
                "SELECT count(*), coalesce(sum(size_bytes), 0), min(seq), min(published_at) FROM event "
                "WHERE seq IN (SELECT seq FROM body)"
            )[0]
            counters = dict(self._rows("SELECT name, value FROM counter"))
            return Statistics(
                events=sum(by_kind.values()),
                kept=kept,
                kept_bytes=size,
                duplicates=counters.get("duplicates", 0),
                conflicts=counters.get("conflicts", 0),
                by_role=by_role,
                by_kind=by_kind,
                first_kept_seq=first,
                last_seq=self.last_seq(),
                oldest_at=oldest,
                newest_at=self._rows("SELECT max(published_at) FROM event")[0][0],
                subscribers=self._rows("SELECT count(*) FROM subscriber")[0][0],
            )

    def check(self) -> None:
        """Compare the whole file with its indexes; raises `SourceError` that says what is damaged."""
        found = [str(row[0]) for row in self._rows("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise SourceError(
                f"The journal {self.path} is damaged: {'; '.join(found)}. Put it aside, and copy out what "
                "can be saved with 'journal export'."
            )
