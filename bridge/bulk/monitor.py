"""Watching topics: how fast messages come, how old they are, what they are, and who lags behind.

The watcher reads alone and commits nothing, so it takes nothing away from anybody; the group it reports on is
asked for its commits only.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from bridge.alerts.packet import Packet
from bridge.alerts.store import SchemaStore
from bridge.bulk.glance import observed_unix_s
from bridge.bulk.kinds import kind_of
from bridge.bulk.raw import Message, kafka_url, open_messages, place_of
from bridge.bulk.snapshot import PartitionState, Snapshot
from bridge.streams.kafka.client import REQUEST_S, Cluster, look_up_offsets, make_consumer
from bridge.streams.kafka.contact import Contact
from bridge.streams.kafka.cursors import Place
from bridge.streams.kafka.explain import Teller, explain
from bridge.streams.kafka.messages import items_of, origin_of
from bridge.streams.kafka.settings import KafkaSettings, load_settings
from bridge.streams.kafka.url import KafkaUrl

__all__ = ["look_once", "watch"]

_log = logging.getLogger(__name__)

STOPPED = "Kafka had not answered when this was stopped."

SAMPLE = 20
"""Newest messages of a partition that a single look reads."""

SAMPLE_S = 10.0


class _Tally:
    """What has come since the last snapshot."""

    def __init__(self, store: SchemaStore, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.reset()

    def reset(self) -> None:
        self.counts: Counter[Place] = Counter()
        self.sizes: Counter[Place] = Counter()
        self.kinds: Counter[str] = Counter()
        self.message_age_s: list[float] = []
        self.alert_age_s: list[float] = []

    def take(self, messages: Sequence[Message]) -> None:
        for message in messages:
            place = place_of(message.origin.partition)
            self.counts[place] += 1
            self.sizes[place] += message.size
            envelope = message.origin.envelope
            self.kinds[kind_of(message.value, envelope.key if envelope else None)] += 1
            if message.timestamp_ms is not None:
                self.message_age_s.append(self._now() - message.timestamp_ms / 1000)
        if messages:
            # One alert of each batch tells the age of all: they are of the same visit.
            newest = messages[-1]
            for item in items_of(newest.value, newest.origin, self._store, None):
                observed = observed_unix_s(item) if isinstance(item, Packet) else None
                if observed is not None:
                    self.alert_age_s.append(self._now() - observed)
                break


class _Looker:
    """Asks the cluster for offsets and commits."""

    def __init__(self, url: KafkaUrl, settings: KafkaSettings, group: str, now: Callable[[], float]) -> None:
        self.url = url
        self.settings = settings
        self.group = group or settings.values.get("group.id", "")
        self.now = now
        values = settings.without("group.id")
        if self.group:
            values["group.id"] = self.group
        self._contact = Contact(url, settings, Teller(self._tell))
        # It never subscribes, so it is no member of the group it asks about.
        self.consumer: Consumer = make_consumer(
            url, KafkaSettings(values, settings.origin), on_error=self._contact.note
        )
        self._cluster: Cluster | None = None

    def _tell(self, level: int, sentence: str) -> None:
        # Once there is something to show, trouble is part of it.
        if self._cluster is None:
            _log.log(level, "%s", sentence)

    def wait_for_cluster(self, stop: Callable[[], bool], sleep: Callable[[float], None]) -> bool:
        """Ask until the cluster answers; raises `SourceError` where there is no hope."""
        while self._cluster is None and not stop():
            self._cluster = self._contact.look(self.consumer, self.now(), patient=False)
            if self._cluster is None:
                sleep(self._contact.pause_s)
        return self._cluster is not None

    def states(self) -> tuple[PartitionState, ...]:
        """All partitions; raises `KafkaException` if the cluster does not answer."""
        self._cluster = self._contact.look(self.consumer, self.now(), patient=True) or self._cluster
        assert self._cluster is not None
        known = self._cluster.partitions
        topics = [topic for topic in self.url.find(self.now(), known) if topic in known]
        places = [(topic, number) for topic in topics for number in range(known[topic])]
        if not places:
            return ()
        first = look_up_offsets(self.consumer, places, "earliest")
        ends = look_up_offsets(self.consumer, places, "latest")
        committed: dict[Place, int] = {}
        if self.group:
            asked = [TopicPartition(*place) for place in places]
            for each in self.consumer.committed(asked, timeout=REQUEST_S):
                if each.offset >= 0:
                    committed[each.topic, each.partition] = each.offset
        return tuple(
            PartitionState(*place, first[place], ends[place], committed=committed.get(place))
            for place in places
        )

    def sample(self, states: Sequence[PartitionState]) -> list[Message]:
        """The newest messages of each partition."""
        todo = {(s.topic, s.partition): s for s in states if s.end > s.first}
        self.consumer.assign(
            [TopicPartition(*place, max(s.first, s.end - SAMPLE)) for place, s in todo.items()]
        )
        found: list[Message] = []
        limit = time.monotonic() + SAMPLE_S
        while todo and time.monotonic() < limit:
            for message in self.consumer.consume(100, timeout=0.2):
                place: Place = (message.topic() or "", message.partition() or 0)
                error = message.error()
                if error is None:
                    origin = origin_of(message, f"kafka://-/{place[0]}/{place[1]}")
                    found.append(Message(message.value(), origin))
                elif error.code() == KafkaError._PARTITION_EOF:
                    todo.pop(place, None)
        return found


def look_once(
    url: str,
    store: SchemaStore,
    *,
    kafka_config: str | os.PathLike[str] | None = None,
    group: str = "",
    stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
) -> Snapshot:
    """Look at topics once; messages, kinds and ages are those of the newest messages of each partition.

    Parameters
    ----------
    url
        ``kafka://host[:9092][,host]/topic[,topic]``.
    store
        Where schemas are looked up, for the age of alerts.
    kafka_config
        Settings of the client: a file, or the name of a preset.
    group
        Consumer group whose lag is told; that of the settings by default.
    stop, sleep, now
        Asked between attempts; waits for seconds; Unix seconds (UTC).

    Raises
    ------
    UsageError
        If the URL or a setting cannot be used.
    SourceError
        If the cluster cannot be used.
    """
    looker = _Looker(kafka_url(url), load_settings(kafka_config), group, now)
    try:
        if not looker.wait_for_cluster(stop, sleep):
            return Snapshot(now(), 0.0, (), group=looker.group, trouble=STOPPED)
        tally = _Tally(store, now)
        try:
            states = looker.states()
            tally.take(looker.sample(states))
        except KafkaException as error:
            trouble = explain(error.args[0], looker.url.servers, looker.settings)
            return Snapshot(now(), 0.0, (), group=looker.group, trouble=trouble)
        return _snapshot(states, tally, now(), 0.0, looker.group)
    finally:
        looker.consumer.close()


def watch(
    url: str,
    store: SchemaStore,
    *,
    kafka_config: str | os.PathLike[str] | None = None,
    group: str = "",
    interval_s: float = 2.0,
    stop: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Snapshot]:
    """Watch topics from now on: a snapshot every interval, until told to stop.

    Parameters
    ----------
    url, store, kafka_config, group, stop, sleep, now
        As `look_once`.
    interval_s
        Seconds between snapshots.
    clock
        Monotonic seconds.

    Raises
    ------
    UsageError, SourceError
        As `look_once`.
    """
    looker = _Looker(kafka_url(url), load_settings(kafka_config), group, now)
    try:
        if not looker.wait_for_cluster(stop, sleep):
            return
        tally = _Tally(store, now)
        source = open_messages(
            url, kafka_config=kafka_config, group="", start="latest", follow=True, stop=stop
        )
        states: tuple[PartitionState, ...] = ()
        began = clock()
        for messages, _ in source.batches():
            tally.take(messages)
            seconds = clock() - began
            if seconds < interval_s:
                continue
            trouble = ""
            try:
                states = looker.states()
            except KafkaException as error:
                trouble = explain(error.args[0], looker.url.servers, looker.settings)
            yield _snapshot(states, tally, now(), seconds, looker.group, trouble)
            tally.reset()
            began = clock()
    finally:
        looker.consumer.close()


def _snapshot(
    states: Sequence[PartitionState],
    tally: _Tally,
    time_unix_s: float,
    seconds: float,
    group: str,
    trouble: str = "",
) -> Snapshot:
    return Snapshot(
        time_unix_s,
        seconds,
        tuple(
            replace(
                state,
                messages=tally.counts[state.topic, state.partition],
                bytes=tally.sizes[state.topic, state.partition],
            )
            for state in states
        ),
        dict(tally.kinds.most_common()),
        tuple(tally.message_age_s),
        tuple(tally.alert_age_s),
        group,
        trouble,
    )
