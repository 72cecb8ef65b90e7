"""``voevent-bridge replay``: an archive sent again, at any speed."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click
import orjson

from bridge.alerts.store import open_store
from bridge.cli.options import InFile, kafka_option, schemas_option, summary_option
from bridge.cli.shared import showing_progress, until_signal
from bridge.wording import counted

__all__ = ["command"]


class _Speed(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    name = "speed"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float | None:
        if value is None or value == "max":
            return None
        try:
            speed = float(str(value))
        except ValueError:
            speed = 0.0
        if not 0 < speed < float("inf"):
            self.fail(f"{value!r} is neither a number above 0 nor 'max'.", param, ctx)
        return speed


@click.command()
@click.argument("archives", metavar="ARCHIVE...", nargs=-1, required=True, type=InFile())
@click.option(
    "--to",
    "target",
    metavar="URL",
    required=True,
    help="kafka://host[:9092]/topic, a folder, .tar or .tar.gz.",
)
@click.option(
    "--speed",
    type=_Speed(),
    metavar="X|max",
    default="1",
    show_default=True,
    help="Times the recorded speed, or as fast as it goes.",
)
@click.option("--new-times", is_flag=True, help="Give messages the present time instead of the recorded one.")
@click.option("--count", type=click.IntRange(min=1), metavar="N", help="End after so many messages.")
@schemas_option
@kafka_option
@summary_option
def command(
    archives: tuple[Path, ...],
    target: str,
    speed: float | None,
    new_times: bool,
    count: int | None,
    schemas: str | None,
    kafka_config: str | None,
    as_json: bool,
) -> int:
    """Send archived messages again, at the speed at which they were recorded or any other.

    ARCHIVE is a folder or tar file made by `archive`, or a tar archive of alerts as ZTF publishes them, whose
    pace is that of the exposures.

    \b
    Examples:
      voevent-bridge replay archive/ --to kafka://localhost/again --speed max
      voevent-bridge replay ztf_public_20240101.tar.gz --to kafka://localhost/ztf --speed 10
    """
    from itertools import chain, islice

    from bridge.bulk.recorded import read_recorded
    from bridge.bulk.replay import Receiver, ToFiles, ToTopic, replay
    from bridge.streams.kafka.settings import load_settings
    from bridge.streams.kafka.url import is_kafka_url, parse_url
    from bridge.streams.outlets import FolderOutlet, TarOutlet

    store = open_store(schemas)
    receiver: Receiver
    if is_kafka_url(target):
        receiver = ToTopic(parse_url(target), load_settings(kafka_config), new_times=new_times)
    elif target in ("", "-"):
        raise click.UsageError("Messages go to a topic, a folder, a .tar or a .tar.gz; name one with --to.")
    else:
        is_tar = target.lower().endswith((".tar", ".tar.gz", ".tgz"))
        receiver = ToFiles(TarOutlet(Path(target)) if is_tar else FolderOutlet(Path(target)))
    messages = chain.from_iterable(read_recorded(path, store) for path in archives)
    with until_signal() as stop, showing_progress("Replaying") as say:
        done = replay(
            messages if count is None else islice(messages, count),
            receiver,
            speed,
            progress=lambda d: say(f"{counted(d.sent, 'message')}, {d.bytes / 1e6:,.1f} MB"),
            stop=stop,
        )
    if as_json:
        click.echo(orjson.dumps(asdict(done), option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(
            f"{counted(done.sent, 'message')} ({done.bytes / 1e6:,.1f} MB), recorded within {done.recorded_s:,.1f} s, "
            f"sent to {target} in {done.seconds:,.1f} s.",
            err=True,
        )
    return 0
