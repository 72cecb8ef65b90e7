"""Where reading begins of which nothing is known yet, and what a reader is told about it."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from kafka_broker import Broker
from reading import Following


def test_a_new_reader_says_what_it_leaves_out_unless_it_was_told_where_to_begin(
    kafka: Broker, topics: Any, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topics.new(partitions=2)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    topics.fill(topic, *[b"<v/>"] * 7)
    sentence = "7 messages that are there already are left out"
    for start, told in ((None, True), ("latest", False), ("earliest", False)):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            feed = Following(url, start=start)
            feed.until(lambda feed=feed: feed.positions, "the place where it begins")
            feed.close()
        assert (sentence in caplog.text) == told
        assert len(feed.texts) <= (7 if start == "earliest" else 0)
    second = Following(url, feed.positions | dict.fromkeys(feed.positions, 0), start="latest")
    second.until(lambda: len(second.texts) == 7, "what the journal's positions say")
    second.close()
