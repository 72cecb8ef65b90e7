"""From the Kafka timestamp of an alert to its arrival as a VOEvent at a VTP subscriber, through ``serve``.

Beside it, at the same rates: a plain Kafka consumer that does nothing with the alerts. Its latency is what
Kafka takes by itself on this machine. Kafka's timestamps are the sender's, in whole milliseconds.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from benchmarks.kafka_at_hand import drop_topic, new_topic
from benchmarks.stream_feed import running_feed, wait_until
from benchmarks.stream_plain import receiving
from bridge.simulate import simulate

__all__ = ["measure_latency"]

PATIENCE_S = 60.0
WARM_UP = 20

Alert = tuple[str, bytes]


def measure_latency(
    bootstrap: str, *, rates: Sequence[int], seconds: float, progress: Callable[[str], None]
) -> dict[str, Any]:
    """For each rate (alerts per second) median, 99th percentile and maximum of the latency in milliseconds.

    Raises
    ------
    AssertionError
        If the subscriber does not get each alert once, as the journal has it.
    """
    steps = [(rate, math.ceil(rate * seconds)) for rate in rates]
    most = WARM_UP + sum(count for _, count in steps)
    visit = next(simulate("ztf", visits=1, alerts=most, seed=1, backlog=0))
    alerts = [(str(alert.identifier), alert.packet.data) for alert in visit]
    ours = new_topic(bootstrap, "bench-latency")
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        url = f"kafka://{bootstrap}/{ours}"
        with running_feed(url, Path(folder), "--history", "none") as feed:

            def seen() -> dict[str, float]:
                return {event.ivorn.rpartition("#")[2]: event.unix_s for event in feed.events}

            lines = _at_rates(bootstrap, ours, alerts, steps, lambda: len(feed.events), seen, progress)
        feed.compare(len(alerts))
    plain = new_topic(bootstrap, "bench-latency")
    with receiving(bootstrap, plain) as arrivals:
        peer = _at_rates(bootstrap, plain, alerts, steps, lambda: len(arrivals), lambda: arrivals, progress)
    for topic in (ours, plain):
        drop_topic(bootstrap, topic)
    return {
        "input": "SIMULATED ZTF alerts, --history none",
        "mean_bytes": sum(len(data) for _, data in alerts) // len(alerts),
        "peer": "plain Consumer.poll, receipt only",
        "rates": [
            line | {"peer_p50_ms": other["p50_ms"], "peer_p99_ms": other["p99_ms"]}
            for line, other in zip(lines, peer, strict=True)
        ],
    }


def _at_rates(
    bootstrap: str,
    topic: str,
    alerts: Sequence[Alert],
    steps: Sequence[tuple[int, int]],
    arrived: Callable[[], int],
    seen: Callable[[], Mapping[str, float]],
    progress: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Send at each rate so many alerts, and compare when they were sent with when they were seen."""
    _send(bootstrap, topic, alerts[:WARM_UP], 100)
    done = WARM_UP
    wait_until(lambda: arrived() >= done, "the first alerts", PATIENCE_S)
    lines: list[dict[str, Any]] = []
    for rate, count in steps:
        progress(f"{rate} alerts a second")
        sent = _send(bootstrap, topic, alerts[done : done + count], rate)
        done += count
        wait_until(lambda: arrived() >= done, f"{done} alerts", PATIENCE_S)  # noqa: B023
        came = seen()
        latencies_ms = sorted((came[name] - stamp) * 1e3 for name, stamp in sent.items())
        lines.append(
            {
                "rate": rate,
                "alerts": count,
                "p50_ms": round(_quantile(latencies_ms, 0.50), 1),
                "p99_ms": round(_quantile(latencies_ms, 0.99), 1),
                "max_ms": round(latencies_ms[-1], 1),
            }
        )
    return lines


def _send(bootstrap: str, topic: str, alerts: Sequence[Alert], rate: float) -> dict[str, float]:
    """Send at an even pace; identifier to Kafka timestamp (Unix seconds), as the broker has confirmed it."""
    stamps: dict[str, float] = {}

    def told(error: object, message: Any) -> None:
        assert error is None, error
        stamps[message.key().decode()] = message.timestamp()[1] / 1e3

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, "log_level": 0})
    producer.list_topics(topic, timeout=30)
    began = time.monotonic()
    for number, (identifier, data) in enumerate(alerts):
        while (rest := began + number / rate - time.monotonic()) > 0:
            producer.poll(rest)
        producer.produce(topic, data, key=identifier, on_delivery=told)
    producer.flush()
    return stamps


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]
