"""``voevent-bridge status``: how a running feed is, for a person, a script or a health check."""

from __future__ import annotations

import sys
from typing import Any

import click
import orjson

from bridge.web.wording import ago, iso_time, span
from bridge.wording import counted

__all__ = ["command"]


@click.command("status")
@click.argument("target", metavar="[HOST:PORT|URL]", required=False)
@click.option("--timeout", metavar="S", type=click.FloatRange(min=0.1), default=10.0, show_default=True,
              help="Seconds to wait for the answer.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="All of it as one JSON document on standard output.")
def command(target: str | None, timeout: float, as_json: bool) -> int:
    """Ask a running feed how it is; the exit status is 0 if all is well, 1 if not or if nobody answers.

    The feed needs an HTTP port (serve --http 8097). Without an address, port 8097 of this machine is asked.

    \b
    Examples:
      voevent-bridge status
      voevent-bridge status broker.example.org:8097 --json
    """
    from bridge.web.client import read_status, url_of

    status = read_status(url_of(target), timeout)
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(status, option=orjson.OPT_INDENT_2) + b"\n")
    else:
        for line in _lines(status):
            click.echo(line)
    return 0 if status["healthy"] else 1


def _lines(status: dict[str, Any]) -> list[str]:
    source, intake, journal, broadcast = (
        status[name] for name in ("source", "intake", "journal", "broadcast")
    )
    now = status["now"]
    lines = [
        "all is well" if status["healthy"] else "NOT WELL",
        *(f"  {_printable(problem)}" for problem in status["problems"]),
        f"feed       {_printable(status['local_ivo'])}, version {status['version']}, process {status['process']}, "
        f"up {span(now - status['started_at'])}",
        f"source     {_printable(source['url'] or 'none')}: {source['state']}, last item {ago(now, source['last_item_at'])}{_waiting(source)}",
        f"intake     {intake['read']:,} read, {intake['published']:,} published, {intake['dropped']:,} dropped, "
        f"{intake['refused']:,} refused, {counted(intake['duplicates'], 'duplicate')}, {counted(intake['conflicts'], 'conflict')}; "
        f"{intake['read_hz']:.1f} read and {intake['published_hz']:.1f} published a second; "
        f"last event {ago(now, intake['last_published_at'])}",
        f"journal    {counted(journal['last_seq'], 'event')}, {journal['file_bytes']:,} bytes ({journal['free_bytes']:,} free); "
        f"{journal['disk_free_bytes']:,} bytes free on its disk",
        f"broadcast  {counted(len(broadcast['subscribers']), 'subscriber')}, {broadcast['sent']:,} sent, "
        f"{broadcast['acked']:,} acknowledged, {broadcast['nacked']:,} refused; {broadcast['dropped']:,} of "
        f"{counted(broadcast['connections'], 'connection')} dropped; the slowest {counted(status['lag'], 'event')} behind",
    ]
    lines += [_subscriber(one, now) for one in broadcast["subscribers"]]
    if authors := status["receiver"]:
        lines.append(
            f"receive    {counted(authors['connected'], 'author')} connected, {authors['connections']:,} so far; "
            f"{counted(authors['accepted'], 'event')} accepted, {authors['refused']:,} refused"
        )
    return lines + [_upstream(one, now) for one in status["upstreams"]]


def _waiting(source: dict[str, Any]) -> str:
    # A feed of an older version does not tell.
    count = source.get("waiting")
    return "" if count is None else f", {counted(count, 'message')} waiting in its topics"


def _subscriber(one: dict[str, Any], now: float) -> str:
    return (
        f"  {one['address']:<22} {_printable(one['ivo'] or '-')}: {one['sent']:,} sent ({one['sent_bytes']:,} bytes), "
        f"{one['acked']:,} acknowledged, {one['lag']:,} behind, last acknowledgement {ago(now, one['last_acked_at'])}, "
        f"since {iso_time(one['connected_at'])}"
    )


def _upstream(one: dict[str, Any], now: float) -> str:
    state = "connected" if one["connected"] else "NOT connected"
    if one["broker_ivo"]:
        state += f" to {_printable(one['broker_ivo'])}"
    return (
        f"upstream   {_printable(one['url'])}: {state}; {one['received']:,} received, "
        f"{one['published']:,} published, {counted(one['duplicates'], 'duplicate')}, {one['refused']:,} refused; "
        f"last heard {ago(now, one['last_heard_at'])}"
    )


def _printable(text: str) -> str:
    # Identifiers are what strangers call themselves.
    return text if text.isprintable() else ascii(text)
