"""Pipelines in processes of their own, fed in order and read in order.

Each has a pipe to itself, so that one that is killed while it writes ends its own stream and holds up nobody:
in a queue that all share (as in `concurrent.futures`) the half of a message would be waited for without end.
They are quiet about Ctrl-C, which reaches them too, and end with the process that started them even if
that is killed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from queue import SimpleQueue

from bridge.alerts.packet import Item
from bridge.errors import SourceError
from bridge.pipeline import Outcome, Pipeline, Plan

__all__ = ["translate_in_processes"]

# Batches that a worker may be ahead of the writer: enough to keep it busy, little to hold in memory.
_AHEAD = 3


def translate_in_processes(
    batches: Iterable[Sequence[Item]], plan: Plan, jobs: int, here: Pipeline
) -> Iterator[tuple[Sequence[Item], list[Outcome]]]:
    """Each batch and what becomes of its items, in the order of the batches.

    Parameters
    ----------
    batches
        What to work on.
    plan
        How; known to fit (see `Pipeline.proven`).
    jobs
        How many processes.
    here
        The pipeline of this process: batches that hold notices are done here, since one may cite another.

    Raises
    ------
    SourceError
        If a process dies.
    """
    context = _context()
    workers: deque[_Worker] = deque()
    waiting: deque[tuple[Sequence[Item], _Worker | list[Outcome]]] = deque()
    try:
        for _ in range(jobs):
            workers.append(_Worker(context, plan))
        for batch in batches:
            if any(map(here.keeps_order, batch)):
                waiting.append((batch, [here(item) for item in batch]))
            else:
                workers[0].give(list(batch))
                waiting.append((batch, workers[0]))
                workers.rotate(-1)
            if len(waiting) >= jobs * _AHEAD:
                yield _taken(*waiting.popleft())
        while waiting:
            yield _taken(*waiting.popleft())
    finally:
        for worker in workers:
            worker.end()


def _context() -> BaseContext:
    # Not fork: threads (of a progress bar) may hold locks.
    if not hasattr(os, "fork"):
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    # Ctrl-C reaches the server of forks while it still imports: it is born deaf to it. The tracker comes
    # first, whose start would open its ears again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return context


def _taken(batch: Sequence[Item], done: _Worker | list[Outcome]) -> tuple[Sequence[Item], list[Outcome]]:
    return batch, done.take() if isinstance(done, _Worker) else done


class _Worker:
    """One process, seen from here: batches go in without waiting, outcomes are waited for."""

    def __init__(self, context: BaseContext, plan: Plan) -> None:
        self._pipe, far_end = context.Pipe()
        # `context` is one of those that have `Process`; typeshed gives the base class none.
        self._process = context.Process(target=_run, args=(far_end, plan), daemon=True)  # type: ignore[attr-defined]
        self._process.start()
        far_end.close()
        self._batches: SimpleQueue[list[Item] | None] = SimpleQueue()
        # A thread feeds it: while this one is blocked by a full pipe the outcomes can still be read.
        threading.Thread(target=self._feed, daemon=True).start()

    def give(self, batch: list[Item]) -> None:
        self._batches.put(batch)

    def take(self) -> list[Outcome]:
        try:
            outcome: list[Outcome] | BaseException = self._pipe.recv()
        except (EOFError, OSError):
            raise SourceError(
                "A process that translates alerts has died; if it was for want of memory, use fewer --jobs."
            ) from None
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    def end(self) -> None:
        self._batches.put(None)
        self._process.kill()
        self._process.join()

    def _feed(self) -> None:
        while (batch := self._batches.get()) is not None:
            try:
                self._pipe.send(batch)
            except OSError:
                # It has died, which `take` finds out.
                return


def _run(pipe: Connection, plan: Plan) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipeline = Pipeline(plan, lenient=True)
    while True:
        try:
            items: list[Item] = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            outcome: list[Outcome] | Exception = [pipeline(item) for item in items]
        except Exception as error:
            outcome = error
        try:
            pipe.send(outcome)
        except OSError:
            return
