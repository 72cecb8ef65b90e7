"""``voevent-bridge journal``: what a feed has published, while it runs or after."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from bridge.cli.journal_care import backup, check, compact
from bridge.cli.options import CommandGroup, OutPath, journal_option, summary_option
from bridge.cli.shared import showing_progress
from bridge.errors import SourceError, UsageError
from bridge.journal import JournalReader, Search, Summary
from bridge.journal.asking import parse_cone, parse_time
from bridge.wording import counted

__all__ = ["command"]

_ROLES = click.Choice(["observation", "prediction", "utility", "test"])

Command = Callable[..., Any]


def _selection(function: Command) -> Command:
    """Give a command the options that select events; it gets them as one `Search`."""

    @functools.wraps(function)
    def with_search(
        role: str | None,
        stream: str | None,
        ivorn: str | None,
        since: str | None,
        until: str | None,
        cone: str | None,
        **rest: Any,
    ) -> Any:
        search = Search(
            role=role,
            stream=stream,
            glob=ivorn,
            since=_time(since, "--since"),
            until=_time(until, "--until"),
            cone=None if cone is None else parse_cone(cone, "--cone"),
        )
        return function(search=search, **rest)

    command: Command = with_search
    for option in reversed(
        (
            click.option("--role", type=_ROLES, help="Only events of this role."),
            click.option("--stream", metavar="IVO", help="Only IVORNs with this part before '#'."),
            click.option(
                "--ivorn", metavar="GLOB", help="Only IVORNs like this: * any text, ? one character."
            ),
            click.option(
                "--since", metavar="TIME", help="Published since: 12h, 7d, or 2026-04-01T12:00:00Z."
            ),
            click.option("--until", metavar="TIME", help="Published before: 12h (ago), or a time."),
            click.option(
                "--cone",
                metavar="CONE",
                help="Only around a position: RA,DEC,RADIUS in degrees; the radius also as 30arcmin or 10arcsec.",
            ),
        )
    ):
        command = option(command)
    return command


@click.group(cls=CommandGroup)
def command() -> None:
    """Look into the journal of a feed, search it, and keep it safe; the feed may run meanwhile.

    \b
    Example:
      voevent-bridge journal list --since 12h
    """


for _command in (backup, check, compact):
    command.add_command(_command)


@command.command("list")
@journal_option
@_selection
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True,
              help="At most so many, the newest first.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def list_(path: str, search: Search, limit: int, as_json: bool) -> None:
    """List events, the newest first.

    \b
    Examples:
      voevent-bridge journal list
      voevent-bridge journal list --role observation --since 12h --json
      voevent-bridge journal list --cone 187.706,12.391,30arcmin
    """
    with JournalReader.open(path) as reader:
        found = reader.search(search, limit)
        counts = reader.statistics(groups=as_json)
    if as_json:
        _write_json(
            {"journal": path, "statistics": asdict(counts), "events": [_row(event) for event in found]}
        )
        return
    for event in found:
        gone = "" if event.kept else "  (packet removed)"
        click.echo(
            f"{event.seq:>8}  {_iso(event.published_at)}  {event.role:<11}  {_printable(event.ivorn)}{gone}"
        )
    click.echo(
        f"{len(found):,} of {counted(counts.events, 'event')}; {counted(counts.kept, 'packet')} kept ({counted(counts.kept_bytes, 'byte')}); "
        f"{counted(counts.duplicates, 'duplicate')}, {counted(counts.conflicts, 'conflict')}.",
        err=True,
    )


@command.command()
@journal_option
@click.argument("ivorn")
@click.option(
    "--json", "as_json", is_flag=True, help="All that is known, with the XML, as one JSON document."
)
def show(path: str, ivorn: str, as_json: bool) -> None:
    """Print the packet published under an IVORN, byte for byte.

    Of several editions (relayed events can have them) the newest is printed; --json has all.

    \b
    Example:
      voevent-bridge journal show "ivo://org.example/ztf#123"
    """
    with JournalReader.open(path) as reader:
        editions = reader.editions(ivorn)
    if not editions:
        raise SourceError(
            f"The journal {path} has no event '{_printable(ivorn)}'. 'journal list' shows what it has."
        )
    if as_json:
        _write_json([_row(event) | {"xml": None if data is None else data.decode("utf-8", "replace")}
                     for event, data in editions])  # fmt: skip
        return
    kept = [data for _, data in editions if data is not None]
    if not kept:
        when = _iso(editions[-1][0].published_at)
        raise SourceError(
            f"The packet of '{_printable(ivorn)}', published {when}, has been removed by retention."
        )
    if len(editions) > 1:
        click.echo(f"{len(editions)} editions; the newest is shown.", err=True)
    sys.stdout.buffer.write(kept[-1])


@command.command()
@journal_option
@_selection
@click.option("-o", "--output", "out", metavar="OUT", required=True, type=OutPath(),
              help="Folder (a file per event), .tar or .tar.gz.")  # fmt: skip
@summary_option
def export(path: str, search: Search, out: Path, as_json: bool) -> None:
    """Write published packets to files, byte for byte.

    An archive appears under its name only when it is whole; so does each file in a folder.

    \b
    Example:
      voevent-bridge journal export --since 7d -o last-week.tar.gz
    """
    from bridge.journal.selection import kept_events
    from bridge.streams.outlets import FolderOutlet, TarOutlet
    from bridge.voevent.naming import event_file_name

    archive = out.name.lower().endswith((".tar", ".tar.gz", ".tgz"))
    if not archive and out.exists() and not out.is_dir():
        raise UsageError(f"{out} cannot take events: name a folder, a .tar or a .tar.gz.")
    count = size = 0
    with (
        JournalReader.open(path) as reader,
        showing_progress("export") as say,
        TarOutlet(out) if archive else FolderOutlet(out) as outlet,
    ):
        for entry in kept_events(reader, search):
            outlet.put(event_file_name(entry.ivorn), entry.data)
            count += 1
            size += len(entry.data)
            say(counted(count, "event"))
    if as_json:
        _write_json({"journal": path, "output": str(out), "events": count, "bytes": size})
    else:
        click.echo(f"{counted(count, 'event')} ({counted(size, 'byte')}) written to {out}.", err=True)


def _time(text: str | None, option: str) -> float | None:
    return None if text is None else parse_time(text, option, datetime.now(UTC).timestamp())


def _iso(time_unix_s: float) -> str:
    return datetime.fromtimestamp(time_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _row(event: Summary) -> dict[str, Any]:
    return asdict(event) | {"digest": event.digest.hex(), "published_at": _iso(event.published_at)}


def _write_json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
