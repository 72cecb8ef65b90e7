"""Sending messages so that none is lost in silence: every delivery is checked.

The producer is idempotent (a message that is sent again after a broken connection is stored once, in order),
and a broker that does not answer makes the sender wait: `Window` says how much may be under way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer

from bridge.errors import SourceError
from bridge.streams.kafka.client import common_config, request_s
from bridge.streams.kafka.explain import explain, is_denied, is_hopeless, make_client, weight
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import KafkaUrl
from bridge.streams.kafka.window import Window

__all__ = ["BY_KEY", "Headers", "Outbox"]

Headers = Sequence[tuple[str, bytes | None]]

PATIENCE_S = 30.0
"""How long a broker may take to answer for the first time, in seconds."""

MAKING_S = 2.0
"""How long a broker may take to make a topic, in seconds."""

BY_KEY = -1
"""The library chooses the partition, by the message's key if it has one (RD_KAFKA_PARTITION_UA)."""

FEW_TOPICS = 5

_NOT_YET = (KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART)


_TRANSIENT = (
    KafkaError._MSG_TIMED_OUT,
    KafkaError._TIMED_OUT,
    KafkaError._TRANSPORT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._RESOLVE,
)


class Outbox:
    """A producer that knows what became of each message.

    Parameters
    ----------
    url
        Brokers and topics.
    settings
        Of the client, over our own defaults.
    transactional_id
        Name under which `Transactions` are made; without it there can be none.
    clock
        Monotonic seconds.

    Attributes
    ----------
    sent, delivered
        Messages given to the client library, and those that the broker has.
    delivered_bytes
        Their values, in bytes.
    is_transient
        Whether what failed may well succeed later.
    partitions
        Topic to its number of partitions, as of the beginning.
    under_way
        What is sent and not confirmed.

    Raises
    ------
    SourceError
        If the broker does not answer, refuses the credentials, or has no such topic.
    """

    def __init__(
        self,
        url: KafkaUrl,
        settings: KafkaSettings,
        *,
        transactional_id: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sent = 0
        self.delivered = 0
        self.delivered_bytes = 0
        self.is_transient = False
        self.partitions: dict[str, int] = {}
        self._url = url
        self._settings = settings
        self._clock = clock
        self._noted: list[KafkaError] = []
        self.under_way = Window()
        self._failure: str | None = None
        config: dict[str, Any] = {
            "enable.idempotence": "true",
            # Messages for many topics come in turns: those of one wait for company.
            "linger.ms": "1" if len(url.topics) <= FEW_TOPICS else "5",
            # Alerts with long light curves pass a megabyte; the topic has its own limit, too.
            "message.max.bytes": str(16 << 20),
            "queue.buffering.max.kbytes": str(64 << 10),
            "delivery.timeout.ms": "120000",
            "reconnect.backoff.max.ms": "2000",
            **common_config(url, settings),
            "error_cb": self._note,
        }
        if transactional_id:
            config["transactional.id"] = transactional_id
            # So long readers may have to wait for what a process that never comes back has left half-done.
            config.setdefault("transaction.timeout.ms", "60000")
            limits_ms = (config["delivery.timeout.ms"], config["transaction.timeout.ms"])
            config["delivery.timeout.ms"] = min(map(int, limits_ms))
        self._servers: str = config["bootstrap.servers"]
        self.producer: Producer = make_client(Producer, config, settings)
        for topic in url.topics:
            self._find(topic)

    def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Headers = (),
        timestamp_ms: int | None = None,
        partition: int = BY_KEY,
    ) -> None:
        """Hand a message over; waits while too many are under way.

        Raises
        ------
        SourceError
            If it, or one before it, cannot be delivered.
        """
        more: dict[str, Any] = {} if timestamp_ms is None else {"timestamp": timestamp_ms}
        size = len(value or b"")
        while not self.under_way.has_room(topic, size):
            self.producer.poll(0.1)
            self._check()
        while True:
            self._check()
            try:
                self.producer.produce(
                    topic, value, key, partition, headers=list(headers), on_delivery=self._told, **more
                )
            except BufferError:
                self.producer.poll(0.1)
            except KafkaException as error:
                self._fail(topic, error.args[0])
                self._check()
            else:
                break
        self.sent += 1
        self.under_way.sent(topic, size)
        self.producer.poll(0)

    def wait(self, seconds: float) -> None:
        """Wait, and hear meanwhile what became of messages; raises `SourceError` as `send` does."""
        limit = self._clock() + seconds
        while (rest := limit - self._clock()) > 0:
            self.producer.poll(rest)
            self._check()

    def flush(self) -> None:
        """Wait until the broker has all that was sent; raises `SourceError` if it does not take it."""
        while self.producer.flush(0.2):
            self._check()
        self._check()

    def discard(self) -> None:
        """Forget what has not been sent yet."""
        self.producer.purge()
        self.producer.flush(1)

    def _find(self, topic: str) -> None:
        limit = self._clock() + PATIENCE_S
        failures = 0
        while True:
            try:
                answer = self.producer.list_topics(topic, timeout=request_s(failures)).topics[topic]
            except KafkaException as error:
                self.producer.poll(0)
                failures += 1
                worst = max([error.args[0], *self._noted], key=weight)
                if is_hopeless(worst) or self._clock() > limit:
                    raise SourceError(explain(worst, self._servers, self._settings)) from None
                continue
            if answer.error is None:
                self.partitions[topic] = len(answer.partitions)
                return
            # A broker that makes topics by itself begins with this question, and answers it later.
            may_come = answer.error.retriable() or answer.error.code() in _NOT_YET
            if not may_come or self._clock() > limit - PATIENCE_S + MAKING_S:
                raise SourceError(self._about(topic, answer.error))
            time.sleep(0.2)

    def _note(self, error: KafkaError) -> None:
        self._noted = [*self._noted[-9:], error]
        if is_denied(error):
            self._failure = explain(error, self._servers, self._settings)

    def _told(self, error: KafkaError | None, message: Any) -> None:
        self.under_way.settled(message.topic(), len(message))
        if error is None:
            self.delivered += 1
            self.delivered_bytes += len(message)
            self.under_way.confirmed_after(message.latency())
        elif error.code() not in (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT):
            self._fail(message.topic(), max([error, *self._noted], key=weight))

    def _fail(self, topic: str, error: KafkaError) -> None:
        if self._failure is None:
            self._failure = self._about(topic, error)
            self.is_transient = error.code() in _TRANSIENT

    def _about(self, topic: str, error: KafkaError) -> str:
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            return f"Kafka at {self._servers} has no topic {topic}, and does not make it. Make it first."
        return explain(error, f"{self._servers}, topic {topic},", self._settings)

    def _check(self) -> None:
        if self._failure is not None:
            raise SourceError(self._failure)
