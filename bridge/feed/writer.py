"""The one writer of the journal: whoever has something to publish queues here and shares transactions.

A commit that has reached the disk costs the same for one event as for a hundred. So what has come in while
one transaction was under way makes up the next: a lone event waits for nobody, and under load the groups
grow by themselves.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bridge.errors import SourceError
from bridge.journal import Appended, Entry, Journal, NewEntry

__all__ = ["Announce", "Done", "Writer", "entries_of"]

_log = logging.getLogger(__name__)

GROUP_EVENTS = 2_000
"""A transaction takes in no further party when it holds so many events: readers should not wait for long."""

Done = Callable[[Appended | BaseException], None]

Announce = Callable[[Sequence[Entry]], object]


@dataclass(slots=True)
class _Part:
    entries: Sequence[NewEntry]
    positions: Mapping[str, int]
    done: Done


class Writer:
    """Writes to a journal in a thread of its own.

    Parameters
    ----------
    journal
        Where everything goes.
    announce
        Called in the writer's thread, after each commit that stored something and before anybody is answered,
        with what is new in the journal.
    """

    def __init__(self, journal: Journal, announce: Announce = lambda _new: None) -> None:
        self.groups = 0
        self._announce = announce
        self._journal = journal
        self._parts: deque[_Part] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what is queued, then end."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def put(self, entries: Sequence[NewEntry], positions: Mapping[str, int], done: Done) -> None:
        """Queue events and positions; they are committed together.

        Parameters
        ----------
        done
            Called in the writer's thread with what `Journal.append` says of these entries, or with the error
            that kept the whole group from being written.
        """
        with self._changed:
            if not self._closing:
                self._parts.append(_Part(entries, positions, done))
                self._changed.notify_all()
                return
        done(SourceError("The journal takes nothing more: the feed is ending."))

    def append(self, entries: Sequence[NewEntry], positions: Mapping[str, int] | None = None) -> Appended:
        """Write, and wait until it is committed; as `Journal.append`.

        Raises
        ------
        SourceError
            When the journal cannot be written, or the feed is ending.
        """
        answers: list[Appended | BaseException] = []
        written = threading.Event()

        def done(answer: Appended | BaseException) -> None:
            answers.append(answer)
            written.set()

        self.put(entries, positions or {}, done)
        written.wait()
        (answer,) = answers
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._parts and not self._closing:
                    self._changed.wait()
                if not self._parts:
                    return
                group = self._take()
            self._write(group)

    def _take(self) -> list[_Part]:
        group = [self._parts.popleft()]
        events = len(group[0].entries)
        while self._parts and events + len(self._parts[0].entries) <= GROUP_EVENTS:
            group.append(self._parts.popleft())
            events += len(group[-1].entries)
        return group

    def _write(self, group: list[_Part]) -> None:
        entries = [entry for part in group for entry in part.entries]
        positions = {name: value for part in group for name, value in part.positions.items()}
        try:
            appended = self._journal.append(entries, positions)
        except BaseException as error:
            if not isinstance(error, SourceError):
                _log.exception("The journal could not be written; this is a bug.")
            for part in group:
                part.done(error)
            return
        self.groups += 1
        if appended.stored:
            self._announce(entries_of(appended, entries))
        for part, share in zip(group, shares(appended, [part.entries for part in group]), strict=True):
            part.done(share)


def entries_of(appended: Appended, entries: Sequence[NewEntry]) -> list[Entry]:
    """What is new in the journal, as it would be read from there."""
    return [
        Entry(seq, entry.ivorn, entry.role, entry.data)
        for seq, entry in zip(appended.seqs, entries, strict=True)
        if seq is not None
    ]


def shares(appended: Appended, parts: Sequence[Sequence[NewEntry]]) -> list[Appended]:
    """Divide what became of a group among those who made it up."""
    if len(parts) == 1:
        return [appended]
    refused = {(each.ivorn, each.refused_digest): each for each in appended.conflicts}
    found: list[Appended] = []
    start = 0
    for entries in parts:
        seqs = appended.seqs[start : start + len(entries)]
        start += len(entries)
        conflicts = tuple(
            refused[entry.ivorn, entry.digest]
            for entry, seq in zip(entries, seqs, strict=True)
            if seq is None and (entry.ivorn, entry.digest) in refused and entry.kind == "authored"
        )
        found.append(Appended(seqs, seqs.count(None) - len(conflicts), conflicts, appended.last_seq))
    return found
