"""A writer without a thread: what is put into it is in the journal, or refused, when `put` returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.errors import SourceError
from bridge.feed.writer import Announce, Done, entries_of
from bridge.journal import Appended, NewEntry


class AtOnce:
    def __init__(self, journal: Any, announce: Announce = lambda _new: None) -> None:
        self.journal = journal
        self.announce = announce

    def put(self, entries: Sequence[NewEntry], positions: Mapping[str, int], done: Done) -> None:
        answer: Appended | SourceError
        try:
            answer = self.journal.append(entries, positions)
        except SourceError as error:
            answer = error
        else:
            if answer.stored:
                self.announce(entries_of(answer, entries))
        done(answer)
