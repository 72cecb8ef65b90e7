"""Reads the journal: events after a place, positions, cursors, searches.

A reader has a connection of its own and never waits for the writer, so the broadcaster (one thread) and
the feed (another) share a journal without sharing anything in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from bridge.errors import SourceError
from bridge.journal.connection import beside
from bridge.journal.entry import Entry, SavedCursor, Space, Statistics, Summary
from bridge.journal.search import Cone, Search, conditions
from bridge.journal.view import JournalView

__all__ = ["JournalReader"]

# What ``PRAGMA auto_vacuum`` says of a file that can be shortened in steps.
_INCREMENTAL = 2

_SUMMARY = """
    SELECT seq, ivorn, kind, digest, role, object_key, ra_deg, dec_deg, observed_at, published_at, size_bytes,
           EXISTS (SELECT 1 FROM body WHERE body.seq = event.seq) FROM event
"""


class JournalReader(JournalView):
    """A view of a journal that another object, thread or process may be writing."""

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

    def identities(
        self, after: int, limit: int
    ) -> list[tuple[int, str | None, str | None, bytes | None, int | None, bytes]]:
        """For a check: place, IVORN, kind, digest, size in bytes, and packet, of those that follow a place.

        What is not known about a packet is None; there is no such packet unless the journal is damaged.
        """
        return [
            (seq, ivorn, kind, digest, size, data)
            for seq, ivorn, kind, digest, size, data in self._rows(
                "SELECT body.seq, ivorn, kind, digest, size_bytes, data FROM body "
                "LEFT JOIN event ON event.seq = body.seq WHERE body.seq > ? ORDER BY body.seq LIMIT ?",
                (after, limit),
            )
        ]

    def last_seq(self) -> int:
        """The newest place in the journal, 0 when it is empty."""
        # Not the newest row: that one may have been forgotten, and its place is not given again.
        rows = self._rows("SELECT seq FROM sqlite_sequence WHERE name = 'event'")
        return int(rows[0][0]) if rows else 0

    def first_seq(self) -> int:
        """The oldest place of which anything is known; 0 when there is none."""
        return int(self._rows("SELECT coalesce(min(seq), 0) FROM event")[0][0])

    def first_kept_seq(self) -> int | None:
        """The oldest place whose packet retention has left; None when there is none."""
        seq = self._rows("SELECT min(seq) FROM body")[0][0]
        return None if seq is None else int(seq)

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow (Unix seconds, UTC)."""
        # In this order: an event that is published in between is found, and not taken for an old one.
        last = self.last_seq()
        rows = self._rows(
            "SELECT seq FROM event WHERE published_at >= ? ORDER BY published_at, seq LIMIT 1", (time_unix_s,)
        )
        return int(rows[0][0]) - 1 if rows else last

    def newest_at(self) -> float | None:
        """When the newest event that is remembered was published, in Unix seconds; None if there is none."""
        newest: float | None = self._rows("SELECT max(published_at) FROM event")[0][0]
        return newest

    def seq_before(self, time_unix_s: float) -> int:
        """The place of the latest event published before a time (Unix seconds, UTC); 0 if there is none."""
        rows = self._rows(
            "SELECT seq FROM event WHERE published_at < ? ORDER BY published_at DESC, seq DESC LIMIT 1",
            (time_unix_s,),
        )
        return int(rows[0][0]) if rows else 0

    def seq_of(self, ivorn: str) -> int | None:
        """The first place of an event under this identifier; None for one that is not known."""
        seq = self._rows("SELECT min(seq) FROM event WHERE ivorn = ?", (ivorn,))[0][0]
        return None if seq is None else int(seq)

    def positions(self) -> dict[str, int]:
        """Source positions as they were given with the last batch that named each part."""
        return dict(self._rows("SELECT part, value FROM position"))

    def plan_mark(self) -> int | None:
        """The number that `Journal.note_plan` was given last."""
        rows = self._rows("SELECT value FROM counter WHERE name = 'plan'")
        return int(rows[0][0]) if rows else None

    def stale_positions(self, saved_before: float) -> list[str]:
        """Parts of the source that were last read before a time, in Unix seconds (UTC)."""
        return [
            part for (part,) in self._rows("SELECT part FROM position WHERE saved_at < ?", (saved_before,))
        ]

    def previous_ivorn(self, object_key: str) -> str | None:
        """IVORN of the newest event about an object; None when there is none, or the key is empty."""
        rows = self._rows(
            "SELECT ivorn FROM event WHERE object_key = ? AND object_key <> '' ORDER BY seq DESC LIMIT 1",
            (object_key,),
        )
        return str(rows[0][0]) if rows else None

    def events_about(self, object_key: str) -> list[tuple[str, str, str]]:
        """All events about an object, oldest first: IVORN, digest (hex) of the content, time observed."""
        rows = self._rows(
            "SELECT ivorn, digest, observed_at FROM event "
            "WHERE object_key = ? AND object_key <> '' ORDER BY seq",
            (object_key,),
        )
        return [(ivorn, digest.hex(), observed_at or "") for ivorn, digest, observed_at in rows]

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
        glob: str | None = None,
        stream: str | None = None,
        role: str | None = None,
        object_key: str | None = None,
        since: float | None = None,
        until: float | None = None,
        cone: Cone | None = None,
        before: int | None = None,
        limit: int | None = None,
    ) -> list[Summary]:
        """Search the journal, newest first; `Search` explains the fields.

        Parameters
        ----------
        limit
            At most so many; `before` gets the next page of a long list.
        """
        return self.search(
            Search(
                ivorn=ivorn,
                glob=glob,
                stream=stream,
                role=role,
                object_key=object_key,
                since=since,
                until=until,
                cone=cone,
                before=before,
            ),
            limit,
        )

    def search(self, search: Search, limit: int | None = None) -> list[Summary]:
        """Search the journal, newest first, for at most `limit` events."""
        where, values = conditions(search, self)
        rows = self._rows(
            f"{_SUMMARY}{where} ORDER BY seq DESC LIMIT ?", (*values, -1 if limit is None else limit)
        )
        return [Summary(*(*row[:-1], bool(row[-1]))) for row in rows]

    def has_many(self, low: str, high: str) -> bool:
        """Whether so many identifiers lie from one up to another that sorting them would take long."""
        many = 20_000
        counted = self._rows(
            "SELECT count(*) FROM (SELECT 1 FROM event WHERE ivorn >= ? AND ivorn < ? LIMIT ?)",
            (low, high, many),
        )
        return bool(counted[0][0] == many)

    def places(self, search: Search) -> array[int]:
        """Places of all events that are found, oldest first: eight bytes each, however many there are."""
        where, values = conditions(search, self)
        with self._using() as connection:
            found = connection.execute(f"SELECT seq FROM event{where} ORDER BY seq", values)
            return array("q", (seq for (seq,) in found))

    def entries(self, places: Sequence[int]) -> list[Entry]:
        """The events at these places whose packets retention has left, in the order of the places."""
        found: list[Entry] = []
        with self._using() as connection:
            for place in places:
                row = connection.execute(
                    "SELECT body.seq, ivorn, role, data FROM body CROSS JOIN event ON event.seq = body.seq "
                    "WHERE body.seq = ?",
                    (place,),
                ).fetchone()
                if row is not None:
                    found.append(Entry(*row))
        return found

    def statistics(self, *, groups: bool = True) -> Statistics:
        """Counts over the journal's life.

        Parameters
        ----------
        groups
            Count by role and kind, too. That reads what is known of every event: seconds for ten million.
        """
        with self._lock:
            by_kind = by_role = {}
            if groups:
                by_kind = dict(self._rows("SELECT kind, count(*) FROM event GROUP BY kind"))
                by_role = dict(self._rows("SELECT role, count(*) FROM event GROUP BY role"))
            counters = dict(self._rows("SELECT name, value FROM counter"))
            # Packets go oldest first, so those that are kept follow on the first; counting them where they
            # lie would read them all.
            first = self.first_kept_seq()
            kept, size = self._rows(
                "SELECT count(*), coalesce(sum(size_bytes), 0) FROM event WHERE seq >= ?",
                (first if first is not None else self.last_seq() + 1,),
            )[0]
            oldest = self._rows("SELECT published_at FROM event WHERE seq = ?", (first,))
            remembered = self._rows("SELECT count(*) FROM event")[0][0]
            return Statistics(
                events=self.last_seq(),
                forgotten=self.last_seq() - remembered,
                kept=kept,
                kept_bytes=size,
                duplicates=counters.get("duplicates", 0),
                conflicts=counters.get("conflicts", 0),
                by_role=by_role,
                by_kind=by_kind,
                first_kept_seq=first,
                last_seq=self.last_seq(),
                oldest_at=oldest[0][0] if oldest else None,
                newest_at=self.newest_at(),
                subscribers=self._rows("SELECT count(*) FROM subscriber")[0][0],
            )

    def space(self) -> Space:
        """Room that the journal takes; quick, whatever its size."""
        with self._using() as connection:
            page, count, free, mode = (
                int(connection.execute(f"PRAGMA {name}").fetchone()[0])
                for name in ("page_size", "page_count", "freelist_count", "auto_vacuum")
            )
        log = beside(self.path, "-wal")
        try:
            log_bytes = log.stat().st_size
        except OSError:
            log_bytes = 0
        return Space(page * count, page * (count - free), log_bytes, page, mode == _INCREMENTAL)

    def check(self) -> None:
        """Compare the whole file with its indexes; raises `SourceError` that says what is damaged."""
        found = [str(row[0]) for row in self._rows("PRAGMA integrity_check(5)")]
        if found != ["ok"]:
            raise SourceError(
                f"The journal {self.path} is damaged: {'; '.join(found)}. Put it aside, and copy out what "
                "can be saved with 'journal export'."
            )
