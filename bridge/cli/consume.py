"""``voevent-bridge consume``: messages of a Kafka topic on the terminal and into folders."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click
import orjson

from bridge.alerts.schema import Schema
from bridge.alerts.store import open_store
from bridge.cli.options import (
    OutPath,
    dead_letters_option,
    kafka_option,
    once_option,
    schema_option,
    schemas_option,
)
from bridge.cli.shared import Refusals, until_signal
from bridge.wording import counted

__all__ = ["command"]


@click.command()
@click.argument("url", metavar="URL")
@click.option(
    "-o",
    "--output",
    metavar="DIR",
    type=OutPath(),
    help="Save each packet in this folder, .tar or .tar.gz.",
)
@click.option(
    "--stamps",
    metavar="DIR",
    type=OutPath(file_okay=False),
    help="Save the cutouts (FITS, as they are) in this folder.",
)
@click.option(
    "--every",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Print one alert of N.",
)
@click.option("--quiet", is_flag=True, help="Print no alerts.")
@click.option("--no-decode", is_flag=True, help="Do not look into messages: place, time, kind and size only.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many messages.")
@once_option
@click.option(
    "--start",
    type=click.Choice(["earliest", "latest"]),
    help="Where to begin [latest; with --once earliest].",
)
@click.option("--group", metavar="NAME", help="Read in this consumer group, from its commits.")
@schemas_option
@schema_option
@kafka_option
@dead_letters_option
@click.option(
    "--json", "as_json", is_flag=True, help="A JSON line for each alert printed, and one for the summary."
)
def command(
    url: str,
    output: Path | None,
    stamps: Path | None,
    every: int,
    quiet: bool,
    no_decode: bool,
    count: int | None,
    once: bool,
    start: str | None,
    group: str | None,
    schemas: str | None,
    default_schema: Schema | None,
    kafka_config: str | None,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Print the alerts of a Kafka topic as they come, and save them or their cutouts.

    \b
    Examples:
      voevent-bridge consume kafka://localhost/ztf --every 100
      voevent-bridge consume kafka://localhost/ztf --once -o alerts/ --stamps stamps/
    """
    from bridge.bulk.consume import Consumer, describe_message, message_line
    from bridge.bulk.glance import Glance
    from bridge.bulk.raw import Message, open_messages
    from bridge.streams.outlets import FolderOutlet, TarOutlet

    if no_decode and stamps is not None:
        raise click.UsageError("--stamps needs to look into the messages; leave --no-decode out.")

    def show(message: Message, seen: Glance | None) -> None:
        if as_json:
            click.echo(orjson.dumps(describe_message(message, seen)))
        else:
            click.echo(message_line(message, seen))

    refusals = Refusals(dead_letters)
    with until_signal() as stop, ExitStack() as stack:
        source = open_messages(
            url, kafka_config=kafka_config, group=group, start=start, follow=not once, stop=stop
        )
        # What a group has been told of is not read again.
        durable = "group.id" in source.settings.values
        is_tar = output is not None and output.name.lower().endswith((".tar", ".tar.gz", ".tgz"))
        packets: FolderOutlet | TarOutlet | None = None
        if output is not None:
            packets = (
                stack.enter_context(TarOutlet(output))
                if is_tar
                else stack.enter_context(FolderOutlet(output, durable=durable))
            )
        consumer = Consumer(
            open_store(schemas),
            None if quiet else show,
            refusals,
            default_schema,
            every,
            not no_decode,
            packets,
            None if stamps is None else stack.enter_context(FolderOutlet(stamps, durable=durable)),
        )
        for messages, _ in source.batches():
            consumer.take(messages if count is None else messages[: count - consumer.done.messages])
            if consumer.done.messages == count:
                break
    refusals.close()
    done = consumer.done
    if as_json:
        click.echo(orjson.dumps({"summary": asdict(done)}))
    else:
        what = [counted(done.saved, "packet")] if output else []
        what += [counted(done.stamps, "cutout")] if stamps else []
        saved = f", {' and '.join(what)} saved" if what else ""
        click.echo(
            f"{counted(done.messages, 'message')} ({done.bytes / 1e6:,.1f} MB) read{saved}, "
            f"{done.unreadable:,} could not be decoded.",
            err=True,
        )
    return 1 if done.unreadable else 0
