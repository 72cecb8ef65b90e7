"""The desk that asks the journal for the pages: one question at a time, and time for the feed in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.errors import SourceError
from bridge.journal import Journal
from bridge.web.answer import Answer, text_answer
from bridge.web.desk import Desk


class Room:
    """A desk whose work is done when the test says so."""

    def __init__(self, folder: Path, most_waiting: int = 16) -> None:
        with Journal.open(folder / "j"):
            pass
        self.clock = Clock()
        self.under_way: list[tuple[Callable[[], Answer], Deferred[Answer]]] = []
        self.desk = Desk(folder / "j", self._run, self.clock, most_waiting)
        self.answers: list[str] = []

    def _run(self, work: Callable[[], Answer]) -> Deferred[Answer]:
        done: Deferred[Answer] = Deferred()
        self.under_way.append((work, done))
        return done

    def ask(self, text: str) -> None:
        asked = self.desk.ask(lambda _: text_answer(text, 200))
        asked.addCallbacks(lambda answer: self.answers.append(answer.body.decode()), self._failed)

    def _failed(self, failure: object) -> None:
        self.answers.append(str(failure.value))  # type: ignore[attr-defined]

    def finish(self) -> None:
        work, done = self.under_way.pop(0)
        done.callback(work())


def test_questions_are_answered_one_after_the_other_with_as_long_a_rest(tmp_path: Path) -> None:
    room = Room(tmp_path)
    for text in "abc":
        room.ask(text)
    assert len(room.under_way) == 1
    room.clock.advance(0.5)
    room.finish()
    assert room.answers == ["a"]
    room.clock.advance(0.4)
    assert not room.under_way, "the feed has its half"
    room.clock.advance(0.2)
    assert len(room.under_way) == 1
    room.finish()
    room.clock.advance(0.0)
    room.finish()
    assert room.answers == ["a", "b", "c"]
    room.clock.advance(1)
    assert not room.under_way
    room.ask("d")
    assert len(room.under_way) == 1, "who comes later is served, too"
    room.finish()
    room.desk.close()


def test_the_line_has_an_end(tmp_path: Path) -> None:
    room = Room(tmp_path, most_waiting=2)
    for text in "abcd":
        room.ask(text)
    assert room.answers == ["Too many ask the journal at the same time; try again in a moment."]
    room.desk.close()
    room.desk.close()


def test_a_question_that_fails_does_not_end_the_desk(tmp_path: Path) -> None:
    room = Room(tmp_path)

    def broken(_: object) -> Answer:
        raise SourceError("It is damaged.")

    room.desk.ask(broken).addErrback(room._failed)
    room.ask("b")
    work, done = room.under_way.pop()
    with pytest.raises(SourceError):
        work()
    done.errback(SourceError("It is damaged."))
    room.clock.advance(0)
    room.finish()
    assert room.answers == ["It is damaged.", "b"]
    room.desk.close()
