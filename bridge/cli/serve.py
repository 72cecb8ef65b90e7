"""``voevent-bridge serve``: the feed, alerts in, VOEvents out over VTP."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import click

from bridge.cli.options import InFile, kafka_option, schemas_option, translation_options

__all__ = ["command"]


@click.command("serve")
@click.argument("config", required=False, type=InFile())
@click.option("--from", "source", metavar="URL",
              help="Folder (followed), file, tar archive, - for standard input, kafka://host/topic, or vtp://host.")  # fmt: skip
@kafka_option
@click.option("--start", type=click.Choice(["earliest", "latest"]),
              help="Where topics begin that the journal does not know [latest; earliest with --once].")  # fmt: skip
@click.option("--where", metavar="EXPR", multiple=True,
              help="Only alerts that meet this SQL condition; of several, any.")  # fmt: skip
@click.option("--filters", metavar="FILE", help="TOML file with named filters.")
@translation_options
@schemas_option
@click.option(
    "--broadcast", "port", metavar="PORT", type=int, help="Port for subscribers [8099; 0: a free one]."
)
@click.option("--receive", "receive_port", metavar="PORT", type=int,
              help="Port for authors [none; VTP's is 8098; 0: a free one].")  # fmt: skip
@click.option("--upstream", "upstreams", metavar="HOST[:PORT]", multiple=True,
              help="VTP broker whose events are relayed; may be given often [port 8099].")  # fmt: skip
@click.option("--interface", metavar="ADDRESS", help="Address to listen on [all of IPv4; :: for both].")
@click.option("--newcomers", metavar="now|start|DURATION",
              help="From where a subscriber that the journal does not know is served [now]; e.g. 12h.")  # fmt: skip
@click.option("--journal", metavar="FILE", help="The journal's file [voevent-bridge.journal].")
@click.option("--http", "http_port", metavar="PORT", type=int,
              help="Port of the web page, and of /health, /status, /metrics [none; 0: a free one].")  # fmt: skip
@click.option("--retention", metavar="DURATION", help="How long the journal keeps packets [7d].")
@click.option("--dead-letters", metavar="DIR", help="Folder for what is refused [beside the journal].")
@click.option("--follow/--no-follow", default=None, help="Wait for new files in a folder [yes].")
@click.option("--once", is_flag=True, default=None,
              help="End when the source has ended and every connected subscriber has acknowledged all.")  # fmt: skip
@click.option("--strict", is_flag=True, default=None, help="Refuse VOEvents that are not valid 2.0.")
@click.option(
    "--log-format", type=click.Choice(["text", "json"]), help="How to log, on standard error [text]."
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="[info]")
def command(config: Path | None, **flags: object) -> int:
    """Run the feed until SIGTERM or Ctrl-C; SIGHUP has it read CONFIG again.

    CONFIG is a TOML file; flags go over what it says. Without it, flags are enough.

    \b
    Examples:
      voevent-bridge serve --from alerts/ --where "candidate.rb >= 0.65"
      voevent-bridge serve feed.toml --newcomers 12h
    """
    from bridge.feed import Reloader, load_config, serve
    from bridge.feed.logs import start_logging

    given = {_KEYS[name]: value for name, value in flags.items()}
    settings = load_config(config, given)
    if config is None and not (settings.source or settings.receive or settings.upstreams):
        raise click.UsageError(
            "Say where events come from: --from URL, --upstream HOST, --receive PORT, or a configuration file."
        )
    if settings.once and settings.source is None and (settings.receive or settings.upstreams):
        raise click.UsageError("--once needs a source that ends; authors and upstream brokers have no end.")
    start_logging(settings.log_format, settings.log_level)
    counts = serve(
        settings,
        ready=lambda port: click.echo(f"Ready on port {port}.", err=True),
        reloader=Reloader(config, given) if config is not None else None,
    )
    status = 1 if counts.refused or counts.conflicts else 0
    if any(thread.name == "intake" for thread in threading.enumerate()):
        # It waits for standard input, which cannot be broken off, and the interpreter would stumble over it.
        sys.stderr.flush()
        os._exit(status)
    return status


_KEYS = {
    "source": "feed.from",
    "kafka_config": "feed.kafka_config",
    "start": "feed.start",
    "where": "feed.where",
    "filters": "feed.filters",
    "mapping": "feed.mapping",
    "local_ivo": "feed.local_ivo",
    "role": "feed.role",
    "history": "feed.history",
    "cutouts": "feed.cutouts",
    "cutouts_url": "feed.cutouts_url",
    "schemas": "feed.schemas",
    "port": "broadcast.port",
    "receive_port": "receive.port",
    "upstreams": "upstreams",
    "interface": "broadcast.interface",
    "newcomers": "broadcast.newcomers",
    "journal": "journal.file",
    "retention": "journal.retention",
    "http_port": "http.port",
    "dead_letters": "feed.dead_letters",
    "follow": "feed.follow",
    "once": "once",
    "strict": "feed.strict",
    "log_format": "log.format",
    "log_level": "log.level",
}
