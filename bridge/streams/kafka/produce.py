"""Sends what a source gives to a topic, at a pace, and tells how long the visits took."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bridge.alerts.packet import Item, Refusal
from bridge.streams.kafka.pace import Pace
from bridge.streams.kafka.sink import KafkaSink

__all__ = ["Produced", "produce"]


@dataclass(slots=True)
class Produced:
    """What was sent.

    Attributes
    ----------
    messages, bytes
        That the broker has.
    visits_s
        For each burst of more than one message, from its first message until the broker had all, in seconds.
    late
        Messages that went more than a second later than their pace asked.
    """

    messages: int = 0
    bytes: int = 0
    visits_s: list[float] = field(default_factory=list)
    late: int = 0


def produce(
    batches: Iterable[Sequence[Item]],
    sink: KafkaSink,
    pace: Pace,
    *,
    refuse: Callable[[Refusal], None],
    progress: Callable[[Produced], None] = lambda _: None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Produced:
    """Send alerts and documents byte for byte.

    Parameters
    ----------
    batches
        What a source gives.
    sink
        The topic; not closed.
    pace
        When messages are due.
    refuse
        Called with what the source could not read.
    progress
        Called after each message.
    clock, sleep
        Monotonic seconds; waits for seconds.

    Raises
    ------
    SourceError
        If a message cannot be delivered.
    """
    outbox, done = sink.outbox, Produced()
    began_s = visit_began_s = clock()
    index = 0
    for batch in batches:
        for item in batch:
            if isinstance(item, Refusal):
                refuse(item)
                continue
            if pace.burst > 1 and index and index % pace.burst == 0:
                outbox.flush()
                done.visits_s.append(clock() - visit_began_s)
            due_s = began_s + pace.due_s(index)
            while (left_s := due_s - clock()) > 0:
                # Deliveries are reported while we wait.
                outbox.producer.poll(0)
                sleep(min(left_s, 0.1))
            done.late += bool(pace.interval_s) and clock() - due_s > 1.0
            if index % pace.burst == 0:
                visit_began_s = clock()
            sink.write(item)
            index += 1
            done.messages, done.bytes = outbox.delivered, outbox.delivered_bytes
            progress(done)
    outbox.flush()
    if pace.burst > 1 and index:
        done.visits_s.append(clock() - visit_began_s)
    done.messages, done.bytes = outbox.delivered, outbox.delivered_bytes
    return done
