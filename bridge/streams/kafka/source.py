"""A source of Kafka topics: batches of items with positions, for a journal to keep.

The journal's positions are what counts. A process reads all partitions alone unless the settings name a
group (``group.id``); then the members of the group share them, and what a member has handed over is
committed, for monitoring and for the member that takes a partition over.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException

from bridge.alerts.packet import Item, Origin
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError
from bridge.streams.batch import Batch
from bridge.streams.kafka.client import make_consumer
from bridge.streams.kafka.contact import Contact
from bridge.streams.kafka.cursors import Cursors, Gap, Place, parse_start
from bridge.streams.kafka.custody import BrokenOffError, Custody, EntrustedPartitions
from bridge.streams.kafka.explain import Teller, explain, is_denied
from bridge.streams.kafka.heartbeat import HeartbeatWatch
from bridge.streams.kafka.messages import items_of, origin_of
from bridge.streams.kafka.partitions import AllPartitions, Partitions, SharedPartitions
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import HEARTBEAT_TOPIC, KafkaUrl

__all__ = ["KafkaSource"]

_log = logging.getLogger(__name__)

MAX_ITEMS = 256
MAX_BYTES = 8 << 20

WAIT_S = 0.5
"""Longest wait for a message before a sign of life is given, in seconds."""

COUNT_S = 1.0
"""What waits in the topics is counted so often, in seconds."""


class KafkaSource:
    """Batches out of Kafka topics; see `bridge.streams.open_source`.

    Parameters
    ----------
    url
        Brokers and topics.
    settings
        Of the client.
    store
        Where schemas are looked up.
    resume
        Positions of an earlier run.
    follow
        Wait for new messages; otherwise the source ends with what is there when it is opened.
    default_schema
        Writer schema of bare messages.
    stop
        Asked after every wait; the source ends when it says True.
    sleep, now
        Waits for seconds; tells the time in Unix seconds (UTC), from which nights are told.
    member
        Name of this process in its group, the same in every run.
    custody
        Who says how far a group has come, instead of this source; only with a group.

    Attributes
    ----------
    gaps
        Messages that were deleted before they were read.
    waiting
        Messages that have not been handed over, as of the last second; None while that is not known. Other
        threads may look at it.
    there
        Topic to its number of partitions, as of the last look at the cluster; a group may give this process
        a share of them.
    """

    def __init__(
        self,
        url: KafkaUrl,
        settings: KafkaSettings,
        store: SchemaStore,
        resume: Mapping[str, int],
        *,
        follow: bool,
        default_schema: Schema | None = None,
        stop: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
        member: str = "",
        custody: Custody | None = None,
    ) -> None:
        self.url = url
        self.settings = settings
        self.store = store
        self.follow = follow
        self.default_schema = default_schema
        self.stop = stop
        self.gaps: list[Gap] = []
        self.there: dict[str, int] = {}
        self.waiting: int | None = None
        self._counted_at = -COUNT_S
        self._is_start_given = "auto.offset.reset" in settings.values
        start = parse_start(settings.values.get("auto.offset.reset", "latest" if follow else "earliest"))
        self.cursors = Cursors(url, resume, start, is_start_given=self._is_start_given)
        self._teller = Teller(_log.log)
        self._custody = custody
        self._sleep = sleep
        self._now = now
        self._partitions: Partitions | None = None
        self._watch: HeartbeatWatch | None = None
        if HEARTBEAT_TOPIC in url.topics:
            self._watch = HeartbeatWatch(_say_heartbeat, time.monotonic())
        # Settings are checked here, before anything else of a feed is opened.
        self._contact = Contact(url, settings, self._teller)
        self._consumer = make_consumer(url, settings, member=member, on_error=self._contact.note)

    def __iter__(self) -> Generator[Batch, None, None]:
        consumer, contact = self._consumer, self._contact
        partitions = self._partitions = self._make_partitions()
        try:
            while not self.stop():
                cluster = contact.look(consumer, self._now(), patient=self.follow)
                try:
                    if cluster is not None:
                        if not self.cursors.cluster:
                            self.cursors.connect(cluster.identity)
                        topics = self.url.find(self._now(), cluster.partitions)
                        self.there = {t: cluster.partitions[t] for t in topics if t in cluster.partitions}
                        partitions.update(cluster, topics)
                    elif not self.cursors.cluster:
                        yield Batch()
                        self._sleep(contact.pause_s)
                        continue
                    messages = self._poll()
                    self._count_waiting(partitions)
                    begun = partitions.take_begun()
                    if self._custody is None:
                        begun |= self.cursors.take_watched()
                    if begun:
                        self._say_what_is_left_out()
                        yield Batch((), begun)
                    yield from self._take(partitions, messages)
                    partitions.mend(self._note_gap)
                except KafkaException as error:
                    contact.fail(error.args[0])
                    partitions.rewind()
                    yield Batch()
                    self._sleep(contact.pause_s)
                if partitions.finished():
                    return
        finally:
            partitions.close()

    @property
    def trouble(self) -> str | None:
        """What is wrong with the brokers, while they do not answer."""
        return self._teller.told("brokers")

    @property
    def lanes(self) -> tuple[str, ...]:
        """The partitions that are read now, by the names that positions have."""
        return tuple(map(self.cursors.key, self._partitions.read)) if self._partitions is not None else ()

    @property
    def consumer(self) -> Consumer:
        """The client, for whoever has custody of the positions."""
        return self._consumer

    def _make_partitions(self) -> Partitions:
        if "group.id" not in self.settings.values:
            return AllPartitions(self._consumer, self.cursors, self.follow, self.stop)
        if self._custody is None:
            return SharedPartitions(self._consumer, self.cursors, self.follow, self.stop)
        return EntrustedPartitions(self._consumer, self.cursors, self.follow, self.stop, self._custody)

    def _poll(self) -> Sequence[Any]:
        """What has come: at once when something has, all there is when it is much."""
        first = self._consumer.consume(1, timeout=WAIT_S)
        if self._watch is not None:
            self._watch.look(time.monotonic())
        if not first or first[0].error() is not None:
            return first
        return first + self._consumer.consume(MAX_ITEMS - 1, timeout=0)

    def _take(self, partitions: Partitions, messages: Sequence[Any]) -> Iterator[Batch]:
        batch, size = Batch(), 0
        for message in messages:
            place: Place = (message.topic(), message.partition())
            error = message.error()
            if error is not None:
                self._heed(partitions, place, message.offset(), error)
                continue
            if not partitions.wants(place, message.offset()):
                continue
            value = message.value()
            self.cursors.next[place] = message.offset() + 1
            if place[0] == HEARTBEAT_TOPIC:
                self._beat()
                continue
            origin = origin_of(message, self.cursors.key(place))
            batch.extend(self._items(value, origin))
            batch.positions[origin.partition] = origin.offset + 1
            size += len(value or b"")
            if size >= MAX_BYTES or len(batch) >= MAX_ITEMS:
                yield batch
                if self.stop():
                    # The last batch may not have been kept: it was handed over as the end came.
                    return
                partitions.handed_over(batch)
                batch, size = Batch(), 0
        # An empty one is a sign of life.
        yield batch
        if not self.stop():
            partitions.handed_over(batch)

    def _count_waiting(self, partitions: Partitions) -> None:
        now = time.monotonic()
        if now - self._counted_at >= COUNT_S:
            self.waiting, self._counted_at = partitions.waiting(), now

    def _items(self, value: bytes | None, origin: Origin) -> Iterable[Item]:
        """What a message becomes."""
        return items_of(value, origin, self.store, self.default_schema)

    def _heed(self, partitions: Partitions, place: Place, offset: int, error: KafkaError) -> None:
        code = error.code()
        if error.fatal() and self._custody is not None:
            # This client will never read again; one made anew will.
            raise BrokenOffError(explain(error, self._contact.servers, self.settings))
        if code == KafkaError._PARTITION_EOF:
            partitions.at_end(place, offset)
        elif code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            partitions.lost(place)
        elif code in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            self._contact.unknown(place[0], error)
        elif code != KafkaError.GROUP_AUTHORIZATION_FAILED or "group.id" in self.settings.values:
            about = f"{place[0]}: {error.name()}" if place[0] else error.name()
            sentence = explain(error, place[0] or self._contact.servers, self.settings)
            if not self.follow and is_denied(error):
                raise SourceError(sentence)
            self._teller.trouble(about, sentence)
        # Else the library has asked about the group that it wants to have a name, and that nobody joins.

    def _note_gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        details = {"topic": gap.place[0], "kafka_partition": gap.place[1], "gap": gap.size}
        _log.warning("%s", gap, extra=details)

    def _say_what_is_left_out(self) -> None:
        """A reader that nobody told where to begin may wait in vain for what is there already."""
        left_out, self.cursors.left_out = self.cursors.left_out, 0
        if left_out and not self._is_start_given:
            _log.info(
                "Nothing is known of an earlier reading, so it begins with what comes from now on. %s "
                "messages that are there already are left out; --start earliest takes them in.",
                f"{left_out:,}",
            )

    def _beat(self) -> None:
        if self._watch is not None:
            self._watch.beat(time.monotonic())


def _say_heartbeat(sentence: str, is_trouble: bool) -> None:
    _log.log(logging.WARNING if is_trouble else logging.INFO, "%s", sentence)
