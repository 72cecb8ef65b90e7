"""``voevent-bridge subscribe``: listens to a broker."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from bridge.cli.options import tls_options
from bridge.wording import counted

if TYPE_CHECKING:
    from bridge.client.received import ReceivedEvent

__all__ = ["command"]

# Most events whose files wait for the disk together.
TOGETHER = 1000


@click.command("subscribe")
@click.argument("broker", metavar="HOST[:PORT]")
@click.option("-o", "--output", "folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Keep each event as a file, named from its IVORN.")  # fmt: skip
@click.option("--xpath", "filters", metavar="EXPR", multiple=True,
              help="Only events that meet this XPath, which the broker evaluates; of several, any.")  # fmt: skip
@click.option("--since", metavar="WHEN",
              help="From where to begin: 12h, a time (UTC), seq:N, or the IVORN of the last event.")  # fmt: skip
@click.option("--exec", "command_line", metavar="CMD",
              help="Run this for each event, with the packet on standard input.")  # fmt: skip
@click.option("--print", "as_xml", is_flag=True, help="Packets on standard output.")
@click.option("--json", "as_json", is_flag=True, help="A line of JSON per event on standard output.")
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="End after so many events.")
@click.option("--timeout", metavar="S", type=click.FloatRange(min=0.1),
              help="End when nothing has come for so many seconds.")  # fmt: skip
@click.option(
    "--local-ivo", metavar="IVO", help="Who we are; a broker that remembers us sends what we missed."
)
@click.option("--ack", type=click.Choice(["handled", "received"]), default="handled", show_default=True,
              help="When an event is acknowledged: after all that is asked for here was done, or at once.")  # fmt: skip
@tls_options
def command(
    broker: str,
    folder: Path | None,
    filters: tuple[str, ...],
    since: str | None,
    command_line: str | None,
    as_xml: bool,
    as_json: bool,
    count: int | None,
    timeout: float | None,
    local_ivo: str | None,
    ack: str,
    **tls: Any,
) -> int:
    """Listen to any VTP broker until Ctrl-C; reconnects by itself.

    Without -o, --exec, --print or --json, events are listed. The exit status is 1 if a command failed, or if
    --timeout ended it before --count was reached, or before the broker had said anything.

    \b
    Examples:
      voevent-bridge subscribe broker.example.org -o events/ --local-ivo ivo://your.observatory/robot
      voevent-bridge subscribe localhost --since 12h --xpath "//Param[@name='magpsf' and @value < 18]" --print
    """
    from bridge.cli.shared import until_signal
    from bridge.client.handler import CommandHandler
    from bridge.client.saving import EventFolder
    from bridge.client.subscribe import subscribe
    from bridge.errors import SourceError

    if as_xml and as_json:
        raise click.UsageError("--print and --json both want standard output; take one of them.")
    handler = CommandHandler(command_line) if command_line is not None else None
    keep = EventFolder(folder) if folder is not None else None
    quiet = keep is not None or handler is not None
    received = failed = 0
    with (
        until_signal() as asked,
        subscribe(
            broker, local_ivo=local_ivo, filters=filters, since=since, timeout_s=timeout,
            ack_at_once=ack == "received", stop=asked, **tls,
        ) as subscription,
    ):  # fmt: skip
        for first in subscription:
            events = [first]
            # Files wait for the disk together; a program gets its event at once, and is not run for a second
            # one before the first is acknowledged.
            if handler is None:
                most = TOGETHER if count is None else min(TOGETHER, count - received)
                events += subscription.also_waiting(most - 1)
            files = keep.save(events) if keep is not None else [None] * len(events)
            for event, file in zip(events, files, strict=True):
                received += 1
                if as_xml:
                    sys.stdout.buffer.write(event.xml if event.xml.endswith(b"\n") else event.xml + b"\n")
                elif as_json:
                    sys.stdout.buffer.write(_line(event, file))
                elif not quiet:
                    sys.stdout.buffer.write(
                        f"{_iso(event.received_at)}  {event.role:<11}  {_safe(event.ivorn)}\n".encode()
                    )
            sys.stdout.buffer.flush()
            if handler is not None:
                try:
                    handler(first)
                except SourceError as error:
                    failed += 1
                    click.echo(f"{_safe(first.ivorn)}: {error}", err=True)
                    if asked():
                        # Perhaps ended by the same hand as we are: not acknowledged, so it comes again.
                        break
            if received == count:
                subscription.acknowledge()
                break
        trouble, heard = subscription.trouble or "", subscription.heard
    failures = f", {counted(failed, 'command')} failed" if failed else ""
    click.echo(f"{counted(received, 'event')} received{failures}.", err=True)
    if not heard:
        click.echo(
            f"The broker {broker} was never heard: {trouble}{'' if trouble.endswith('?') else '.'}", err=True
        )
    short = not asked() and (not heard or (count is not None and received < count))
    return 1 if failed or short else 0


def _line(event: ReceivedEvent, file: Path | None) -> bytes:
    return orjson.dumps(
        {
            "ivorn": event.ivorn,
            "role": event.role,
            "bytes": len(event.xml),
            "broker": event.broker,
            "received_at": event.received_at,
            "file": None if file is None else str(file),
        },
        option=orjson.OPT_APPEND_NEWLINE,
    )


def _iso(time_unix_s: float) -> str:
    return datetime.fromtimestamp(time_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _safe(text: str) -> str:
    # Identifiers are what strangers write.
    return text if text.isprintable() else ascii(text)
