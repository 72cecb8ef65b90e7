"""A consumer as this room uses it: its settings, and the questions that are asked of the cluster.

Offsets are never stored or committed by the library behind our back, and it never decides by itself where to
go on: both would lose messages that no journal has.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, TopicPartition

from bridge.errors import ConfigError, UsageError
from bridge.streams.kafka.authorities import token_authorities
from bridge.streams.kafka.cursors import Place, Start
from bridge.streams.kafka.explain import make_client
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import KafkaUrl

__all__ = [
    "REQUEST_S",
    "Cluster",
    "common_config",
    "describe",
    "look_up_offsets",
    "make_consumer",
    "request_s",
]

REQUEST_S = 5.0
"""How long the cluster may take to answer a question, in seconds."""

QUEUE_KB = 32 << 10
"""Messages fetched ahead, all partitions together, in kB."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What a cluster says of itself.

    Parameters
    ----------
    identity
        Its own id, or the brokers' addresses where it has none.
    partitions
        Topic to its number of partitions.
    troubles
        Topic to the error that it is answered with.
    """

    identity: str
    partitions: dict[str, int]
    troubles: dict[str, KafkaError]


def common_config(url: KafkaUrl, settings: KafkaSettings) -> dict[str, Any]:
    """Settings of every client.

    Raises
    ------
    UsageError
        If neither the URL nor the settings name a broker.
    """
    config: dict[str, Any] = {"client.id": "voevent-bridge", **settings.values}
    config |= token_authorities(settings.values)
    config.pop("auto.offset.reset", None)
    if url.servers:
        config["bootstrap.servers"] = url.servers
    if not config.get("bootstrap.servers"):
        raise UsageError(
            f"{url} names no broker, and neither do the settings; write kafka://host[:9092]/topic."
        )
    return config


def make_consumer(
    url: KafkaUrl,
    settings: KafkaSettings,
    *,
    member: str = "",
    on_error: Callable[[KafkaError], None],
) -> Consumer:
    """A consumer that has not been told what to read yet.

    Parameters
    ----------
    url
        Brokers and topics.
    settings
        Over our own defaults.
    member
        Name of this process within its group that stays the same when it is started again: it then gets
        its partitions back at once instead of when the group has given up waiting for it.
    on_error
        Told of troubles with the brokers.

    Raises
    ------
    ConfigError
        If a setting cannot be used.
    """
    config: dict[str, Any] = {
        # Never joined unless the user names a group; the library wants one in any case.
        "group.id": f"voevent-bridge-{uuid.uuid4().hex}",
        "topic.metadata.refresh.interval.ms": "10000",
        # A broker that was restarted is found again soon.
        "reconnect.backoff.max.ms": "2000",
        "queued.max.messages.kbytes": str(QUEUE_KB),
        # The library looks so often whether a full queue has room again. Its own second is longer than the
        # queue lasts: a reader that is slower than the network for a moment would then wait for nothing.
        "fetch.queue.backoff.ms": "20",
        "fetch.message.max.bytes": str(4 << 20),
        **common_config(url, settings),
        "enable.auto.commit": "false",
        "enable.auto.offset.store": "false",
        "auto.offset.reset": "error",
        "enable.partition.eof": "true",
        "error_cb": on_error,
    }
    if member and "group.id" in settings.values:
        config.setdefault("group.instance.id", member)
    if not config["group.id"]:
        raise ConfigError(f"The group.id of {settings.origin} is empty; leave it out to read alone.")
    consumer: Consumer = make_client(Consumer, config, settings)
    return consumer


def request_s(failures: int) -> float:
    """How long to wait for an answer after so many failures: a refusal is seen soon, a slow link has time."""
    return (1.0, 2.0, REQUEST_S)[min(failures, 2)]


def describe(
    consumer: Consumer, url: KafkaUrl, names: Sequence[str], servers: str, timeout_s: float
) -> Cluster:
    """Ask the cluster about itself and some topics; raises `KafkaException` if it does not answer."""
    if url.has_patterns or len(names) > 3:
        answers = [consumer.list_topics(timeout=timeout_s)]
    else:
        answers = [consumer.list_topics(name, timeout=timeout_s) for name in names]
    partitions: dict[str, int] = {}
    troubles: dict[str, KafkaError] = {}
    for answer in answers:
        for name, topic in answer.topics.items():
            if topic.error is not None:
                troubles[name] = topic.error
            else:
                partitions[name] = len(topic.partitions)
    return Cluster(answers[0].cluster_id or servers, partitions, troubles)


def look_up_offsets(consumer: Consumer, places: Sequence[Place], which: Start) -> dict[Place, int]:
    """First offset of each partition, or the one that the next message will have.

    Raises
    ------
    KafkaException
        If the cluster does not answer.
    """
    # The request for offsets by time takes these two for times (Kafka protocol, ListOffsets).
    when = OFFSET_BEGINNING if which == "earliest" else OFFSET_END
    asked = [TopicPartition(topic, number, when) for topic, number in places]
    answers = consumer.offsets_for_times(asked, timeout=REQUEST_S)
    return {
        (one.topic, one.partition): one.offset
        if one.offset >= 0
        else consumer.get_watermark_offsets(one, timeout=REQUEST_S)[which == "latest"]
        for one in answers
    }
