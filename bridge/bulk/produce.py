"""Alerts out of files into a topic, at the pace that is asked for, every delivery checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice

from bridge.alerts.packet import Item, Refusal
from bridge.alerts.schema import Schema
from bridge.bulk.pace import Pace, keep_pace
from bridge.bulk.reframe import Frame, reframed
from bridge.errors import PacketError, UsageError
from bridge.streams.kafka.sink import KafkaSink

__all__ = ["Produced", "produce"]

LATE_S = 1.0


@dataclass(slots=True)
class Produced:
    """What became of the alerts.

    Attributes
    ----------
    messages, bytes
        That the broker has, and the size of their values.
    refused
        Items of the input that could not be used.
    sent
        Messages handed over to the client library.
    visits_s
        Of each visit, the seconds from its first message until the broker had all of it.
    late
        Visits (or, with a rate, messages) that began more than a second later than their pace asked.
    seconds
        From the first message to the last delivery.
    """

    messages: int = 0
    bytes: int = 0
    refused: int = 0
    sent: int = 0
    visits_s: list[float] = field(default_factory=list)
    late: int = 0
    seconds: float = 0.0


def produce(
    items: Iterable[Item],
    sink: KafkaSink,
    pace: Pace,
    *,
    frame: Frame = "as-is",
    schema_id: Callable[[Schema], int] | None = None,
    count: int | None = None,
    refuse: Callable[[Refusal], None] = lambda _: None,
    progress: Callable[[Produced], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Produced:
    """Send alerts to a topic; when this returns, the broker has all of them.

    Parameters
    ----------
    items
        The alerts.
    sink
        The topic.
    pace
        When each is due.
    frame
        How messages say their schema.
    schema_id
        Gives ids for the wire format.
    count
        Most messages to send.
    refuse, progress
        Told of items that cannot be sent, and of what has been done.
    stop
        Asked before every message.
    clock, wait
        Monotonic seconds; waits for seconds.

    Raises
    ------
    UsageError
        If the wire format is asked for without schema ids.
    SourceError
        If a message cannot be delivered.
    """
    if frame == "confluent" and schema_id is None:
        raise UsageError("The wire format needs an id for the schema; give one, or a registry that has it.")
    done = Produced()
    began_s = visit_began_s = clock()
    for given in items if count is None else islice(items, count):
        item = _framed(given, frame, schema_id or _no_id)
        if isinstance(item, Refusal):
            done.refused += 1
            refuse(item)
            continue
        is_new_visit = bool(pace.visit) and done.sent % pace.visit == 0
        if is_new_visit and done.sent:
            sink.outbox.flush()
            done.visits_s.append(clock() - visit_began_s)
        late_s = keep_pace(began_s + pace.due_s(done.sent), clock, wait, stop)
        if stop():
            break
        if is_new_visit:
            visit_began_s = clock()
        # The alerts of a visit are due together and cannot all be in time.
        done.late += late_s > LATE_S and (is_new_visit or bool(pace.rate_hz))
        sink.write(item)
        done.sent += 1
        _note(done, sink, clock() - began_s)
        progress(done)
    sink.close()
    if pace.visit and done.sent > len(done.visits_s) * pace.visit:
        done.visits_s.append(clock() - visit_began_s)
    _note(done, sink, clock() - began_s)
    return done


def _framed(item: Item, frame: Frame, schema_id: Callable[[Schema], int]) -> Item:
    if isinstance(item, Refusal):
        return item
    try:
        return reframed(item, frame, schema_id)
    except PacketError as error:
        return Refusal(item.origin, error.reason, item.data)


def _note(done: Produced, sink: KafkaSink, seconds: float) -> None:
    done.messages = sink.outbox.delivered
    done.bytes = sink.outbox.delivered_bytes
    done.seconds = seconds


def _no_id(schema: Schema) -> int:
    raise UsageError(f"There is no id for the schema {schema.name}.")
