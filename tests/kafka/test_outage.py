"""A broker that goes away in mid-read takes no message with it."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka_broker import Broker
from reading import Following

MESSAGES = 600


@pytest.mark.no_cover
def test_what_was_fetched_before_an_outage_is_handed_over_in_order(
    own_kafka: Broker,
    topics_of: Callable[[Broker], Any],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    topics = topics_of(own_kafka)
    topic = topics.new()
    sent = [f"<v>{number}</v>" for number in range(MESSAGES)]
    topics.fill(topic, *(text.encode() for text in sent))
    # The cluster is asked before every batch, so that it is asked in vain while messages wait.
    config = tmp_path / "kafka.properties"
    config.write_text("auto.offset.reset=earliest\ntopic.metadata.refresh.interval.ms=10\n")
    feed = Following(f"kafka://{own_kafka.bootstrap}/{topic}", kafka_config=config)
    feed.until(lambda: feed.texts, "the first messages")
    own_kafka.stop(signal.SIGKILL)
    with caplog.at_level(logging.INFO):
        feed.until(lambda: "cannot be reached" in caplog.text, "the outage to be noticed")
        own_kafka.start()
        feed.until(lambda: len(feed.texts) >= MESSAGES, "all messages")
        feed.until(lambda: "answers again" in caplog.text, "the end of the outage to be noticed")
    feed.close()
    assert feed.texts == sent
