"""``voevent-bridge monitor``: how topics and the groups that read them are doing."""

from __future__ import annotations

import sys

import click
import orjson

from bridge.alerts.store import open_store
from bridge.cli.options import kafka_option, schemas_option
from bridge.cli.shared import until_signal

__all__ = ["command"]


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.1),
    metavar="S",
    default=2.0,
    show_default=True,
    help="Seconds from one look to the next.",
)
@click.option("--once", is_flag=True, help="Look once, at the newest messages of each partition.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many looks.")
@click.option(
    "--group", metavar="NAME", default="", help="Consumer group whose lag is told [that of the settings]."
)
@schemas_option
@kafka_option
@click.option("--json", "as_json", is_flag=True, help="A JSON line for each look.")
def command(
    url: str,
    interval: float,
    once: bool,
    count: int | None,
    group: str,
    schemas: str | None,
    kafka_config: str | None,
    as_json: bool,
) -> int:
    """Watch Kafka topics: rate, bytes, lag of a group, age of the alerts, schema ids.

    It reads alone and commits nothing, so it takes nothing away from other readers.

    \b
    Examples:
      voevent-bridge monitor kafka://localhost/ztf,lsst --group telescope
      voevent-bridge monitor kafka://localhost/ztf --once --json
    """
    from rich.console import Console
    from rich.live import Live

    from bridge.bulk.monitor import look_once, watch
    from bridge.bulk.monitor_view import snapshot_line, snapshot_table

    store = open_store(schemas)
    with until_signal() as stop:
        if once:
            looks = iter([look_once(url, store, kafka_config=kafka_config, group=group, stop=stop)])
        else:
            looks = watch(url, store, kafka_config=kafka_config, group=group, interval_s=interval, stop=stop)
        lives = sys.stdout.isatty() and not as_json and not once
        console = Console()
        live = Live(console=console, auto_refresh=False) if lives else None
        troubled = False
        if live is not None:
            live.start()
        try:
            for number, look in enumerate(looks, 1):
                troubled = bool(look.trouble)
                if as_json:
                    click.echo(orjson.dumps(look.document()))
                elif live is not None:
                    live.update(snapshot_table(look), refresh=True)
                elif once:
                    console.print(snapshot_table(look))
                else:
                    click.echo(snapshot_line(look))
                if number == count:
                    break
        finally:
            if live is not None:
                live.stop()
    return 1 if troubled else 0
