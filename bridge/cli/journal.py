"""``voevent-bridge journal``: what a feed has published, while it runs or after."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from bridge.errors import SourceError, UsageError
from bridge.journal import DEFAULT_PATH, JournalReader, Summary

__all__ = ["command"]

_ROLES = click.Choice(["observation", "prediction", "utility", "test"])

Command = Callable[..., Any]


def _selection(function: Command) -> Command:
    for option in reversed(
        (
            click.option("--role", type=_ROLES, help="Only events of this role."),
            click.option("--stream", metavar="IVO", help="Only IVORNs with this part before '#'."),
            click.option(
                "--since", metavar="TIME", help="Published since: 12h, 7d, or 2026-04-01T12:00:00Z."
            ),
        )
    ):
        function = option(function)
    return function


def _journal(function: Command) -> Command:
    return click.option("--journal", "path", metavar="FILE", default=str(DEFAULT_PATH), show_default=True,
                        help="The journal's file.")(function)  # fmt: skip


@click.group()
def command() -> None:
    """Look into the journal of a feed: list, show and export what it published.

    \b
    Example:
      voevent-bridge journal list --since 12h
    """


@command.command("list")
@_journal
@_selection
@click.option("--limit", metavar="N", type=click.IntRange(min=1), default=50, show_default=True,
              help="At most so many, the newest first.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def list_(
    path: str, role: str | None, stream: str | None, since: str | None, limit: int, as_json: bool
) -> None:
    """List events, the newest first.

    \b
    Examples:
      voevent-bridge journal list
      voevent-bridge journal list --role observation --since 12h --json
    """
    with JournalReader.open(path) as reader:
        found = reader.find(role=role, stream=stream, since=_time(since), limit=limit)
        counts = reader.statistics()
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
        f"{len(found):,} of {counts.events:,} events; {counts.kept:,} packets kept ({counts.kept_bytes:,} bytes); "
        f"{counts.duplicates:,} duplicates, {counts.conflicts:,} conflicts.",
        err=True,
    )


@command.command()
@_journal
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
@_journal
@_selection
@click.option("-o", "--output", "out", metavar="OUT", required=True, type=click.Path(path_type=Path),
              help="Folder (a file per event), .tar or .tar.gz.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Summary as one JSON document on standard output.")
def export(
    path: str, role: str | None, stream: str | None, since: str | None, out: Path, as_json: bool
) -> None:
    """Write published packets to files, byte for byte.

    An archive appears under its name only when it is whole; so does each file in a folder.

    \b
    Example:
      voevent-bridge journal export --since 7d -o last-week.tar.gz
    """
    from bridge.convert.outputs import event_file_name
    from bridge.journal.selection import kept_events
    from bridge.streams.outlets import FolderOutlet, TarOutlet

    archive = out.name.lower().endswith((".tar", ".tar.gz", ".tgz"))
    if not archive and out.exists() and not out.is_dir():
        raise UsageError(f"{out} cannot take events: name a folder, a .tar or a .tar.gz.")
    count = size = 0
    with JournalReader.open(path) as reader, TarOutlet(out) if archive else FolderOutlet(out) as outlet:
        for entry in kept_events(reader, role=role, stream=stream, since=_time(since)):
            outlet.put(event_file_name(entry.ivorn), entry.data)
            count += 1
            size += len(entry.data)
    if as_json:
        _write_json({"journal": path, "output": str(out), "events": count, "bytes": size})
    else:
        click.echo(f"{count:,} events ({size:,} bytes) written to {out}.", err=True)


def _time(text: str | None) -> float | None:
    if text is None:
        return None
    from bridge.feed.config import parse_duration

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return datetime.now(UTC).timestamp() - parse_duration(text, "--since")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _iso(time_unix_s: float) -> str:
    return datetime.fromtimestamp(time_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)


def _row(event: Summary) -> dict[str, Any]:
    return asdict(event) | {"digest": event.digest.hex(), "published_at": _iso(event.published_at)}


def _write_json(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
