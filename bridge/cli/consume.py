"""``voevent-bridge consume``: alerts out of Kafka topics, shown and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import orjson

from bridge.cli.shared import Refusals, kafka_option, schemas_option, showing_progress, until_signal

__all__ = ["command"]


@click.command("consume")
@click.argument("source", metavar="URL")
@click.option("-o", "--output", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Keep all packets in this folder, byte for byte, one file each.")  # fmt: skip
@click.option("--stamps", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Save the cutout images of the shown alerts in this folder.")  # fmt: skip
@click.option(
    "--every", metavar="N", type=click.IntRange(min=1), default=1, help="Show every Nth message [1]."
)
@click.option("--no-decode", is_flag=True, help="Do not look into the messages: bytes are kept and counted.")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="End after N messages.")
@click.option("--once", is_flag=True, help="From the first message there is to the last, and end.")
@kafka_option
@schemas_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object per shown message on standard output.")
def command(
    source: str,
    output: Path | None,
    stamps: Path | None,
    every: int,
    no_decode: bool,
    count: int | None,
    once: bool,
    kafka_config: str | None,
    schemas: str | None,
    as_json: bool,
) -> int:
    """Show and keep what comes through Kafka topics, until Ctrl-C.

    \b
    Examples:
      voevent-bridge consume kafka://localhost/ztf --every 10 --stamps stamps/
      voevent-bridge consume kafka://localhost/lsst -o alerts/ --once
    """
    from bridge.alerts.store import open_store
    from bridge.streams import open_source
    from bridge.streams.kafka.consume import consume, document_of, summary_of
    from bridge.streams.kafka.url import is_kafka_url
    from bridge.streams.outlets import FolderOutlet

    if not is_kafka_url(source):
        raise click.UsageError(f"{source} is no Kafka URL (kafka://host[:9092]/topic).")
    if no_decode and stamps is not None:
        raise click.UsageError("--stamps needs the alerts decoded; leave --no-decode out.")
    refusals = Refusals(None)

    def show(item: Any, record: Any) -> None:
        click.echo(orjson.dumps(document_of(item, record)) if as_json else summary_of(item, record))

    with until_signal() as stop, showing_progress("Receiving") as say:
        batches = open_source(
            source, store=open_store(schemas), follow=not once, stop=stop, kafka_config=kafka_config
        )
        done = consume(
            batches,
            show=show,
            refuse=refusals,
            keep=FolderOutlet(output) if output is not None else None,
            stamps=FolderOutlet(stamps) if stamps is not None else None,
            every=every,
            decode=not no_decode,
            count=count,
            progress=lambda d: say(f"{d.read:,} messages, {d.bytes / 1e6:,.1f} MB"),
        )
    refusals.close()
    megabytes = done.bytes / 1e6
    click.echo(f"{done.read:,} messages ({megabytes:,.1f} MB), {refusals.count:,} refused.", err=True)
    return 1 if refusals.count else 0
