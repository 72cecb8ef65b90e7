"""``voevent-bridge convert``: alert files and notices in, VOEvents out."""

from __future__ import annotations

import time
from pathlib import Path

import click
import orjson

from bridge.alerts.schema import Schema
from bridge.cli.options import (
    dead_letters_option,
    input_argument,
    schema_option,
    schemas_option,
    summary_option,
    translate_options,
    translation_options,
)
from bridge.cli.shared import NAMED, Refusals, showing_progress
from bridge.wording import counted

__all__ = ["command"]


@click.command("convert")
@input_argument("inputs", "IN...")
@click.option("-o", "--output", "out", metavar="OUT", default="-", show_default=True,
              help="Folder (a file per event), .tar, .tar.gz, .xml or .json (one event), .avro (all) or - (stdout).")  # fmt: skip
@click.option("--to", type=click.Choice(["voevent", "avro", "json"]), default="voevent", show_default=True,
              help="Write VOEvents as XML, Avro or JSON.")  # fmt: skip
@click.option("--keep-xml", is_flag=True,
              help="With --to avro or json: keep each packet's bytes too, to have them back as they were.")  # fmt: skip
@click.option("--where", metavar="EXPR", multiple=True,
              help="Only alerts that meet this SQL condition; of several, any.")  # fmt: skip
@translation_options
@schemas_option
@schema_option
@click.option("--jobs", metavar="N", type=click.IntRange(min=1), help="Processes to use [all cores].")
@click.option("--to-version", type=click.Choice(["2.0", "2.1"]),
              help="Version of VOEvent to write [2.0 of alerts, VOEvents as they come].")  # fmt: skip
@click.option("--strict", is_flag=True, help="Refuse VOEvents among the inputs that are not valid 2.0.")
@dead_letters_option
@summary_option
def command(
    inputs: tuple[str, ...],
    out: str,
    to: str,
    keep_xml: bool,
    where: tuple[str, ...],
    mapping: str | None,
    local_ivo: str | None,
    role: str | None,
    history: str | None,
    cutouts: str | None,
    cutouts_url: str | None,
    schemas: str | None,
    default_schema: Schema | None,
    jobs: int | None,
    to_version: str | None,
    strict: bool,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Convert alert files and JSON notices to VOEvent 2.0, and VOEvents between XML, Avro and JSON.

    IN is a file (one alert or many; Avro container, wire format, gzip; a JSON notice), a folder, a tar archive,
    or - for standard input. VOEvents among them (XML, Avro or JSON) go through unchanged, or in another version with
    --to-version.

    \b
    Examples:
      voevent-bridge convert alert.avro
      voevent-bridge convert ztf_public_20240101.tar.gz -o voevents/ --where "candidate.rb >= 0.65"
      voevent-bridge convert notice.json -o voevents/ --cutouts maps/
      voevent-bridge convert voevents.tar.gz --to avro -o events.avro
    """
    from bridge.alerts.store import open_store
    from bridge.convert import Tally, convert, open_event_sink, read_inputs
    from bridge.convert.run import default_jobs
    from bridge.pipeline import Plan

    if keep_xml and to == "voevent":
        raise click.UsageError("--keep-xml goes with --to avro or --to json; XML is kept as it is anyway.")
    if as_json and out == "-":
        raise click.UsageError("--json needs -o: the events would go to standard output as well.")
    plan = Plan(
        where=where,
        mapping=mapping,
        options=translate_options(local_ivo, role, history, cutouts, cutouts_url),
        strict=strict,
        version=to_version,
    )
    store = open_store(schemas)
    batches = read_inputs(inputs, store, default_schema)
    refusals = Refusals(dead_letters)
    began = time.monotonic()
    with (
        open_event_sink(out, to, keep_xml=keep_xml) as sink,
        showing_progress("Converting") as say,
    ):

        def tell(tally: Tally) -> None:
            rate = tally.read / max(time.monotonic() - began, 1e-9)
            say(f"{tally.read:,} read, {tally.written:,} written, {tally.refused:,} refused, {rate:,.0f}/s")

        tally = convert(
            batches,
            plan,
            write=sink.write,
            write_edition=sink.write_edition,
            refuse=refusals,
            jobs=jobs or default_jobs(),
            progress=tell,
        )
    refusals.close()
    _tell_losses(tally.lost)
    seconds = time.monotonic() - began
    if as_json:
        document = {
            "read": tally.read,
            "written": tally.written,
            "dropped": tally.dropped,
            "refused": tally.refused,
            "duplicates": tally.duplicates,
            "shed": tally.shed,
            "lost": [{"ivorn": ivorn, "what": what} for ivorn, what in tally.lost],
            "bytes_in": tally.bytes_in,
            "bytes_out": tally.bytes_out,
            "seconds": round(seconds, 3),
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        dropped = f", {tally.dropped:,} dropped by the filter" if where else ""
        again = f", {tally.duplicates:,} written before" if tally.duplicates else ""
        shed = f", {tally.shed:,} shortened to fit" if tally.shed else ""
        click.echo(
            f"{tally.read:,} read, {tally.written:,} written{shed}{again}{dropped}, {tally.refused:,} refused "
            f"in {seconds:.1f} s.",
            err=True,
        )
    return 1 if tally.refused else 0


def _tell_losses(lost: list[tuple[str, tuple[str, ...]]]) -> None:
    """Say on stderr what a version could not hold, of the first packets one by one."""
    for ivorn, what in lost[:NAMED]:
        click.echo(f"Lost from {ivorn}: {' '.join(what)}", err=True)
    if len(lost) > NAMED:
        click.echo(f"Lost from {counted(len(lost) - NAMED, 'more packet')} (--json names all).", err=True)
