"""The broker's end of the process in which XPath expressions run: asks, collects answers, replaces it.

A thread talks to the process, so nothing here waits in the network's thread. When the process dies over an
expression, that one is told to be too dear, and what was still to be asked is asked of the next process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from bridge.vtp.filter_worker import ANSWER, encode_request

__all__ = ["BESET_NICENESS", "NICENESS", "Answer", "FilterProcess"]

_log = logging.getLogger(__name__)

BUDGET_S = 0.1
"""Processor time for one expression on one event: a thousand times what people's filters take."""

# So many requests and bytes go to the process in one breath.
ROUND, ROUND_BYTES = 64, 1 << 20

# Of those that ended a process the newest are remembered.
_KEPT_DEAR = 5_000

# A process that is silent for so long is stuck: it is replaced, in seconds. The kernel ends one that works
# for too long; one that is silent for less has not had its turn, on a machine with much else to do.
STUCK_S = 300.0

NICENESS = 5
"""How far the process gives way to the broker and all else: 0 (not at all) to 19."""

BESET_NICENESS = 15
"""The same where an expression has ended a process: proven ones would starve beside more of that kind.

Not from the beginning, or the first event would be late for everybody whose filter is new."""

_CHUNK_BYTES = 1 << 16

# A process that could not be started or talked to is tried again after so long, in seconds.
RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an expression says of an event.

    Parameters
    ----------
    seq
        Place of the event in the journal.
    expression
        The expression.
    passes
        The result; None when it took too long.
    seconds
        Processor time that it took.
    """

    seq: int
    expression: str
    passes: bool | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Request:
    seq: int
    data: bytes
    expressions: tuple[str, ...]


class FilterProcess:
    """Has expressions evaluated in a process of their own, which is started when it is first needed.

    Parameters
    ----------
    answered
        Called in the thread that talks to the process with the answers of a round.
    budget_s
        Processor time for one expression on one event, in seconds.
    beset_niceness
        How far processes give way to others that replace one which ended over an expression.
    """

    def __init__(
        self,
        answered: Callable[[Sequence[Answer]], object],
        budget_s: float = BUDGET_S,
        beset_niceness: int = NICENESS,
    ) -> None:
        self.started = 0
        self._answered = answered
        self._budget_s = budget_s
        self._beset_niceness = beset_niceness
        self._queue: deque[_Request] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._dear: dict[str, None] = {}
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None

    def ask(self, seq: int, data: bytes, expressions: Sequence[str]) -> None:
        """Have an event tried; the answers come later."""
        with self._changed:
            if self._closed:
                return
            self._queue.append(_Request(seq, data, tuple(expressions)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="xpath filters", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Answer nothing more, and end the process."""
        with self._changed:
            self._closed = True
            self._queue.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(5)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if self._closed:
                    break
                work = self._take()
            answers: list[Answer] = []
            try:
                answers, left = self._try(work)
            except OSError as error:
                _log.error("the process for filters cannot be used (%s); next try in %g s", error, RETRY_S)
                left = work
                self._end_child()
            with self._changed:
                self._queue.extendleft(reversed(left))
                if not answers and not self._closed:
                    self._changed.wait(RETRY_S)
            if answers:
                self._answered(answers)
        self._end_child()

    def _take(self) -> list[_Request]:
        work = [self._queue.popleft()]
        size = len(work[0].data)
        while self._queue and len(work) < ROUND and size < ROUND_BYTES:
            work.append(self._queue.popleft())
            size += len(work[-1].data)
        return work

    def _try(self, work: Sequence[_Request]) -> tuple[list[Answer], list[_Request]]:
        """Ask the process; gives the answers, and what is to be asked again after it has died."""
        answers = [
            Answer(one.seq, text, None, self._budget_s)
            for one in work
            for text in one.expressions
            if text in self._dear
        ]
        if answers:
            # Asked for before it was known: each would cost another process.
            rests = [tuple(text for text in one.expressions if text not in self._dear) for one in work]
            work = [replace(one, expressions=rest) for one, rest in zip(work, rests, strict=True) if rest]
            return answers, work
        child = self._child or self._start()
        stdin, stdout = _pipes(child)
        said = _said(stdout)
        with contextlib.suppress(BrokenPipeError):
            stdin.write(b"".join(encode_request(one.data, one.expressions) for one in work))
            stdin.flush()
        for place, request in enumerate(work):
            for number, expression in enumerate(request.expressions):
                answer = next(said, None)
                if answer is None:
                    self._end_child()
                    self._dear[expression] = None
                    if len(self._dear) > _KEPT_DEAR:
                        del self._dear[next(iter(self._dear))]
                    answers.append(Answer(request.seq, expression, None, self._budget_s))
                    rest = replace(request, expressions=request.expressions[number + 1 :])
                    return answers, [*([rest] if rest.expressions else []), *work[place + 1 :]]
                passes, microseconds = answer
                answers.append(Answer(request.seq, expression, passes, microseconds / 1e6))
        return answers, []

    def _start(self) -> subprocess.Popen[bytes]:
        self.started += 1
        # The same package as here, wherever it lies.
        home = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
        self._child = subprocess.Popen(
            [sys.executable, "-m", "bridge.vtp.filter_worker", str(self._budget_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )
        # Not by the process itself: its start costs more than many an expression.
        niceness = self._beset_niceness if self._dear else NICENESS
        with contextlib.suppress(ProcessLookupError):
            own = os.getpriority(os.PRIO_PROCESS, 0)
            os.setpriority(os.PRIO_PROCESS, self._child.pid, own + niceness)
        return self._child

    def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        stdin, stdout = _pipes(child)
        with contextlib.suppress(OSError):
            stdin.close()
        stdout.close()
        child.wait()


def _pipes(child: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


def _said(stdout: IO[bytes]) -> Iterator[tuple[bool, int]]:
    """The answers of the process as they come; the end when it has ended, or is stuck.

    All that is there is taken at once: for each look this thread waits for its turn beside the network's.
    """
    found = b""
    # Not select(): it knows no file beyond the 1,024th, and connections are files.
    watch = select.poll()
    watch.register(stdout, select.POLLIN)
    while True:
        whole = len(found) - len(found) % ANSWER.size
        yield from ANSWER.iter_unpack(found[:whole])
        ready = watch.poll(STUCK_S * 1000)
        more = os.read(stdout.fileno(), _CHUNK_BYTES) if ready else b""
        if not more:
            return
        found = found[whole:] + more
