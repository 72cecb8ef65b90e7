"""Asks the journal for the pages: one question at a time, in a thread, with a rest after each.

The pages share a processor with the feed. All questions of a desk together, however many ask and however
often, take half of one core at most, and wait in a line that has an end. The journal's reader is the desk's
own, so a question that takes long holds up neither the broadcaster nor the journal's writer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bridge.errors import SourceError
from bridge.journal import JournalReader
from bridge.web.answer import Answer

__all__ = ["LONGEST_S", "Desk", "Run", "Work"]

LONGEST_S = 2.0
"""A question is broken off after so many seconds."""

Work = Callable[[JournalReader], Answer]
Run = Callable[[Callable[[], Answer]], "Deferred[Answer]"]


class Desk:
    """Answers questions in the order in which they come. All methods belong to the reactor's thread.

    Parameters
    ----------
    journal
        The journal's file; it is opened for the first question.
    run
        Does a function in a thread and gives a Deferred of its result: ``deferToThread``.
    clock
        The reactor: tells the time and calls later.
    most_waiting
        So many questions may wait.
    """

    def __init__(self, journal: Path, run: Run, clock: Any, most_waiting: int = 16) -> None:
        self._journal = journal
        self._run = run
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiting: deque[tuple[Work, Deferred[Answer]]] = deque()
        self._busy = False
        self._reader: JournalReader | None = None

    def ask(self, work: Work) -> Deferred[Answer]:
        """The answer that a piece of work gives, when its turn has come.

        Fails with `SourceError` where too many wait, and as the work does.
        """
        result: Deferred[Answer] = Deferred()
        if len(self._waiting) >= self._most_waiting:
            error = SourceError("Too many ask the journal at the same time; try again in a moment.")
            result.errback(Failure(error))  # type: ignore[no-untyped-call]
            return result
        self._waiting.append((work, result))
        if not self._busy:
            self._next()
        return result

    def close(self) -> None:
        """Give the journal back; called when no thread works any more."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _next(self) -> None:
        if not self._waiting:
            self._busy = False
            return
        self._busy = True
        work, result = self._waiting.popleft()
        began = self._clock.seconds()
        self._run(lambda: self._answer(work)).addBoth(self._after, result, began)

    def _answer(self, work: Work) -> Answer:
        if self._reader is None:
            self._reader = JournalReader.open(self._journal)
        with self._reader.at_most(LONGEST_S):
            return work(self._reader)

    def _after(self, outcome: Answer | Failure, result: Deferred[Answer], began: float) -> None:
        # The rest is as long as the work was: the feed has the other half.
        self._clock.callLater(self._clock.seconds() - began, self._next)
        if isinstance(outcome, Failure):
            result.errback(outcome)
        else:
            result.callback(outcome)
