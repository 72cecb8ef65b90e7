"""The log that a broadcaster reads, and the newest part of it in memory for all subscribers together.

A hundred subscribers that follow live would read the same rows a hundred times; one that lags reads its
own rows from disk. Both ask here and cannot tell the difference.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from bridge.vtp.frames import frame_prefix

__all__ = ["EventLog", "LoggedEvent", "Page", "RecentPages"]


_OLDER_STRETCHES = 8


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

    def first_kept_seq(self) -> int | None:
        """The oldest place whose event is still there; None when there is none."""
        ...

    def seq_at(self, time_unix_s: float) -> int:
        """The place after which events published at or since a time follow."""
        ...

    def seq_of(self, ivorn: str) -> int | None:
        """The first place of an event; None for one that the log does not know."""
        ...

    def cursor(self, subscriber_ivo: str) -> int | None:
        """Place up to which a subscriber has acknowledged all; None for an unknown one."""
        ...


class Page:
    """Some events of the log in order, as columns, so that sending them to a peer is a few operations.

    Parameters
    ----------
    events
        The events.
    seqs, ivorns
        Their places and identifiers.
    pieces
        Length and packet of each, as they go on the wire: shared by all who are sent them.
    sizes
        Bytes of each packet.
    """

    __slots__ = ("events", "ivorns", "longest", "pieces", "seqs", "size_bytes")

    def __init__(
        self,
        events: Sequence[LoggedEvent],
        seqs: Sequence[int],
        ivorns: Sequence[str],
        pieces: Sequence[bytes],
        sizes: Sequence[int],
    ) -> None:
        self.events = events
        self.seqs = seqs
        self.ivorns = ivorns
        self.pieces = pieces
        self.size_bytes = sum(sizes)
        self.longest = max(sizes, default=0)

    def only(self, places: Sequence[int]) -> Page:
        """The events at some places of the page, in order."""
        events = [self.events[place] for place in places]
        pieces = [piece for place in places for piece in self.pieces[2 * place : 2 * place + 2]]
        return Page(
            events,
            [event.seq for event in events],
            [event.ivorn for event in events],
            pieces,
            [len(event.data) for event in events],
        )

    def __len__(self) -> int:
        return len(self.seqs)

    def __iter__(self) -> Iterator[LoggedEvent]:
        return iter(self.events)


class _Stretch:
    """A part of the log in memory without gaps: all events with floor < seq <= head."""

    def __init__(self, floor: int) -> None:
        self.floor = self.head = floor
        self.size = 0
        self._events: list[LoggedEvent] = []
        self._seqs: list[int] = []
        self._ivorns: list[str] = []
        self._pieces: list[bytes] = []
        self._sizes: list[int] = []

    def extend(self, new: Sequence[LoggedEvent]) -> None:
        """Take what follows the head in the log."""
        self._events.extend(new)
        for event in new:
            data = event.data
            self._seqs.append(event.seq)
            self._ivorns.append(event.ivorn)
            self._sizes.append(len(data))
            self._pieces.append(frame_prefix(data))
            self._pieces.append(data)
            self.size += len(data)
        self.head = self._seqs[-1]

    def shorten(self, max_bytes: int) -> None:
        """Forget the oldest events, but not the newest one, until the others have no more bytes than this."""
        drop = 0
        while self.size > max_bytes and drop < len(self._seqs) - 1:
            self.size -= self._sizes[drop]
            drop += 1
        if drop:
            self.floor = self._seqs[drop - 1]
            del self._events[:drop], self._seqs[:drop], self._ivorns[:drop], self._sizes[:drop]
            del self._pieces[: 2 * drop]

    def page(self, after: int, limit: int, max_bytes: int) -> Page:
        """Events that follow a place, which is not before the floor."""
        start = bisect_right(self._seqs, after)
        stop, size = start, 0
        for size_bytes in self._sizes[start : start + limit]:
            stop += 1
            size += size_bytes
            if size >= max_bytes:
                break
        return Page(
            self._events[start:stop],
            self._seqs[start:stop],
            self._ivorns[start:stop],
            self._pieces[2 * start : 2 * stop],
            self._sizes[start:stop],
        )


class RecentPages:
    """Reads a log through a bounded memory of its newest events, and of what was read last of its older ones.

    Parameters
    ----------
    log
        The log.
    max_bytes
        Most bytes of packets kept in memory of the newest events.
    read_events, read_bytes
        How much is read from the log at a time.
    """

    def __init__(
        self, log: EventLog, max_bytes: int, read_events: int = 64, read_bytes: int = 256 << 10
    ) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._read_events = read_events
        self._read_bytes = read_bytes
        self._live = _Stretch(log.last_seq())
        # Nothing is known to follow the newest events.
        self._complete = False
        # Many come back at once after a restart, and are mostly near each other.
        self._older: deque[_Stretch] = deque(maxlen=_OLDER_STRETCHES)
        self._last: tuple[tuple[int, int, int], Page] | None = None
        self.reads = 0

    @property
    def held_bytes(self) -> int:
        """Bytes of the newest packets in memory."""
        return self._live.size

    @property
    def newest(self) -> int:
        """Place of the newest event that anybody has asked for."""
        return self._live.head

    def at_end(self, place: int) -> bool:
        """Whether nothing is known to follow a place, nor has to be looked for."""
        return self._complete and place == self._live.head

    def refresh(self) -> None:
        """The log may have grown: look at it again when somebody asks for what follows the newest event."""
        self._complete = False

    def grow(self, new: Sequence[LoggedEvent]) -> None:
        """The log has grown by these: nobody has to read them from there.

        Between them nothing is missing. Some may be known already; where something is missing before them, it
        is still read from the log.
        """
        live = self._live
        if new[0].seq > live.head + 1:
            live = self._live = _Stretch(new[0].seq - 1)
        elif new[0].seq <= live.head:
            new = [event for event in new if event.seq > live.head]
        if new:
            live.extend(new)
            live.shorten(self._max_bytes)
        # What follows them is given here, too.
        self._complete = True

    def read(self, after: int, limit: int, max_bytes: int) -> Page:
        """Events that follow a place, in order; see `EventLog.read`."""
        asked = (after, limit, max_bytes)
        if self._last is not None and self._last[0] == asked:
            return self._last[1]
        page = self._stretch(after).page(after, limit, max_bytes)
        if page:
            # Those who follow live are mostly at the same place.
            self._last = asked, page
        return page

    def _stretch(self, after: int) -> _Stretch:
        live = self._live
        if after > live.head:
            # Nobody has followed the log up to here: what lies between may be far more than a page.
            live = self._live = _Stretch(after)
            self._complete = False
        if after == live.head and not self._complete:
            new = self._read(after)
            # A read that was not filled has come to the end of the log.
            self._complete = (
                len(new) < self._read_events and sum(len(event.data) for event in new) < self._read_bytes
            )
            if new:
                live.extend(new)
                live.shorten(self._max_bytes)
        if live.floor <= after:
            return live
        for older in self._older:
            if older.floor <= after < older.head:
                return older
        older = _Stretch(after)
        new = self._read(after)
        if new:
            older.extend(new)
            self._older.append(older)
        return older

    def _read(self, after: int) -> Sequence[LoggedEvent]:
        self.reads += 1
        return self._log.read(after, self._read_events, self._read_bytes)
