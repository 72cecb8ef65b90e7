"""``voevent-bridge archive``: topics into tar files, one a night."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from bridge.alerts.store import open_store
from bridge.cli.options import OutPath, kafka_option, once_option, schemas_option, summary_option
from bridge.cli.shared import showing_progress, until_signal
from bridge.wording import counted

__all__ = ["command"]


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    required=True,
    type=OutPath(file_okay=False),
    help="Folder of the archive; an archive that is there is gone on with.",
)
@once_option
@click.option(
    "--start",
    type=click.Choice(["earliest", "latest"]),
    default="earliest",
    show_default=True,
    help="Where a new archive begins.",
)
@click.option(
    "--night-begins",
    type=click.FloatRange(0, 24),
    metavar="HOUR",
    default=15.0,
    show_default=True,
    help="Hour (UTC) at which a new night, and a new file, begins.",
)
@schemas_option
@kafka_option
@summary_option
def command(
    url: str,
    output: Path,
    once: bool,
    start: str,
    night_begins: float,
    schemas: str | None,
    kafka_config: str | None,
    as_json: bool,
) -> int:
    """Archive Kafka topics: one tar file a night and topic, each packet as it came, exactly once.

    It may be killed at any moment; the next run goes on where the archive ends.

    \b
    Examples:
      voevent-bridge archive "kafka://localhost/ztf_{yyyymmdd}_programid1" -o archive/
      voevent-bridge archive kafka://localhost/lsst -o archive/ --once
    """
    from bridge.bulk.archive import archive_topics

    with until_signal() as stop, showing_progress("Archiving") as say:
        done = archive_topics(
            url,
            output,
            open_store(schemas),
            kafka_config=kafka_config,
            start=start,
            follow=not once,
            night_begins_h=night_begins,
            stop=stop,
            progress=lambda d: say(f"{counted(d.messages, 'message')}, {d.bytes / 1e6:,.1f} MB"),
        )
    if as_json:
        click.echo(orjson.dumps(asdict(done), option=orjson.OPT_INDENT_2).decode())
    else:
        lost = f" {done.gaps:,} had been deleted by the broker before." if done.gaps else ""
        click.echo(
            f"{counted(done.messages, 'message')} ({done.bytes / 1e6:,.1f} MB) archived in {output}, "
            f"which held {done.resumed:,} before.{lost}",
            err=True,
        )
    return 1 if done.gaps else 0
