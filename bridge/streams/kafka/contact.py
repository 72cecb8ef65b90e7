"""Staying in touch with the cluster: asking it now and then, waiting longer each time it does not answer.

Trouble is told once, in its most telling form, and so is its end. Whoever reads to the end of a topic is not
kept waiting for ever: wrong credentials and an unknown topic end the reading, and so does half a minute of
silence.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaError, KafkaException

from bridge.errors import SourceError
from bridge.streams.kafka.client import Cluster, common_config, describe, request_s
from bridge.streams.kafka.explain import Teller, explain, is_denied, is_hopeless, weight
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import KafkaUrl

__all__ = ["Contact"]

LOOK_MS = 10_000
"""Between two questions about topics and partitions, in milliseconds; new ones are found within this time."""

PAUSES_S = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
PATIENCE_S = 30.0


class Contact:
    """What is known of the cluster, and since when it does not answer.

    Parameters
    ----------
    url, settings
        Of the source.
    teller
        Passes troubles on.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        url: KafkaUrl,
        settings: KafkaSettings,
        teller: Teller,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._settings = settings
        self._teller = teller
        self._clock = clock
        self._next_look_s = 0.0
        self._look_s = float(settings.values.get("topic.metadata.refresh.interval.ms", LOOK_MS)) / 1000
        self._met = False
        self._failures = 0
        self._failing_since_s: float | None = None
        self._noted: list[KafkaError] = []
        self.servers: str = common_config(url, settings)["bootstrap.servers"]

    @property
    def pause_s(self) -> float:
        """How long to wait before the next attempt, in seconds."""
        return PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]

    def note(self, error: KafkaError) -> None:
        """Called by the client library when a connection breaks or is refused.

        It says so late, and even when another broker has taken over: so the cluster is asked soon, and only
        if that fails there is trouble to tell.
        """
        self._noted = [*self._noted[-20:], error]
        self._next_look_s = min(self._next_look_s, self._clock() + PAUSES_S[1])

    def _answered(self) -> None:
        self._noted.clear()
        self._failures = 0
        self._failing_since_s = None
        self._teller.over("brokers", f"Kafka at {self.servers} answers again; nothing was lost.")

    def look(self, consumer: Consumer, now_unix_s: float, *, patient: bool) -> Cluster | None:
        """Ask the cluster about its topics, if that is due; None if it is not, or without an answer.

        Raises
        ------
        SourceError
            If not `patient`, and there is no hope.
        """
        if self._clock() < self._next_look_s:
            return None
        names = self._url.names(now_unix_s)
        try:
            cluster = describe(consumer, self._url, names, self.servers, request_s(self._failures))
        except KafkaException as error:
            if not self._met:
                # The library gives its reasons only here. Later the reading asks for them: a poll here would
                # swallow a message.
                consumer.poll(0)
            self.fail(error.args[0])
            if not patient:
                self._give_up_in_time(error.args[0])
            return None
        self._met = True
        self._next_look_s = self._clock() + self._look_s
        self._answered()
        for name in names:
            if "*" in name:
                continue
            if name in cluster.partitions:
                self._teller.over(name, f"Topic {name} is there now.")
                continue
            trouble = cluster.troubles.get(name)
            if patient:
                self.unknown(name, trouble)
            elif not self._url.covers_by_pattern(name):
                raise SourceError(self._about_topic(name, trouble))
        return cluster

    def fail(self, error: KafkaError) -> None:
        """Note that a question was not answered."""
        self._failures += 1
        if self._failing_since_s is None:
            self._failing_since_s = self._clock()
        self._next_look_s = self._clock() + self.pause_s
        self._tell(max([error, *self._noted], key=weight))

    def unknown(self, topic: str, error: KafkaError | None) -> None:
        """Say once that a topic is not there. Tonight's topic may well not be there yet."""
        is_expected = self._url.covers_by_pattern(topic)
        level = logging.INFO if is_expected else logging.WARNING
        sentence = self._about_topic(topic, error)
        self._teller.trouble(topic, f"{sentence} It is looked for every {self._look_s:g} s.", level)

    def _about_topic(self, topic: str, error: KafkaError | None) -> str:
        if error is not None and is_denied(error):
            return explain(error, f"{self.servers}, topic {topic},", self._settings)
        return f"Kafka at {self.servers} has no topic {topic}."

    def _tell(self, error: KafkaError) -> None:
        sentence = explain(error, self.servers, self._settings)
        self._teller.trouble("brokers", f"{sentence} Trying again until it works.")

    def _give_up_in_time(self, error: KafkaError) -> None:
        worst = max([error, *self._noted], key=weight)
        waited_s = self._clock() - (self._failing_since_s or self._clock())
        if is_hopeless(worst) or waited_s > PATIENCE_S:
            raise SourceError(explain(worst, self.servers, self._settings)) from None
