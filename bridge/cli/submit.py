"""``voevent-bridge submit``: sends VOEvents to a broker as their author."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import click
import orjson

from bridge.cli.options import tls_options

__all__ = ["command"]

# So many that were not accepted are named one by one on stderr.
NAMED = 20


@click.command("submit")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--to", "address", metavar="HOST[:PORT]", required=True, help="The broker [port 8098].")
@click.option("--timeout", metavar="S", type=click.FloatRange(min=0.1), default=30.0, show_default=True,
              help="Seconds to wait for the connection and for each answer.")  # fmt: skip
@click.option("--one-by-one", is_flag=True, default=None,
              help="A connection for each event, without finding out whether the broker takes more.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="What became of each event, as one JSON document.")
@tls_options
def command(
    files: tuple[str, ...], address: str, timeout: float, one_by_one: bool | None, as_json: bool, **tls: Any
) -> int:
    """Send VOEvents to any VTP broker, byte for byte, and say what became of each.

    FILE is an XML file, a folder, a tar archive, or - for standard input. The exit status is 0 if the broker
    has acknowledged all.

    \b
    Examples:
      voevent-bridge submit event.xml --to broker.example.org
      voevent-bridge submit night.tar.gz --to localhost:8098 --json
    """
    from bridge.alerts.archive import read_path
    from bridge.alerts.packet import Document, Origin, Refusal
    from bridge.alerts.store import SchemaStore
    from bridge.cli.shared import Refusals, showing_progress
    from bridge.client.submit import Submitted, submit
    from bridge.pipeline.pipeline import refused

    refusals = Refusals(None)
    origins: list[Origin] = []

    def packets() -> Iterator[bytes]:
        store = SchemaStore()
        for file in files:
            for item in read_path(file, store):
                if isinstance(item, Document) and item.kind == "voevent":
                    origins.append(item.origin)
                    yield item.data
                elif isinstance(item, Refusal):
                    refusals(item)
                else:
                    refusals(refused(item, "it is no VOEvent in XML, and brokers take nothing else"))

    counts: Counter[str] = Counter()
    told: list[tuple[Origin, Submitted]] = []
    began = time.monotonic()
    with showing_progress("Sending") as say:
        for each in submit(packets(), address, timeout_s=timeout, one_by_one=one_by_one, **tls):
            counts[each.outcome] += 1
            origin = origins[each.index]
            if as_json:
                told.append((origin, each))
            failed = sum(counts.values()) - counts["accepted"]
            if each.outcome != "accepted" and failed <= NAMED:
                click.echo(
                    _printable(f"{origin}: {each.ivorn or 'no ivorn'}: {each.outcome}: {each.reason}"),
                    err=True,
                )
            say(f"{counts['accepted']:,} accepted, {failed:,} not")
    refusals.close()
    seconds = time.monotonic() - began
    failed = sum(counts.values()) - counts["accepted"]
    if failed > NAMED:
        click.echo(f"{failed - NAMED:,} more were not accepted.", err=True)
    if as_json:
        document = {
            "to": address,
            **{name: counts[name] for name in ("accepted", "refused", "unanswered", "unsent")},
            "unusable": refusals.count,
            "seconds": round(seconds, 3),
            "events": [
                {
                    "file": _printable(str(origin)),
                    "ivorn": each.ivorn,
                    "outcome": each.outcome,
                    "reason": each.reason,
                }
                for origin, each in told
            ],
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
    else:
        parts = [
            f"{counts[name]:,} {name}"
            for name in ("accepted", "refused", "unanswered", "unsent")
            if counts[name]
        ]
        if refusals.count:
            parts.append(f"{refusals.count:,} unusable")
        click.echo(f"{', '.join(parts) or 'Nothing to send'} in {seconds:.1f} s.", err=True)
    return 1 if failed or refusals.count or not origins else 0


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
