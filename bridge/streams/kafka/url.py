"""Kafka URLs: which brokers and which topics, with topics that change every night.

``kafka://host[:9092][,host]/topic[,topic]``. A topic may hold ``{yyyymmdd}`` (the topics of this UTC day and
of the one before, as ZTF names them by night) or ``*`` (all topics that fit).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bridge.errors import UsageError

__all__ = ["HEARTBEAT_TOPIC", "KafkaUrl", "is_kafka_url", "parse_url"]

SCHEME = "kafka://"
DEFAULT_PORT = 9092
NIGHT = "{yyyymmdd}"

HEARTBEAT_TOPIC = "gcn.heartbeat"
"""GCN's topic of one message a second, by which a silent stream and a broken one can be told apart."""

_TOPIC = re.compile(r"[A-Za-z0-9._*-]{1,249}")
_HOST = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(?::(\d{1,5}))?")


def is_kafka_url(text: str) -> bool:
    """Whether a text is meant as the URL of a Kafka broker."""
    return text.startswith(SCHEME)


@dataclass(frozen=True, slots=True)
class KafkaUrl:
    """Brokers and topics.

    Parameters
    ----------
    servers
        ``host:port[,host:port]``; empty where the settings name the brokers.
    topics
        Names or patterns, in the order given.
    """

    servers: str
    topics: tuple[str, ...]

    def __str__(self) -> str:
        return f"{SCHEME}{self.servers}/{','.join(self.topics)}"

    @property
    def has_patterns(self) -> bool:
        """Whether the broker must be asked which topics there are."""
        return any("*" in topic for topic in self.topics)

    def names(self, now_unix_s: float) -> tuple[str, ...]:
        """Topics by name, as they are called at a time; patterns with ``*`` are left as they are.

        Parameters
        ----------
        now_unix_s
            Unix seconds (UTC).
        """
        today = datetime.fromtimestamp(now_unix_s, UTC)
        nights = [(today - timedelta(days=days)).strftime("%Y%m%d") for days in (1, 0)]
        names: dict[str, None] = {}
        for topic in self.topics:
            names |= dict.fromkeys([topic.replace(NIGHT, n) for n in nights] if NIGHT in topic else [topic])
        return tuple(names)

    def find(self, now_unix_s: float, known: Iterable[str]) -> tuple[str, ...]:
        """Topics at a time, patterns with ``*`` replaced by those of the known topics that fit."""
        found: dict[str, None] = {}
        for name in self.names(now_unix_s):
            if "*" in name:
                fits = _regex(name)
                # Kafka's own topics (offsets, transactions) begin so; no pattern means them.
                found |= dict.fromkeys(t for t in sorted(known) if fits.fullmatch(t) and t[:2] != "__")
            else:
                found[name] = None
        return tuple(found)

    def covers_by_pattern(self, topic: str) -> bool:
        """Whether a topic is one of these by a pattern, so that it may be missing at times."""
        return topic not in self.topics and self.covers(topic)

    def covers(self, topic: str) -> bool:
        """Whether a topic is, was or will be one of these."""
        return bool(self.entries_for(topic))

    def entries_for(self, topic: str) -> frozenset[str]:
        """Those of the names and patterns by which a topic is, was or will be one of these."""
        return frozenset(each for each in self.topics if _regex(each).fullmatch(topic))


def parse_url(text: str) -> KafkaUrl:
    """Read a Kafka URL.

    Raises
    ------
    UsageError
        If it is malformed. The message does not repeat what may hold a password.
    """
    rest = text.removeprefix(SCHEME)
    servers, slash, topics = rest.partition("/")
    if "@" in servers:
        raise UsageError(
            "A Kafka URL holds no user and no password: every process on this machine could read them. "
            "Put them into a file and name it with --kafka-config."
        )
    hosts = []
    for server in filter(None, servers.split(",")):
        match = _HOST.fullmatch(server)
        if match is None or int(match[2] or 1) > 65535:
            raise UsageError(f"{server!r} in {text} is not host or host:port.")
        hosts.append(f"{match[1]}:{match[2] or DEFAULT_PORT}")
    names = tuple(filter(None, topics.rstrip("/").split(",")))
    if not slash or not names:
        raise UsageError(f"{text} names no topic; write kafka://host[:9092]/topic[,topic].")
    for name in names:
        plain = name.replace(NIGHT, "20260101")
        if not _TOPIC.fullmatch(plain) or plain in (".", ".."):
            raise UsageError(
                f"{name!r} cannot be the name of a topic: letters, digits, '.', '_' and '-' are allowed, "
                f"{NIGHT} stands for the night and '*' for anything."
            )
    return KafkaUrl(",".join(hosts), names)


def _regex(pattern: str) -> re.Pattern[str]:
    marked = re.escape(pattern).replace(re.escape(NIGHT), r"\d{8}").replace(re.escape("*"), ".*")
    return re.compile(marked)
