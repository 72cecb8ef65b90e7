"""``voevent-bridge demo``: the whole chain at work, with a stock Comet at its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from bridge.cli.options import OutPath
from bridge.cli.shared import showing_progress
from bridge.wording import counted

if TYPE_CHECKING:
    from rich.table import Table

    from bridge.demo import DemoReport

__all__ = ["command"]


@click.command("demo")
@click.option("-o", "--output", "folder", metavar="DIR", type=OutPath(file_okay=False),
              default=Path("demo-output"), show_default=True, help="Made anew; keeps alerts, events and logs.")  # fmt: skip
@click.option(
    "--visits", type=click.IntRange(1, 1000), default=5, show_default=True, help="Visits of each survey."
)
@click.option(
    "--alerts", type=click.IntRange(1, 50_000), default=100, show_default=True, help="Alerts per visit."
)
@click.option("--interval", type=click.FloatRange(min=0), default=2.0, show_default=True, metavar="S",
              help="Seconds from visit to visit.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON document on standard output.")
def command(folder: Path, visits: int, alerts: int, interval: float, as_json: bool) -> int:
    """Show the feed at work: simulated ZTF and LSST alerts, filtered, translated, received by a stock Comet.

    The feed and Comet run as processes of their own, as a user starts them. Exit status 1 if Comet did not
    get every event byte for byte.

    \b
    Example:
      voevent-bridge demo --visits 10 --alerts 200
    """
    from rich.console import Console

    from bridge.demo import run_demo

    console = Console(stderr=True)
    with showing_progress("Running") as say:

        def progress(report: DemoReport) -> None:
            say(
                f"{counted(sum(report.alerts.values()), 'alert')}, {report.published:,} published, {report.received:,} at Comet"
            )

        report = run_demo(
            folder,
            visits=visits,
            alerts=alerts,
            interval_s=interval,
            tell=lambda text: console.print(text, highlight=False, soft_wrap=True),
            progress=progress,
        )
    if as_json:
        click.echo(orjson.dumps(_document(report), option=orjson.OPT_INDENT_2).decode())
    else:
        Console().print(_table(report))
        console.print(
            f"Everything is in {folder}: alerts/, comet/received/, feed.journal, feed.log, comet.log.\n"
            f"Look at an alert:  voevent-bridge inspect {folder / 'alerts'} --index 3",
            highlight=False,
            soft_wrap=True,
        )
    return 0 if report.complete else 1


def _document(report: DemoReport) -> dict[str, object]:
    return {
        "alerts": report.alerts,
        "alert_bytes": report.alert_bytes,
        "published": report.published,
        "published_bytes": report.published_bytes,
        "received_by_comet": report.received,
        "byte_identical": report.identical,
        "median_latency_s": round(report.median_latency_s, 3),
        "complete": report.complete,
    }


def _table(report: DemoReport) -> Table:
    from rich.table import Table

    table = Table(title="What happened", box=None, show_header=False, title_justify="left")
    for survey, count in report.alerts.items():
        size = report.alert_bytes[survey] / 1e6
        table.add_row(f"{survey.upper()} alerts simulated", f"{count:,}", f"{size:.1f} MB of Avro")
    table.add_row(
        "VOEvents published", f"{report.published:,}", f"{report.published_bytes / 1e6:.1f} MB of XML"
    )
    table.add_row(
        "files saved by Comet", f"{report.received:,}", f"{report.identical:,} identical to the journal"
    )
    table.add_row("alert file to Comet's file", f"{report.median_latency_s:.2f} s", "median")
    verdict = "every event arrived, none twice" if report.complete else "NOT every event arrived as published"
    table.add_row("verdict", "OK" if report.complete else "FAILED", verdict)
    return table
