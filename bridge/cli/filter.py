"""``voevent-bridge filter``: keeps the packets that meet a condition, byte for byte."""

from __future__ import annotations

import time
from pathlib import Path

import click
import orjson

from bridge.cli.shared import Refusals, ending_orderly, schemas_option, showing_progress

__all__ = ["command"]


@click.command("filter")
@click.option("--from", "source", metavar="URL", required=True,
              help="File, folder or tar archive of alerts, or - for standard input.")  # fmt: skip
@click.option("--to", "target", metavar="URL", required=True,
              help="Folder, .tar, .tar.gz, .avro, or - for standard output; with --filters a folder, "
              "in which each filter has one of its own.")  # fmt: skip
@click.option("--where", metavar="EXPR", help="SQL condition that a packet must meet.")
@click.option("--filters", "filters_file", metavar="FILE", type=click.Path(path_type=Path),
              help="TOML file with named filters ([[filter]] name = ..., where = ...).")  # fmt: skip
@schemas_option
@click.option("--dead-letters", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Keep what is refused in this folder, with the reason.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Summary as one JSON document on standard output.")
def command(
    source: str,
    target: str,
    where: str | None,
    filters_file: Path | None,
    schemas: str | None,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Keep the alerts that meet a condition, byte for byte as they came.

    \b
    Examples:
      voevent-bridge filter --from alerts.tar.gz --to bright/ --where "candidate.magpsf < 17"
      voevent-bridge filter --from alerts/ --to kept/ --filters filters.toml
    """
    from bridge.alerts.store import open_store
    from bridge.convert.inputs import open_input
    from bridge.convert.keep import keep_packets, open_outputs
    from bridge.filters import FilterSet, load_filters, parse_filter

    if (where is None) == (filters_file is None):
        raise click.UsageError("Give a condition with --where, or a file of them with --filters.")
    if as_json and target == "-":
        raise click.UsageError("--json needs a --to other than '-': the packets go to standard output.")
    filters = load_filters(filters_file) if filters_file else FilterSet([parse_filter(where or "")])
    refusals = Refusals(dead_letters)
    began = time.monotonic()
    batches = open_input(source, open_store(schemas))
    with ending_orderly(), open_outputs(target, filters) as outputs, showing_progress("Filtering") as say:
        kept = keep_packets(
            batches, filters, outputs, refuse=refusals, progress=lambda n, k: say(f"{n:,} read, {k:,} kept")
        )
    refusals.close()
    seconds = round(time.monotonic() - began, 3)
    if as_json:
        document = {
            "read": kept.read,
            "kept": kept.kept,
            "refused": refusals.count,
            "by_filter": dict(zip(filters.names, kept.by_filter, strict=True)),
            "seconds": seconds,
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        for name, count in zip(filters.names, kept.by_filter, strict=True):
            if name:
                click.echo(f"{name}: {count:,} kept", err=True)
        click.echo(
            f"{kept.read:,} read, {kept.kept:,} kept, {refusals.count:,} refused in {seconds:.1f} s.",
            err=True,
        )
    return 1 if refusals.count else 0
