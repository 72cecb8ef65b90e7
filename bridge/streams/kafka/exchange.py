"""From topics to topics, exactly once: what is sent and how far has been read are one transaction.

Readers that ask for committed messages only (the default of librdkafka) never see a message twice, however
often the process in between is killed. Processes that name the same group share the partitions.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from confluent_kafka import TopicPartition

from bridge.alerts.store import SchemaStore
from bridge.streams.batch import Batch
from bridge.streams.kafka.cursors import place_of
from bridge.streams.kafka.outbox import Outbox, UndoneError
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.url import KafkaUrl

__all__ = ["exchange"]

_log = logging.getLogger(__name__)

COMMIT_S = 1.0
"""Where nothing was sent, the place reached is noted this often, in seconds."""


def exchange(
    url: KafkaUrl,
    settings: KafkaSettings,
    store: SchemaStore,
    outbox: Outbox,
    *,
    follow: bool,
    stop: Callable[[], bool],
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Batch]:
    """Batches of topics; what is sent to the outbox before the next one is taken belongs to the batch.

    Parameters
    ----------
    url
        What is read.
    settings
        Of the reader; they name its group, whose offsets are the positions.
    store
        Where schemas are looked up.
    outbox
        Has transactions.
    follow
        Wait for new messages.
    stop
        Says whether to end.
    clock
        Monotonic seconds.

    Raises
    ------
    SourceError
        If a topic cannot be read or written.
    """
    while True:
        source = KafkaSource(url, settings, store, {}, follow=follow, stop=stop, commits=False)
        batches = iter(source)
        try:
            yield from _transacted(source, batches, outbox, clock)
        except UndoneError as error:
            outbox.abort()
            _log.warning("%s What was under way is read again.", error)
            if stop():
                return
        except BaseException:
            outbox.abort()
            raise
        else:
            return
        finally:
            batches.close()  # type: ignore[attr-defined]


def _transacted(
    source: KafkaSource, batches: Iterator[Batch], outbox: Outbox, clock: Callable[[], float]
) -> Iterator[Batch]:
    reached: dict[str, int] = {}
    noted_s = clock()
    for batch in batches:
        sent = outbox.sent
        yield batch
        reached |= batch.positions
        begins = not batch and bool(batch.positions)
        if outbox.sent > sent or begins or (reached and clock() - noted_s >= COMMIT_S):
            _commit(source, reached, outbox)
            reached, noted_s = {}, clock()
    # What was reached since, nothing was made of: the next run may read it again.


def _commit(source: KafkaSource, reached: dict[str, int], outbox: Outbox) -> None:
    outbox.commit([TopicPartition(*place_of(key), offset) for key, offset in reached.items()], source.group())
