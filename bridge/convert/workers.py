"""Pipelines in processes of their own, fed in order and read in order.

They are quiet about Ctrl-C, which reaches them too, and end with the process that started them even if
that is killed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process

from bridge.alerts.packet import Item
from bridge.errors import SourceError
from bridge.pipeline import Outcome, Pipeline, Plan

__all__ = ["translate_in_processes"]

# Batches that a worker may be ahead of the writer: enough to keep it busy, little to hold in memory.
_AHEAD = 3


def translate_in_processes(
    batches: Iterable[Sequence[Item]], plan: Plan, jobs: int
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

    Raises
    ------
    SourceError
        If a process dies.
    """
    # Not fork: threads (of a progress bar) may hold locks.
    context = get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(context, "set_forkserver_preload"):
        context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start, initargs=(plan,)) as pool:
        waiting: deque[tuple[Sequence[Item], Future[list[Outcome]]]] = deque()
        try:
            for batch in batches:
                waiting.append((batch, pool.submit(_work, list(batch))))
                if len(waiting) >= jobs * _AHEAD:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        except BrokenProcessPool as error:
            raise SourceError(
                "A process that translates alerts has died; if it was for want of memory, use fewer --jobs."
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_pipeline: Pipeline | None = None


def _start(plan: Plan) -> None:
    global _pipeline
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _pipeline = Pipeline(plan, lenient=True)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _work(items: list[Item]) -> list[Outcome]:
    assert _pipeline is not None
    return [_pipeline(item) for item in items]
