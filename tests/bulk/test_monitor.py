"""Watching a broker that is not there: what is wrong is said, and who stops it is not kept waiting."""

from __future__ import annotations

import logging

import pytest

from bridge.alerts.store import SchemaStore
from bridge.bulk.monitor import look_once, watch

NOBODY = "kafka://127.0.0.1:1/x"


def test_a_look_that_is_stopped_before_kafka_answers_says_so(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    with caplog.at_level(logging.ERROR):
        seen = look_once(NOBODY, SchemaStore(), stop=lambda: bool(waits), sleep=waits.append)
    assert seen.trouble == "Kafka had not answered when this was stopped."
    assert len(waits) == 1
    assert "Kafka at 127.0.0.1:1 cannot be reached" in caplog.text


def test_a_watch_that_is_stopped_before_kafka_answers_shows_nothing() -> None:
    waits: list[float] = []
    assert not list(watch(NOBODY, SchemaStore(), stop=lambda: bool(waits), sleep=waits.append))
