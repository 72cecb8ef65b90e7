"""``voevent-bridge produce``: alerts out of files into a Kafka topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from bridge.alerts.packet import Item
from bridge.alerts.registry import Registry
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore, open_store
from bridge.bulk.reframe import FRAMINGS, Frame
from bridge.cli.options import (
    dead_letters_option,
    input_argument,
    kafka_option,
    schema_option,
    schemas_option,
    summary_option,
)
from bridge.cli.shared import Refusals, showing_progress, until_signal
from bridge.wording import counted

__all__ = ["command"]

VISIT_INTERVAL_S = 39.0


@click.command()
@input_argument("inputs", "IN...")
@click.option("--to", "target", metavar="URL", required=True, help="kafka://host[:9092]/topic.")
@click.option(
    "--rate", type=click.FloatRange(min=0), metavar="N", help="Alerts per second [as fast as possible]."
)
@click.option(
    "--visit",
    type=click.IntRange(min=1),
    metavar="N",
    help="Keep a survey's beat: N alerts at once, then a pause.",
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Seconds from visit to visit, with --visit [39].",
)
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many alerts.")
@click.option(
    "--repeat",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Send the inputs so many times.",
)
@click.option(
    "--framing",
    "frame",
    type=click.Choice(FRAMINGS),
    default="as-is",
    show_default=True,
    help="How messages say their schema: container (ocf), five bytes with its id (confluent), not at all (bare), as key (keyed).",
)
@click.option(
    "--schema-id", type=click.IntRange(0, 2**32 - 1), metavar="N", help="Schema id for --framing confluent."
)
@click.option(
    "--registry", metavar="URL", help="Schema registry that gives the ids; unknown schemas are registered."
)
@click.option(
    "--subject",
    metavar="NAME",
    default="alert-packet",
    show_default=True,
    help="Name under which schemas are registered.",
)
@schemas_option
@schema_option
@kafka_option
@dead_letters_option
@summary_option
def command(
    inputs: tuple[str, ...],
    target: str,
    rate: float | None,
    visit: int | None,
    interval: float | None,
    count: int | None,
    repeat: int,
    frame: Frame,
    schema_id: int | None,
    registry: str | None,
    subject: str,
    schemas: str | None,
    default_schema: Schema | None,
    kafka_config: str | None,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Send alerts to a Kafka topic, every delivery checked.

    IN is a file, a folder or a tar archive of alerts, or - for standard input.

    \b
    Examples:
      voevent-bridge produce alerts.tar.gz --to kafka://localhost/ztf --rate 20
      voevent-bridge produce lsst/ --to kafka://localhost/lsst --visit 10000 --interval 39 --repeat 100
    """
    from bridge.bulk.pace import Pace
    from bridge.bulk.produce import produce
    from bridge.bulk.raw import kafka_url
    from bridge.streams.kafka.settings import load_settings
    from bridge.streams.kafka.sink import KafkaSink

    if interval is not None and visit is None:
        raise click.UsageError(
            "--interval is the time from visit to visit; say how many alerts with --visit N."
        )
    pace = Pace(rate or 0.0, visit or 0, VISIT_INTERVAL_S if interval is None else interval)
    store = open_store(schemas)
    refusals = Refusals(dead_letters)
    sink = KafkaSink(kafka_url(target), load_settings(kafka_config))
    with until_signal() as stop, showing_progress("Sending") as say:
        done = produce(
            _items(inputs, repeat, store, default_schema),
            sink,
            pace,
            frame=frame,
            schema_id=_ids(schema_id, registry, subject),
            count=count,
            refuse=refusals,
            progress=lambda d: say(f"{counted(d.messages, 'message')}, {d.bytes / 1e6:,.1f} MB"),
            stop=stop,
            wait=sink.outbox.wait,
        )
    refusals.close()
    if as_json:
        rate_hz = round(done.messages / done.seconds, 3) if done.seconds else None
        click.echo(orjson.dumps(asdict(done) | {"rate_hz": rate_hz}, option=orjson.OPT_INDENT_2).decode())
    else:
        speed = f" ({done.messages / done.seconds:,.0f}/s)" if done.seconds else ""
        click.echo(
            f"{counted(done.messages, 'message')} ({done.bytes / 1e6:,.1f} MB) in {done.seconds:.1f} s{speed}, "
            f"{done.refused:,} refused.",
            err=True,
        )
        if done.visits_s:
            click.echo(
                f"{counted(len(done.visits_s), 'visit')}, the slowest sent in {max(done.visits_s):.2f} s.",
                err=True,
            )
        if done.late:
            click.echo(
                f"{counted(done.late, 'visit' if visit else 'message')} late: this pace is too fast for here.",
                err=True,
            )
    return 1 if done.refused else 0


def _items(
    inputs: tuple[str, ...], repeat: int, store: SchemaStore, default_schema: Schema | None
) -> Iterator[Item]:
    from bridge.convert import read_inputs

    for _ in range(repeat):
        for batch in read_inputs(inputs, store, default_schema):
            yield from batch


def _ids(schema_id: int | None, registry: str | None, subject: str) -> Callable[[Schema], int] | None:
    if schema_id is not None and registry is not None:
        raise click.UsageError("Give either --schema-id or --registry.")
    if schema_id is not None:
        return lambda _: schema_id
    if registry is None:
        return None
    server = Registry(registry)
    known: dict[Schema, int] = {}

    def ask(schema: Schema) -> int:
        if schema not in known:
            known[schema] = server.register(subject, schema)
        return known[schema]

    return ask
