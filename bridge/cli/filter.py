"""``voevent-bridge filter``: keeps the packets that meet a condition, byte for byte."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson

from bridge.cli.options import InFile, kafka_option, schemas_option, summary_option
from bridge.cli.shared import Refusals, showing_progress, until_signal
from bridge.streams.kafka.url import is_kafka_url, parse_url

if TYPE_CHECKING:
    from bridge.convert.keep import Kept
    from bridge.convert.topic_job import TopicJob
    from bridge.filters import FilterSet

__all__ = ["command"]


@click.command("filter")
@click.option("--from", "source", metavar="URL", required=True,
              help="File, folder or tar archive of alerts, - for standard input, or kafka://host/topic.")  # fmt: skip
@click.option("--to", "target", metavar="URL", required=True,
              help="Folder, .tar, .tar.gz, .avro, - for standard output, or kafka://host/topic; with --filters "
              "a folder or topic, below which each filter has one of its own, unless --any.")  # fmt: skip
@click.option("--where", metavar="EXPR", help="SQL condition that a packet must meet.")
@click.option("--filters", "filters_file", metavar="FILE", type=InFile(),
              help="TOML file with named filters ([[filter]] name = ..., where = ...).")  # fmt: skip
@click.option(
    "--any",
    "together",
    is_flag=True,
    help="One output for all filters of the file: what meets any goes there once; caps are left to a later run.",
)
@schemas_option
@kafka_option
@click.option("--to-kafka-config", metavar="FILE|PRESET",
              help="The same for the Kafka client that writes [--kafka-config].")  # fmt: skip
@click.option("--start", type=click.Choice(["earliest", "latest"]),
              help="Where a topic begins of which the group has no position [latest; earliest with --once].")  # fmt: skip
@click.option("--group", metavar="NAME",
              help="Consumer group whose members share the topic's partitions [by the target's topic].")  # fmt: skip
@click.option("--instance", metavar="NAME",
              help="Name of this process in its group, the same in every run [host and number].")  # fmt: skip
@click.option("--at-least-once", is_flag=True,
              help="No transactions: faster, but after a crash alerts may come twice.")  # fmt: skip
@click.option("--once", is_flag=True, help="End with what is in the topic now.")
@click.option(
    "--dead-letters", metavar="DIR|URL", help="Folder or topic for what is refused, with the reason."
)
@click.option("--strict", is_flag=True,
              help="Refuse VOEvents that meet a condition and are not valid 2.0, with all findings.")  # fmt: skip
@summary_option
def command(
    source: str,
    target: str,
    where: str | None,
    filters_file: Path | None,
    together: bool,
    schemas: str | None,
    kafka_config: str | None,
    to_kafka_config: str | None,
    start: str | None,
    group: str | None,
    instance: str | None,
    at_least_once: bool,
    once: bool,
    dead_letters: str | None,
    strict: bool,
    as_json: bool,
) -> int:
    """Keep the alerts, VOEvents and JSON notices that meet a condition, byte for byte as they came.

    \b
    Examples:
      voevent-bridge filter --from alerts.tar.gz --to bright/ --where "candidate.magpsf < 17"
      voevent-bridge filter --from alerts/ --to kept/ --filters filters.toml
      voevent-bridge filter --from kafka://host/ztf --to kafka://host/bright --where "candidate.magpsf < 17"
    """
    from bridge.alerts.store import open_store
    from bridge.filters import FilterSet, Together, load_filters, parse_filter

    if (where is None) == (filters_file is None):
        raise click.UsageError("Give a condition with --where, or a file of them with --filters.")
    if together and filters_file is None:
        raise click.UsageError("--any is for the filters of a file, named with --filters.")
    if as_json and target == "-":
        raise click.UsageError("--json needs a --to other than '-': the packets go to standard output.")
    filters = load_filters(filters_file) if filters_file else FilterSet([parse_filter(where or "")])
    if together:
        filters = Together(filters)
    dead_topic = dead_letters if dead_letters and is_kafka_url(dead_letters) else None
    refusals = Refusals(Path(dead_letters) if dead_letters and not dead_topic else None)
    store = open_store(schemas)
    began = time.monotonic()
    if is_kafka_url(source) and (is_kafka_url(target) or group):
        from bridge.convert.topic_job import TopicJob, default_group
        from bridge.streams.kafka.settings import load_settings

        settings = load_settings(kafka_config).starting(start)
        job = TopicJob(
            source=parse_url(source),
            settings=settings,
            target=target,
            target_settings=load_settings(to_kafka_config) if to_kafka_config else settings,
            filters=filters,
            store=store,
            group=group or settings.values.get("group.id") or settings.group_prefix + default_group(target),
            instance=instance or "",
            exactly_once=is_kafka_url(target) and not at_least_once,
            until_end=once,
            strict=strict,
            dead_letters=parse_url(dead_topic) if dead_topic else None,
        )
        kept = _filter_topics(job, refusals)
    else:
        if group or instance or at_least_once or dead_topic:
            raise click.UsageError(
                "--group, --instance, --at-least-once and a topic for dead letters are for filters that read Kafka "
                "topics, and write topics or, with --group, folders."
            )
        from bridge.convert.inputs import open_input
        from bridge.convert.keep import keep_packets, open_outputs
        from bridge.streams import open_source

        with ExitStack() as stack:
            if is_kafka_url(source):
                stop = stack.enter_context(until_signal())
                batches = open_source(
                    source,
                    store=store,
                    follow=not once,
                    kafka_config=kafka_config,
                    start=start,
                    stop=stop,
                )
            else:
                batches = open_input(source, store)
            outputs = stack.enter_context(
                open_outputs(target, filters, kafka_config=to_kafka_config or kafka_config)
            )
            say = stack.enter_context(showing_progress("Filtering"))
            kept = keep_packets(
                batches,
                filters,
                outputs,
                refuse=refusals,
                progress=lambda n, k: say(f"{n:,} read, {k:,} kept"),
                is_live=is_kafka_url(source),
                strict=strict,
            )
    refusals.close()
    _summarise(kept, filters, refusals.count, round(time.monotonic() - began, 3), as_json=as_json)
    return 1 if refusals.count else 0


def _filter_topics(job: TopicJob, refuse: Callable[..., None]) -> Kept:
    from bridge.convert.topic_job import filter_topics
    from bridge.feed.logs import start_logging

    start_logging("text", "info")
    with until_signal() as stop, showing_progress("Filtering") as say:
        return filter_topics(
            job,
            refuse=refuse,
            stop=stop,
            progress=lambda kept: say(f"{kept.read:,} read, {kept.kept:,} kept"),
        )


def _summarise(kept: Kept, filters: FilterSet, refused: int, seconds: float, *, as_json: bool) -> None:
    capped, late = (dict(zip(filters.names, numbers, strict=False)) for numbers in (kept.capped, kept.late))
    if as_json:
        document = {
            "read": kept.read,
            "kept": kept.kept,
            "refused": refused,
            "by_filter": dict(zip(filters.names, kept.by_filter, strict=True)),
            **({"capped": capped, "late": late} if capped else {}),
            "seconds": seconds,
        }
        click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode())
        return
    for index, (name, count) in enumerate(zip(filters.names, kept.by_filter, strict=True)):
        if name:
            cap = f", {capped[name]:,} beyond the cap, {late[name]:,} late" if filters.caps[index] else ""
            click.echo(f"{name}: {count:,} kept{cap}", err=True)
    click.echo(
        f"{kept.read:,} read, {kept.kept:,} kept, {refused:,} refused in {seconds:.1f} s.",
        err=True,
    )
