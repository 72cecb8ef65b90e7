"""``voevent-bridge inspect``: an alert or VOEvent for a person."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.alerts.store import open_store
from bridge.cli.options import OutPath, input_argument, schemas_option

__all__ = ["command"]


@click.command("inspect")
@input_argument("file", "FILE", many=False)
@click.option("--index", metavar="N", type=click.IntRange(min=0), default=0, show_default=True,
              help="Which alert of a file with several, a folder or an archive, counted from 0.")  # fmt: skip
@click.option("--plot", metavar="PNG", type=OutPath(dir_okay=False),
              help="Draw the light curve and the cutouts into this file (needs matplotlib).")  # fmt: skip
@click.option("--cutouts", metavar="DIR", type=OutPath(file_okay=False),
              help="Write each cutout as a PNG file into this folder (needs matplotlib).")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
@schemas_option
@click.option("--width", metavar="N", type=click.IntRange(min=40),
              help="Columns to print in (default: the terminal's, or 100).")  # fmt: skip
def command(
    file: str,
    index: int,
    plot: Path | None,
    cutouts: Path | None,
    as_json: bool,
    schemas: str | None,
    width: int | None,
) -> None:
    """Show what an alert or VOEvent says: what, where, when, light curve, cutouts.

    FILE is an alert (ZTF, Rubin/LSST, Fink, or any other Avro alert), a VOEvent, a folder or an archive of
    these, or - for standard input.

    \b
    Examples:
      voevent-bridge inspect ztf-alert.avro
      voevent-bridge inspect ztf_public_20240101.tar.gz --index 17 --plot alert.png
    """
    from bridge.inspect.document import report_json
    from bridge.inspect.figure import draw_cutouts, draw_report
    from bridge.inspect.reading import inspect_path
    from bridge.inspect.terminal import print_report

    report = inspect_path(file, index=index, store=open_store(schemas))
    if plot is not None:
        draw_report(report, plot)
        click.echo(f"Figure: {plot}", err=True)
    if cutouts is not None:
        for path in draw_cutouts(report, cutouts):
            click.echo(f"Cutout: {path}", err=True)
    if as_json:
        click.echo(report_json(report))
    else:
        print_report(report, width=width)
