"""The log that a broadcaster reads, and the newest part of it in memory for all subscribers together.

A hundred subscribers that follow live would read the same rows a hundred times; one that lags reads its
own rows from disk. Both ask here and cannot tell the difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Protocol

__all__ = ["EventLog", "LoggedEvent", "RecentPages"]


class LoggedEvent(Protocol):
    """One event of the log: its place, its identifier, its bytes."""

    @property
    def seq(self) -> int:
        """Place in the log; rises, with gaps where retention has removed events."""
        ...

    @property
    def ivorn(self) -> str:
        """The event's identifier, as its XML says it."""
        ...

    @property
    def data(self) -> bytes:
        """The packet."""
        ...


class EventLog(Protocol):
    """What a broadcaster needs of the journal (`bridge.journal.JournalReader` is one)."""

    def read(self, after: int, limit: int = ..., max_bytes: int = ...) -> Sequence[LoggedEvent]:
        """Events that follow a place, in order, at least one if there is any."""
        ...

    def last_seq(self) -> int:
        """The newest place."""
        ...

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow."""
        ...

    def cursor(self, subscriber_ivo: str) -> int | None:
        """Place up to which a subscriber has acknowledged all; None for an unknown one."""
        ...


class RecentPages:
    """Reads a log through a bounded memory of its newest events.

    Parameters
    ----------
    log
        The log.
    max_bytes
        Most bytes of packets kept in memory.
    """

    def __init__(self, log: EventLog, max_bytes: int) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._events: list[LoggedEvent] = []
        self._seqs: list[int] = []
        self._size = 0
        # All events with floor < seq <= head are in memory.
        self._floor = self._head = log.last_seq()
        self.reads = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of packets in memory."""
        return self._size

    def read(self, after: int, limit: int, max_bytes: int) -> Sequence[LoggedEvent]:
        """Events that follow a place, in order; see `EventLog.read`."""
        if after > self._head:
            # Nobody has followed the log up to here: what lies between may be far more than a page.
            self._forget(after)
        if after == self._head:
            self._extend(limit, max_bytes)
        if not self._floor <= after:
            self.reads += 1
            return self._log.read(after, limit, max_bytes)
        start = bisect_right(self._seqs, after)
        found: list[LoggedEvent] = []
        size = 0
        for event in self._events[start : start + limit]:
            found.append(event)
            size += len(event.data)
            if size >= max_bytes:
                break
        return found

    def _forget(self, head: int) -> None:
        self._events.clear()
        self._seqs.clear()
        self._size = 0
        self._floor = self._head = head

    def _extend(self, limit: int, max_bytes: int) -> None:
        self.reads += 1
        new = self._log.read(self._head, limit, max_bytes)
        if not new:
            return
        self._events.extend(new)
        self._seqs.extend(event.seq for event in new)
        self._size += sum(len(event.data) for event in new)
        self._head = new[-1].seq
        drop = 0
        while self._size > self._max_bytes and drop < len(self._events) - 1:
            self._size -= len(self._events[drop].data)
            drop += 1
        if drop:
            self._floor = self._seqs[drop - 1]
            del self._events[:drop], self._seqs[:drop]
