"""Alerts out of files into a topic, at the pace that is asked for, every delivery checked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice

from bridge.alerts.packet import Item, Refusal
from bridge.alerts.schema import Schema
from bridge.bulk.pace import Pace, keep_pace
from bridge.bulk.reframe import Frame, reframed
from bridge.errors import UsageError
from bridge.kafka.sink import KafkaSink

__all__ = ["Produced", "produce"]


@dataclass(slots=True)
class Produced:
    """What became of the alerts.

    Attributes
    ----------
    read, refused
        Items of the input, and those that could not be used.
    sent, delivered, delivered_bytes
        Messages handed over; those that the broker has, and the size of their values.
    late_s
        Most seconds by which a visit (or, with a rate, an alert) was late, because those before took longer.
    seconds
        From the first message to the last delivery.
    """

    read: int = 0
    refused: int = 0
    sent: int = 0
    delivered: int = 0
    delivered_bytes: int = 0
    late_s: float = 0.0
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
    began = clock()
    for item in items if count is None else islice(items, count):
        if stop():
            break
        done.read += 1
        if isinstance(item, Refusal):
            done.refused += 1
            refuse(item)
            continue
        late_s = keep_pace(began + pace.due_s(done.sent), clock, wait, stop)
        if done.sent and (not pace.visit or done.sent % pace.visit == 0) and (pace.rate_hz or pace.visit):
            done.late_s = max(done.late_s, late_s)
        if stop():
            break
        sink.write(reframed(item, frame, schema_id or _no_id))
        done.sent += 1
        _note(done, sink, clock() - began)
        progress(done)
    sink.close()
    _note(done, sink, clock() - began)
    return done


def _note(done: Produced, sink: KafkaSink, seconds: float) -> None:
    done.delivered = sink.outbox.delivered
    done.delivered_bytes = sink.outbox.delivered_bytes
    done.seconds = seconds


def _no_id(schema: Schema) -> int:
    raise UsageError(f"There is no id for the schema {schema.name}.")
