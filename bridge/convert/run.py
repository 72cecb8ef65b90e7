"""Runs a pipeline over sources on one or many cores, in the order of the sources and with flat memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

from bridge.alerts.packet import Item, Packet, Refusal
from bridge.convert.repeats import Repeats
from bridge.convert.workers import translate_in_processes
from bridge.errors import PacketError
from bridge.pipeline import Outcome, Pipeline, Plan
from bridge.pipeline.pipeline import refused
from bridge.voevent.event import Event

__all__ = ["Tally", "convert", "default_jobs"]

ALONE_S = 1.0
"""A run that is done within this time is not worth the start of other processes, in seconds."""


@dataclass(slots=True)
class Tally:
    """What has become of the items so far.

    Attributes
    ----------
    read, written, dropped, refused
        Items read; events written; packets that no filter kept; items that could not be used.
    duplicates
        Events that had been written in this run already.
    bytes_in, bytes_out
        Bytes of the packets read and of the events written.
    shed
        Events that had to leave something out to fit the size limit.
    lost
        Events of which the version asked for cannot hold all, with what went.
    """

    read: int = 0
    written: int = 0
    dropped: int = 0
    refused: int = 0
    duplicates: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    shed: int = 0
    lost: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)


def default_jobs() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def convert(
    batches: Iterable[Sequence[Item]],
    plan: Plan,
    *,
    write: Callable[[Event], None],
    refuse: Callable[[Refusal], None],
    write_edition: Callable[[Event], None] | None = None,
    jobs: int = 1,
    alone_s: float | None = None,
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
        Called with each event, in order; not with one that is written already. If it raises
        `PacketError`, the event is refused.
    refuse
        Called with each item that cannot be used, in order, and with an alert whose IVORN stands for another
        content already.
    write_edition
        Called in place of `write` with a relayed event whose IVORN has come with other bytes before.
    jobs
        Processes that translate.
    alone_s
        How long this process translates alone before others are started, in seconds; None for `ALONE_S`.
    progress
        Called after each batch.

    Raises
    ------
    UsageError
        If a filter or mapping of the plan is wrong.
    SourceError
        If cutouts cannot be written, or a process dies.
    """
    tally = Tally()
    judge = Repeats()
    for batch, outcomes in _outcomes(iter(batches), plan, jobs, ALONE_S if alone_s is None else alone_s):
        for item, outcome in zip(batch, outcomes, strict=True):
            tally.read += 1
            tally.bytes_in += _size(item)
            if outcome is None:
                tally.dropped += 1
                continue
            verdict = "new" if isinstance(outcome, Refusal) else judge(outcome)
            if verdict == "conflict" and isinstance(outcome, Event):
                outcome = _conflict(item, outcome)
            if isinstance(outcome, Refusal):
                tally.refused += 1
                refuse(outcome)
            elif verdict == "again":
                tally.duplicates += 1
            else:
                try:
                    (write_edition or write if verdict == "edition" else write)(outcome)
                except PacketError as error:
                    tally.refused += 1
                    refuse(Refusal(item.origin, str(error), outcome.xml))
                    continue
                tally.written += 1
                tally.bytes_out += len(outcome.xml)
                tally.shed += bool(outcome.shed)
                if outcome.lost:
                    tally.lost.append((outcome.ivorn, outcome.lost))
        progress(tally)
    return tally


def _outcomes(
    batches: Iterator[Sequence[Item]], plan: Plan, jobs: int, alone_s: float
) -> Iterator[tuple[Sequence[Item], list[Outcome]]]:
    pipeline = Pipeline(plan)
    spent_s = 0.0
    for batch in batches:
        # Here, until a packet has shown that the plan is right: no process is started for a mistyped filter.
        if jobs > 1 and pipeline.proven and spent_s >= alone_s:
            yield from translate_in_processes(chain([batch], batches), plan, jobs, pipeline)
            return
        began = time.monotonic()
        outcomes = [pipeline(item) for item in batch]
        spent_s += time.monotonic() - began
        yield batch, outcomes


def _size(item: Item) -> int:
    if isinstance(item, Packet) and not item.whole:
        return item.stop - item.start
    return len(item.data)


def _conflict(item: Item, event: Event) -> Refusal:
    reason = f"event {event.ivorn} has come with another content before, and one IVORN has one content"
    return Refusal(item.origin, reason) if isinstance(item, Refusal) else refused(item, reason)
