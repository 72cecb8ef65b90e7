"""What librdkafka says, in a sentence for a person: what is wrong, where, and what to do.

The client tells the same trouble again and again; `Teller` says it once, until it is over.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from bridge.errors import ConfigError
from bridge.streams.kafka.settings import KafkaSettings

__all__ = ["Teller", "explain", "is_denied", "is_hopeless", "make_client", "quiet", "weight"]

# The client library's own log would write raw lines to stderr beside ours.
quiet = logging.getLogger("bridge.streams.kafka.librdkafka")
quiet.setLevel(logging.CRITICAL + 1)

_STATE = re.compile(r"\s*\(after \d+ms in state [^)]*\)")

# What curl says in place of an answer of the identity service.
_NO_TOKEN = re.compile(
    r"OAUTHBEARER token:.*(resolve host|connect|timed? ?out|certificate|trust anchors|SSL|reset|unreachable)",
    re.IGNORECASE | re.DOTALL,
)

_DENIED = (
    KafkaError._AUTHENTICATION,
    KafkaError.SASL_AUTHENTICATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.UNSUPPORTED_SASL_MECHANISM,
)

_REMEDIES: Mapping[int, str] = {
    KafkaError._AUTHENTICATION: "refuses the credentials; check user, password and mechanism",
    KafkaError.SASL_AUTHENTICATION_FAILED: "refuses the credentials; check user, password and mechanism",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: "does not have this SASL mechanism; check sasl.mechanisms",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "does not let this user use the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "does not let this user use the consumer group; check group.id",
    KafkaError._ALL_BROKERS_DOWN: "cannot be reached; check host, port and network",
    KafkaError._TRANSPORT: "cannot be reached; check host, port, network and security.protocol",
    KafkaError._RESOLVE: "has a host name that cannot be resolved; check it",
    KafkaError._SSL: "cannot be talked to by TLS; check security.protocol and ssl.ca.location",
    KafkaError._TIMED_OUT: "does not answer",
    KafkaError.UNKNOWN_TOPIC_OR_PART: "does not have this topic",
    KafkaError._UNKNOWN_TOPIC: "does not have this topic",
    KafkaError.MSG_SIZE_TOO_LARGE: (
        "refuses a message of this size; raise max.message.bytes of the topic, and message.max.bytes here"
    ),
}


def explain(error: KafkaError, where: str, settings: KafkaSettings) -> str:
    """A sentence about an error.

    Parameters
    ----------
    error
        What the client library says.
    where
        The brokers, or the topic.
    settings
        Their secrets are kept out of the sentence.
    """
    meaning = _REMEDIES.get(error.code(), "answers with an error")
    if _is_without_token(error):
        meaning = (
            "is not asked yet: the identity service gives no token; check network, https.ca.location and "
            "sasl.oauthbearer.token.endpoint.url"
        )
    source = f", set in {settings.origin}" if is_denied(error) else ""
    details = _STATE.sub("", settings.redact(error.str())).strip().rstrip(".")
    return f"Kafka at {where} {meaning}{source} ({details})."


def is_denied(error: KafkaError) -> bool:
    """Whether an error says that the credentials or rights are wrong."""
    return error.code() in _DENIED and not _is_without_token(error)


def _is_without_token(error: KafkaError) -> bool:
    """Whether nobody has refused anything: the service that gives tokens does not answer."""
    return error.code() == KafkaError._AUTHENTICATION and bool(_NO_TOKEN.search(error.str()))


def is_hopeless(error: KafkaError) -> bool:
    """Whether an error is one that waiting does not mend."""
    return is_denied(error) or error.code() == KafkaError._SSL


def weight(error: KafkaError) -> int:
    """How much an error explains: of several about one connection, the one of most weight is told."""
    telling = (KafkaError._RESOLVE, KafkaError._SSL)
    return (
        3
        if is_denied(error) or _is_without_token(error)
        else 2
        if error.code() in telling
        else 1
        if error.code() == KafkaError._TRANSPORT
        else 0
    )


def make_client(kind: Callable[..., Any], config: Mapping[str, Any], settings: KafkaSettings) -> Any:
    """A client, or a sentence about the setting that it does not take.

    Raises
    ------
    ConfigError
        If a setting is unknown or has an impossible value.
    """
    try:
        return kind(dict(config), logger=quiet)
    except KafkaException as error:
        reason = settings.redact(error.args[0].str()).rstrip(".")
        raise ConfigError(
            f"The Kafka settings of {settings.origin} cannot be used: {reason}. "
            "Their names and values are those of librdkafka's CONFIGURATION.md."
        ) from None
    except TypeError as error:
        raise ConfigError(f"The Kafka settings of {settings.origin} cannot be used ({error}).") from None


class Teller:
    """Passes each trouble on once, and its end once.

    Parameters
    ----------
    log
        Takes a level of `logging` and a sentence.
    """

    def __init__(self, log: Callable[[int, str], None]) -> None:
        self._log = log
        self._told: dict[str, str] = {}

    def trouble(self, about: str, sentence: str, level: int = logging.ERROR) -> None:
        """Say what is wrong, unless that has been said about the same thing."""
        if about not in self._told:
            self._told[about] = sentence
            self._log(level, sentence)

    def over(self, about: str, sentence: str) -> None:
        """Say that a trouble is over, if one was told."""
        if self._told.pop(about, None) is not None:
            self._log(logging.INFO, sentence)

    def told(self, about: str) -> str | None:
        """What was said about something, while it is not over."""
        return self._told.get(about)

    def __contains__(self, about: str) -> bool:
        return about in self._told
