"""Runs a pipeline over sources on one or many cores, in the order of the sources and with flat memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import chain, islice
from multiprocessing import get_context

from bridge.alerts.packet import Item, Refusal
from bridge.pipeline import Pipeline, Plan
from bridge.pipeline.pipeline import Outcome
from bridge.voevent.event import Event

__all__ = ["Tally", "convert", "default_jobs"]

# Batches that a worker may be ahead of the writer: enough to keep it busy, little to hold in memory.
_AHEAD = 3


@dataclass(slots=True)
class Tally:
    """What has become of the items so far.

    Attributes
    ----------
    read, written, dropped, refused
        Items read; events written; packets that no filter kept; items that could not be used.
    bytes_in, bytes_out
        Bytes of the packets read and of the events written.
    shed
        Events that had to leave something out to fit the size limit.
    """

    read: int = 0
    written: int = 0
    dropped: int = 0
    refused: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    shed: int = 0
    refusals: list[Refusal] = field(default_factory=list)


def default_jobs() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def convert(
    batches: Iterable[Sequence[Item]],
    plan: Plan,
    *,
    write: Callable[[Event], None],
    refuse: Callable[[Refusal], None],
    jobs: int = 1,
    progress: Callable[[Tally], None] = lambda _: None,
) -> Tally:
    """Convert all items of all batches.

    Parameters
    ----------
    batches
        Items in the order in which the events shall come.
    plan
        How to convert.
    write
        Called with each event, in order.
    refuse
        Called with each item that cannot be used, in order.
    jobs
        Processes that translate. A source of a single batch is translated in this one.
    progress
        Called after each batch.

    Raises
    ------
    UsageError
        If a filter or mapping of the plan is wrong.
    """
    tally = Tally()
    pipeline = Pipeline(plan)
    for batch, outcomes in _outcomes(iter(batches), plan, pipeline, jobs):
        for item, outcome in zip(batch, outcomes, strict=True):
            tally.read += 1
            tally.bytes_in += _size(item)
            if outcome is None:
                tally.dropped += 1
            elif isinstance(outcome, Refusal):
                tally.refused += 1
                refuse(outcome)
            else:
                write(outcome)
                tally.written += 1
                tally.bytes_out += len(outcome.xml)
                tally.shed += bool(outcome.shed)
        progress(tally)
    return tally


def _outcomes(
    batches: Iterator[Sequence[Item]], plan: Plan, pipeline: Pipeline, jobs: int
) -> Iterator[tuple[Sequence[Item], list[Outcome]]]:
    first = list(islice(batches, 2))
    if jobs <= 1 or len(first) < 2:
        for batch in chain(first, batches):
            yield batch, [pipeline(item) for item in batch]
        return
    # The first batch here: a filter that fits no schema is found before any process is started.
    yield first[0], [pipeline(item) for item in first[0]]
    # Not fork: threads (of a progress bar) may hold locks.
    context = get_context("forkserver" if hasattr(os, "fork") else "spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, initializer=_start_worker, initargs=(plan,)) as pool:
        waiting: deque[tuple[Sequence[Item], Future[list[Outcome]]]] = deque()
        try:
            for batch in chain(first[1:], batches):
                waiting.append((batch, pool.submit(_work, list(batch))))
                if len(waiting) >= jobs * _AHEAD:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


_worker: Pipeline | None = None


def _start_worker(plan: Plan) -> None:
    global _worker
    _worker = Pipeline(plan)


def _work(items: list[Item]) -> list[Outcome]:
    assert _worker is not None
    return [_worker(item) for item in items]


def _size(item: Item) -> int:
    return len(item.data)
