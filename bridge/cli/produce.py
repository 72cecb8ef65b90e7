"""``voevent-bridge produce``: alerts and VOEvents into a Kafka topic, at a pace."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import click
import orjson

from bridge.cli.shared import Refusals, ending_orderly, kafka_option, schemas_option, showing_progress

__all__ = ["command"]


@click.command("produce")
@click.argument("sources", metavar="IN...", nargs=-1, required=True)
@click.option("--to", "target", metavar="URL", required=True, help="kafka://host[:9092]/topic.")
@click.option("--rate", metavar="N", type=click.FloatRange(min=0, min_open=True), help="Messages per second [as fast as it goes].")  # fmt: skip
@click.option(
    "--visit", metavar="N", type=click.IntRange(min=1), help="Messages per visit, which go at once."
)
@click.option(
    "--interval", metavar="S", type=click.FloatRange(min=0), help="Seconds from visit to visit [39]."
)
@kafka_option
@schemas_option
@click.option("--dead-letters", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Keep what is refused in this folder, with the reason.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Summary as one JSON document on standard output.")
def command(
    sources: tuple[str, ...],
    target: str,
    rate: float | None,
    visit: int | None,
    interval: float | None,
    kafka_config: str | None,
    schemas: str | None,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Send alerts and VOEvents to a Kafka topic, byte for byte as they are.

    A file of one alert is one message; each record of a file of many becomes one, with its schema.

    \b
    Examples:
      voevent-bridge produce alerts/ --to kafka://localhost/ztf --rate 20
      voevent-bridge produce alerts.tar.gz --to kafka://localhost/lsst --visit 1000 --interval 39
    """
    from bridge.alerts.store import open_store
    from bridge.streams import open_source
    from bridge.streams.kafka.pace import parse_pace
    from bridge.streams.kafka.produce import produce
    from bridge.streams.kafka.settings import load_settings
    from bridge.streams.kafka.sink import KafkaSink
    from bridge.streams.kafka.url import is_kafka_url, parse_url

    if not is_kafka_url(target):
        raise click.UsageError(f"--to {target} is no Kafka URL (kafka://host[:9092]/topic).")
    pace = parse_pace(rate, visit, interval)
    store = open_store(schemas)
    opened = [open_source(source, store=store, kafka_config=kafka_config) for source in sources]
    refusals = Refusals(dead_letters)
    began = time.monotonic()
    with (
        ending_orderly(),
        KafkaSink(parse_url(target), load_settings(kafka_config)) as sink,
        showing_progress("Sending") as say,
    ):
        done = produce(
            itertools.chain.from_iterable(opened),
            sink,
            pace,
            refuse=refusals,
            progress=lambda d: say(f"{d.messages:,} messages, {d.bytes / 1e6:,.1f} MB"),
        )
    refusals.close()
    seconds = max(time.monotonic() - began, 1e-3)
    if as_json:
        document = {
            "messages": done.messages,
            "bytes": done.bytes,
            "refused": refusals.count,
            "seconds": round(seconds, 3),
            "visits_s": [round(visit_s, 3) for visit_s in done.visits_s],
            "late": done.late,
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(
            f"{done.messages:,} messages ({done.bytes / 1e6:,.1f} MB) in {seconds:.1f} s, "
            f"{refusals.count:,} refused.",
            err=True,
        )
        if done.visits_s:
            longest = max(done.visits_s)
            click.echo(f"{len(done.visits_s)} visits, the slowest sent in {longest:.2f} s.", err=True)
        if done.late:
            click.echo(f"{done.late:,} messages were late: this pace is too fast for here.", err=True)
    return 1 if refusals.count else 0
