"""Kafka: topics as sources and sinks of packets, with the habits of the alert services that use it.

Everything that knows Kafka's client library (librdkafka, through confluent-kafka) is in this room, and loaded
only where a ``kafka://`` URL is opened.
"""

from __future__ import annotations

__all__: list[str] = []
