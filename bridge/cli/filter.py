"""``voevent-bridge filter``: keeps the packets that meet a condition, byte for byte."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from bridge.cli.shared import (
    Refusals,
    ending_orderly,
    kafka_option,
    schemas_option,
    showing_progress,
    until_signal,
)

if TYPE_CHECKING:
    from bridge.alerts.packet import Item
    from bridge.filters import FilterSet
    from bridge.streams import Sink

__all__ = ["command"]


@click.command("filter")
@click.option("--from", "source", metavar="URL", required=True,
              help="File, folder or tar archive of alerts, - for standard input, or kafka://host/topic.")  # fmt: skip
@click.option("--to", "target", metavar="URL", required=True,
              help="Folder, .tar, .tar.gz, .avro, - for standard output, or kafka://host/topic; with --filters a "
              "folder, in which each filter has one of its own, or the beginning of the topics' names.")  # fmt: skip
@click.option("--where", metavar="EXPR", help="SQL condition that a packet must meet.")
@click.option("--filters", "filters_file", metavar="FILE", type=click.Path(path_type=Path),
              help="TOML file with named filters ([[filter]] name = ..., where = ...).")  # fmt: skip
@click.option("--once", is_flag=True, help="From a topic: end with the messages that are there now.")
@kafka_option
@schemas_option
@click.option("--dead-letters", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
              help="Keep what is refused in this folder, with the reason.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Summary as one JSON document on standard output.")
def command(
    source: str,
    target: str,
    where: str | None,
    filters_file: Path | None,
    once: bool,
    kafka_config: str | None,
    schemas: str | None,
    dead_letters: Path | None,
    as_json: bool,
) -> int:
    """Keep the alerts that meet a condition, byte for byte as they came.

    From a Kafka topic it goes on until Ctrl-C. From topic to topic each packet is kept exactly once, and
    the same command on several machines shares the work.

    \b
    Examples:
      voevent-bridge filter --from alerts.tar.gz --to bright/ --where "candidate.magpsf < 17"
      voevent-bridge filter --from alerts/ --to kept/ --filters filters.toml
      voevent-bridge filter --from kafka://host/lsst --to kafka://host/bright --where "diaSource.snr > 20"
    """
    from bridge.convert.keep import keep_packets
    from bridge.filters import FilterSet, load_filters, parse_filter

    if (where is None) == (filters_file is None):
        raise click.UsageError("Give a condition with --where, or a file of them with --filters.")
    if as_json and target == "-":
        raise click.UsageError("--json needs a --to other than '-': the packets go to standard output.")
    filters = load_filters(filters_file) if filters_file else FilterSet([parse_filter(where or "")])
    refusals = Refusals(dead_letters)
    began = time.monotonic()
    with (
        _opened(source, target, filters, schemas, kafka_config, once) as (batches, outputs),
        showing_progress("Filtering") as say,
    ):
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


@contextmanager
def _opened(
    source: str, target: str, filters: FilterSet, schemas: str | None, kafka_config: str | None, once: bool
) -> Iterator[tuple[Iterable[Sequence[Item]], list[Sink]]]:
    from bridge.alerts.store import open_store
    from bridge.convert.inputs import open_input
    from bridge.convert.keep import open_outputs
    from bridge.streams import open_source
    from bridge.streams.kafka.url import is_kafka_url

    store = open_store(schemas)
    with ExitStack() as stack:
        if not is_kafka_url(source):
            batches: Iterable[Sequence[Item]] = open_input(source, store)
            stack.enter_context(ending_orderly())
            yield batches, stack.enter_context(open_outputs(target, filters, kafka_config=kafka_config))
            return
        stop = stack.enter_context(until_signal())
        if is_kafka_url(target):
            from bridge.convert.topics import open_topics

            yield open_topics(source, target, filters, store, kafka_config, follow=not once, stop=stop)
            return
        batches = open_source(source, store=store, follow=not once, stop=stop, kafka_config=kafka_config)
        yield batches, stack.enter_context(open_outputs(target, filters, kafka_config=kafka_config))
