"""``voevent-bridge journal backup``, ``check`` and ``compact``: what keeps a journal safe over years.

Apart from the commands that look into a journal, because these are an operator's, mostly run by a timer.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from bridge.cli.options import journal_option, summary_option
from bridge.cli.shared import showing_progress
from bridge.errors import SourceError
from bridge.journal import Journal, JournalReader
from bridge.wording import counted

__all__ = ["backup", "check", "compact"]


@click.command()
@journal_option
@click.argument("target", metavar="FILE")
@summary_option
def backup(path: str, target: str, as_json: bool) -> None:
    """Copy the journal to another file while the feed runs.

    The copy is a journal, too, and holds what was published when the command began. It appears under its
    name when it is whole.

    \b
    Example:
      voevent-bridge journal backup feed-backup.journal
    """
    from bridge.journal.backup import back_up

    with showing_progress("backup") as say:
        size = back_up(path, target, lambda done, of: say(f"{done:,} of {of:,} bytes"))
    if as_json:
        _write({"journal": path, "backup": target, "bytes": size})
    else:
        click.echo(f"{counted(size, 'byte')} written to {target}.", err=True)


@click.command()
@journal_option
@click.option(
    "--json", "as_json", is_flag=True, help="What was found as one JSON document on standard output."
)
def check(path: str, as_json: bool) -> int:
    """Look through the whole journal for damage: the file, and packet by packet size and digest.

    The exit status is 1 if there is any.

    \b
    Example:
      voevent-bridge journal check
    """
    from bridge.journal.check import check_journal

    with JournalReader.open(path) as reader, showing_progress("check") as say:
        found = check_journal(reader, lambda place, last: say(f"event {place:,} of {last:,}"))
    if as_json:
        _write({"journal": path, **asdict(found)})
    for fault in found.faults:
        click.echo(fault.encode(errors="backslashreplace").decode(), err=True)
    if not found.faults and not as_json:
        click.echo(f"No damage: {counted(found.packets, 'packet')}, {found.size_bytes:,} bytes.", err=True)
    return 1 if found.faults else 0


@click.command()
@journal_option
@summary_option
def compact(path: str, as_json: bool) -> None:
    """Write the journal anew without free room; the feed must not run, and the disk needs room for both.

    Seldom needed: a feed gives free room back by itself. Only a journal that was begun before feeds did so
    has to be compacted once, if it shall shrink.

    \b
    Example:
      voevent-bridge journal compact
    """
    if not Path(path).is_file():
        raise SourceError(f"There is no journal {path}. A feed makes one when it starts; check the name.")
    with Journal.open(path) as journal, showing_progress("compact") as say:
        before = journal.space().file_bytes
        say(f"{before:,} bytes")
        journal.compact()
        after = journal.space().file_bytes
    if as_json:
        _write({"journal": path, "bytes_before": before, "bytes": after})
    else:
        click.echo(f"{before:,} bytes before, {after:,} after.", err=True)


def _write(document: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")
