"""``voevent-bridge monitor``: what flows through Kafka topics, in numbers."""

from __future__ import annotations

import time
from typing import Any

import click
import orjson

from bridge.cli.shared import kafka_option, schemas_option, until_signal

__all__ = ["command"]


@click.command("monitor")
@click.argument("source", metavar="URL")
@click.option("--interval", metavar="S", type=click.FloatRange(min=0.1), default=2.0, help="Seconds from report to report [2].")  # fmt: skip
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="End after N reports.")
@kafka_option
@schemas_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per report on standard output.")
def command(
    source: str,
    interval: float,
    count: int | None,
    kafka_config: str | None,
    schemas: str | None,
    as_json: bool,
) -> None:
    """Watch what comes through Kafka topics, until Ctrl-C.

    Reported are rate, size, lag, age and schemas. All messages are read, and nothing is stored.

    \b
    Example:
      voevent-bridge monitor kafka://localhost/ztf --interval 5
    """
    from bridge.alerts.store import open_store
    from bridge.streams.kafka.monitor import Monitor
    from bridge.streams.kafka.settings import load_settings
    from bridge.streams.kafka.source import KafkaSource
    from bridge.streams.kafka.url import is_kafka_url, parse_url

    if not is_kafka_url(source):
        raise click.UsageError(f"{source} is no Kafka URL (kafka://host[:9092]/topic).")
    with until_signal() as stop:
        topics = KafkaSource(
            parse_url(source), load_settings(kafka_config), open_store(schemas), {}, follow=True, stop=stop
        )
        monitor = Monitor(time.time())
        due, reports = time.monotonic() + interval, 0
        for batch in topics:
            monitor.take(batch)
            if time.monotonic() < due:
                continue
            due, reports = time.monotonic() + interval, reports + 1
            now = time.time()
            found = [report.as_json() for report in monitor.report(now, topics.lags())]
            if as_json:
                click.echo(orjson.dumps({"time": now, "topics": found}))
            else:
                click.echo("\n".join(map(_line, found)) or "Nothing has come yet.")
            if reports == count:
                return


def _line(report: dict[str, Any]) -> str:
    age = "-" if report["age_s"] is None else f"{report['age_s']:.1f} s"
    lag = "-" if report["lag"] is None else f"{report['lag']:,}"
    schemas = ", ".join(report["schemas"])
    return (
        f"{report['topic']}: {report['per_second']:.1f}/s, {report['bytes_per_second'] / 1e6:.2f} MB/s, "
        f"{report['messages']:,} messages, lag {lag}, age {age}, {report['refused']:,} refused"
        f"{'; ' + schemas if schemas else ''}"
    )
