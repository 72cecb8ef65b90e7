"""``voevent-bridge simulate``: realistic ZTF or LSST alerts into a folder or archive."""

from __future__ import annotations

import time
from statistics import median
from typing import Any, cast

import click
import orjson

from bridge.cli.shared import showing_progress
from bridge.simulate import DEFAULT_VERSIONS, VERSIONS, Survey, simulate
from bridge.streams import open_sink
from bridge.wording import counted

__all__ = ["command"]


@click.command()
@click.argument("survey", type=click.Choice(sorted(VERSIONS)))
@click.option("-o", "--output", required=True, metavar="URL", help="Folder, .tar or .tar.gz file.")
@click.option("--visits", type=int, default=2, show_default=True, help="Exposures to simulate.")
@click.option("--alerts", type=int, default=100, show_default=True, help="Alerts per visit.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0),
    default=0.0,
    show_default=True,
    metavar="S",
    help="Seconds from one visit to the next; 0 is as fast as possible.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Equal seeds give equal alerts.")
@click.option(
    "--schema-version", metavar="V", help="3.3 or 4.02 for ztf, 10.0 or 11.1 for lsst; default the newer."
)
@click.option("--backlog", type=int, metavar="N", help="Most exposures of a field before the first visit.")
@click.option("--json", "as_json", is_flag=True, help="One JSON summary on standard output.")
def command(
    survey: str,
    output: str,
    visits: int,
    alerts: int,
    interval: float,
    seed: int,
    schema_version: str | None,
    backlog: int | None,
    as_json: bool,
) -> None:
    """Make realistic alerts of SURVEY (ztf or lsst) from a seed.

    Supernovae, variable stars, active nuclei, asteroids and artefacts, with light curves that grow from
    visit to visit. A file appears in the folder only when it is whole.

    \b
    Example:
      voevent-bridge simulate lsst --visits 4 --alerts 50 -o alerts/
    """
    began = time.monotonic()
    sizes: list[int] = []
    kinds: dict[str, int] = {}
    runs = simulate(
        cast(Survey, survey),
        seed=seed,
        visits=visits,
        alerts=alerts,
        version=schema_version,
        backlog=backlog,
    )
    with open_sink(output) as sink, showing_progress(f"simulating {survey}") as say:
        for visit in runs:
            _wait(began + visit.number * interval)
            for alert in visit:
                sink.write(alert.packet)
                sizes.append(len(alert.data))
                kinds[alert.kind] = kinds.get(alert.kind, 0) + 1
                say(f"visit {visit.number + 1} of {visits}: {counted(len(sizes), 'alert')}")
    summary = {
        "survey": survey,
        "schema_version": schema_version or DEFAULT_VERSIONS[survey],
        "seed": seed,
        "visits": visits,
        "alerts": len(sizes),
        "kinds": dict(sorted(kinds.items())),
        "bytes": _spread(sizes),
        "seconds": round(time.monotonic() - began, 3),
    }
    if as_json:
        click.echo(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(_sentence(summary, output), err=True)


def _wait(until: float) -> None:
    """Keep the pace of the survey."""
    time.sleep(max(0.0, until - time.monotonic()))


def _spread(sizes: list[int]) -> dict[str, int]:
    if not sizes:
        return {"min": 0, "median": 0, "max": 0, "sum": 0}
    return {"min": min(sizes), "median": round(median(sizes)), "max": max(sizes), "sum": sum(sizes)}


def _sentence(summary: dict[str, Any], output: str) -> str:
    size = {name: value / 1000 for name, value in summary["bytes"].items()}
    kinds = ", ".join(f"{count} {kind}" for kind, count in summary["kinds"].items())
    return (
        f"{counted(summary['alerts'], 'alert')} in {output} ({kinds or 'none'}); min/median/max "
        f"{size['min']:.1f}/{size['median']:.1f}/{size['max']:.1f} kB; {summary['seconds']:.1f} s."
    )
