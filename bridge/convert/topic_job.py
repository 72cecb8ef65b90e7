"""One run of ``filter`` on Kafka topics, from its settings to its end, begun anew where it was broken off."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException

from bridge.alerts.packet import Refusal
from bridge.alerts.patience import Patience
from bridge.alerts.store import SchemaStore
from bridge.convert.keep import Kept, open_outputs
from bridge.convert.topic_outlets import FolderOutlet, TopicOutlet, target_topics
from bridge.convert.topics import Outlet, TopicFilter
from bridge.errors import SourceError, UsageError
from bridge.filters import FilterSet, Together
from bridge.streams.kafka.client import REQUEST_S
from bridge.streams.kafka.custody import BrokenOffError
from bridge.streams.kafka.explain import explain
from bridge.streams.kafka.instance import Instance, claim_instance
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.sink import check_target
from bridge.streams.kafka.source import KafkaSource
from bridge.streams.kafka.transactions import Transactions
from bridge.streams.kafka.url import KafkaUrl, is_kafka_url, parse_url

__all__ = ["TopicJob", "default_group", "filter_topics"]

_log = logging.getLogger(__name__)

SESSION_MS = "10000"
"""A member that is not heard of for so long has its partitions given to the others, in milliseconds."""

PAUSE_S = 1.0
PATIENCE_S = 5.0
"""How long a stop may wait for a broker that does not answer, in seconds."""

_ARCHIVES = (".tar", ".gz", ".tgz", ".avro")
_OF_READERS = ("group.id", "group.instance.id", "session.timeout.ms", "auto.offset.reset")


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicJob:
    """What to filter, and how.

    Parameters
    ----------
    source, settings
        Topics, and the settings of their client.
    target, target_settings
        URL of topics or a folder, and the settings of the client there.
    filters
        What to keep.
    store
        Where schemas are looked up.
    group
        The consumer group, whose members share the partitions.
    instance
        Name of this process in the group; empty for one of its own.
    exactly_once
        Whether alerts and positions go into transactions.
    until_end
        End with what is there now, instead of waiting for more.
    strict
        Refuse VOEvents that meet a filter and are not valid.
    dead_letters
        Topic for what is refused.
    """

    source: KafkaUrl
    settings: KafkaSettings
    target: str
    target_settings: KafkaSettings
    filters: FilterSet
    store: SchemaStore
    group: str
    instance: str = ""
    exactly_once: bool = True
    until_end: bool = False
    strict: bool = False
    dead_letters: KafkaUrl | None = None


def default_group(target: str) -> str:
    """The group of all processes that filter into the same topics."""
    return f"voevent-bridge.filter.{check_target(parse_url(target))}"


def filter_topics(
    job: TopicJob,
    *,
    refuse: Callable[[Refusal], None],
    stop: Callable[[], bool],
    progress: Callable[[Kept], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Kept:
    """Filter topics, to their present end or until a stop is asked for.

    Parameters
    ----------
    job
        What to do.
    refuse
        Told of each item that is refused.
    stop
        Asked often; what is under way is committed, what is held back is left for the next run.
    progress
        Told the numbers after each batch.
    sleep
        Waits for seconds.

    Raises
    ------
    UsageError
        If the job contradicts itself.
    SourceError
        If the broker refuses it.
    """
    if not job.until_end:
        job.store.patience = Patience(stop, sleep)
    instance = claim_instance(job.group, job.instance)
    once = "exactly once" if job.exactly_once else "at least once"
    _log.info("Filtering %s as %s in the group %s, %s.", job.source, instance.name, job.group, once)
    runs: list[Kept] = []
    try:
        while True:
            run = _Run(job, instance, refuse, stop, progress)
            try:
                run.run()
            except SourceError as error:
                is_away = run.is_transient or (bool(runs) and run.is_opening)
                again = isinstance(error, BrokenOffError) or (is_away and not job.until_end)
                if not again or stop():
                    raise
                _log.warning("%s What was not committed is read again.", error)
                sleep(PAUSE_S)
            else:
                return _sum([*runs, run.safe])
            runs.append(run.safe)
    finally:
        instance.close()


class _Run:
    """From opening to the end, or to where it is broken off."""

    def __init__(
        self,
        job: TopicJob,
        instance: Instance,
        refuse: Callable[[Refusal], None],
        stop: Callable[[], bool],
        progress: Callable[[Kept], None],
    ) -> None:
        self._job = job
        self._instance = instance
        self._refuse = refuse
        self._stop = stop
        self._progress = progress
        self._asked_s: float | None = None
        self._outbox: Outbox | None = None
        self.safe = Kept(0, 0, (0,) * len(job.filters))

    @property
    def is_transient(self) -> bool:
        """Whether what has failed may well succeed later."""
        return self._outbox is not None and self._outbox.is_transient

    @property
    def is_opening(self) -> bool:
        """Whether the target has not been reached yet."""
        return self._outbox is None and is_kafka_url(self._job.target)

    def run(self) -> None:
        """Do the job."""
        job = self._job
        if is_kafka_url(job.target):
            self._into_topics(parse_url(job.target))
        elif job.target == "-" or Path(job.target).suffix in _ARCHIVES:
            raise UsageError(
                f"{job.target} is safe only when it is closed, so a group's positions cannot go with it. "
                "Name a folder, or leave --group out."
            )
        else:
            with open_outputs(job.target, job.filters, durable=True) as sinks:
                self._filter(FolderOutlet(sinks))

    def _into_topics(self, target: KafkaUrl) -> None:
        job = self._job
        topics = target_topics(target, job.filters)
        for topic in topics:
            if job.source.covers(topic) and job.source.servers == target.servers:
                raise UsageError(
                    f"{topic} is read and written: what is kept would be filtered again for ever."
                )
        dead: tuple[str, ...] = ()
        if job.dead_letters is not None:
            dead = (check_target(job.dead_letters),)
            if job.dead_letters.servers != target.servers:
                raise UsageError(f"The dead-letter topic {job.dead_letters} must be where {target} is.")
        settings = KafkaSettings(job.target_settings.without(*_OF_READERS), job.target_settings.origin)
        name = f"{job.group}-{self._instance.name}" if job.exactly_once else ""
        url = KafkaUrl(target.servers, (*topics, *dead))
        outbox = self._outbox = Outbox(url, settings, transactional_id=name)
        transactions: Transactions | None = None
        try:
            if job.exactly_once:
                transactions = Transactions(outbox, settings, target.servers, self._out_of_patience)
            in_order = isinstance(job.filters, Together)
            outlet = TopicOutlet(outbox, topics, transactions, *dead, in_order=in_order)
            self._filter(outlet, target)
        except BaseException:
            if transactions is not None:
                transactions.abort()
            outbox.discard()
            raise

    def _filter(self, outlet: Outlet, target: KafkaUrl | None = None) -> None:
        job = self._job
        work = TopicFilter(job.filters, outlet, self._refuse, self._stop, self._progress, strict=job.strict)
        settings = {"session.timeout.ms": SESSION_MS, **job.settings.values, "group.id": job.group}
        source = KafkaSource(
            job.source,
            KafkaSettings(settings, job.settings.origin),
            job.store,
            {},
            follow=not job.until_end,
            stop=self._out_of_patience,
            member=self._instance.name,
            custody=work,
        )
        if target is not None and job.exactly_once:
            self._check_cluster(source, target)
        try:
            work.run(source)
        finally:
            self.safe = work.safe

    def _check_cluster(self, source: KafkaSource, target: KafkaUrl) -> None:
        """Positions can be part of a transaction only where both are kept by the same cluster."""
        assert self._outbox is not None
        if target.servers == self._job.source.servers:
            return
        try:
            there = self._outbox.producer.list_topics(target.topics[0], timeout=REQUEST_S).cluster_id
            here = source.consumer.list_topics(self._job.source.topics[0], timeout=REQUEST_S).cluster_id
        except KafkaException as error:
            raise SourceError(explain(error.args[0], str(self._job.source), self._job.settings)) from None
        if here != there:
            raise UsageError(
                f"{self._job.source} and {target} are different clusters, and no transaction spans two; "
                "say --at-least-once."
            )

    def _out_of_patience(self) -> bool:
        if not self._stop():
            return False
        now_s = time.monotonic()
        self._asked_s = self._asked_s or now_s
        return now_s - self._asked_s > PATIENCE_S


def _sum(runs: list[Kept]) -> Kept:
    columns = zip(*(run.by_filter for run in runs), strict=True)
    capped = zip(*(run.capped for run in runs if run.capped), strict=True)
    late = zip(*(run.late for run in runs if run.late), strict=True)
    return Kept(
        sum(run.read for run in runs),
        sum(run.kept for run in runs),
        tuple(map(sum, columns)),
        tuple(map(sum, capped)),
        tuple(map(sum, late)),
    )
