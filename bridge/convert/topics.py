"""Filters from topics to topics: opens both ends so that each packet is kept exactly once.

The group that shares the work is named by what the work is, so that a second machine that is started with the
same command joins it, and a restart goes on where the one before was.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from bridge.alerts.packet import Item
from bridge.alerts.store import SchemaStore
from bridge.filters import FilterSet
from bridge.streams import Sink
from bridge.streams.kafka.exchange import exchange
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import load_settings
from bridge.streams.kafka.sink import KafkaSink, check_target
from bridge.streams.kafka.url import parse_url

__all__ = ["open_topics"]


def open_topics(
    source: str,
    target: str,
    filters: FilterSet,
    store: SchemaStore,
    kafka_config: str | None,
    *,
    follow: bool,
    stop: Callable[[], bool],
) -> tuple[Iterable[Sequence[Item]], list[Sink]]:
    """Open topics to read and, for each filter, a topic to write.

    Parameters
    ----------
    source, target
        Kafka URLs. Filters with names have a topic each, ``<target>.<name>``.
    filters
        With or without names.
    store
        Where schemas are looked up.
    kafka_config
        Settings of the client, for both ends.
    follow
        Wait for new messages.
    stop
        Says whether to end.

    Returns
    -------
    The batches of the source, and the sinks in the order of the filters. What is written to the sinks while a
    batch is worked on appears when the next one is asked for.

    Raises
    ------
    UsageError, SourceError
        If a URL or setting is wrong, or the broker or a topic cannot be used.
    """
    settings = load_settings(kafka_config)
    reading, to = parse_url(source), parse_url(target)
    stem = check_target(to)
    topics = [f"{stem}.{name}" if name else stem for name in filters.names]
    named = {
        "group.id": f"voevent-bridge-filter-{hashlib.sha256(f'{source} {target}'.encode()).hexdigest()[:12]}",
        **settings.values,
    }
    writing = parse_url(f"kafka://{to.servers}/{','.join(topics)}")
    outbox = Outbox(writing, settings, transactional_id=f"{named['group.id']}-{uuid.uuid4().hex}")
    sinks: list[Sink] = [KafkaSink(replace(to, topics=(topic,)), settings, outbox) for topic in topics]
    group = replace(settings, values=named)
    return exchange(reading, group, store, outbox, follow=follow, stop=stop), sinks
