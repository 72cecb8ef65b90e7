"""What several commands share: options, progress, and how refused items are named."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from bridge.alerts.packet import Refusal
    from bridge.mapping import TranslateOptions

__all__ = [
    "NAMED",
    "Refusals",
    "ending_orderly",
    "kafka_option",
    "schemas_option",
    "showing_progress",
    "tls_options",
    "translate_options",
    "translation_options",
    "until_signal",
]

Command = Callable[..., Any]

# So many refused items are named one by one on stderr; of the rest only the number is told.
NAMED = 20

schemas_option = click.option(
    "--schemas", metavar="DIR|URL", help="Folder or registry that knows the schemas of the wire format."
)

kafka_option = click.option(
    "--kafka-config", metavar="FILE|PRESET",
    help="Settings and credentials of the Kafka client; presets: ztf, lsst, fink, lasair, antares, gcn, hopskotch.",
)  # fmt: skip


def tls_options(command: Command) -> Command:
    """Options of a command that connects to a broker; they come as ``tls``, ``tls_ca``, and so on."""
    for option in reversed(
        (
            click.option(
                "--tls",
                is_flag=True,
                default=None,
                help="The connection is encrypted; also with any of the next three.",
            ),
            click.option(
                "--tls-ca",
                metavar="FILE",
                help="PEM file with the authorities by which the broker is trusted [the system's].",
            ),
            click.option(
                "--tls-certificate",
                "--tls-cert",
                "tls_certificate",
                metavar="FILE",
                help="PEM file with the certificate by which we prove ourselves.",
            ),
            click.option("--tls-key", metavar="FILE", help="PEM file with its private key [the same file]."),
        )
    ):
        command = option(command)
    return command


def translation_options(command: Command) -> Command:
    """Options of a command that makes VOEvents of alerts and notices."""
    for option in reversed(
        (
            click.option(
                "--mapping",
                metavar="NAME|FILE",
                help="Mapping for all alerts or notices (default: by their schema).",
            ),
            click.option(
                "--local-ivo", metavar="IVO", help="Author of the events; their IVORNs begin with it."
            ),
            click.option(
                "--role",
                type=click.Choice(["observation", "prediction", "utility", "test"]),
                help="Role of the events (default: the mapping's).",
            ),
            click.option(
                "--history", metavar="all|none|N", help="How much of the light curve goes in [all]."
            ),
            click.option(
                "--cutouts",
                metavar="omit|embed|DIR|URL",
                help="Images, sky maps: left out, inside as base64, or referred to in a folder or by URL [omit].",
            ),
            click.option(
                "--cutouts-url",
                metavar="URL",
                help="Where the folder of --cutouts is published, for references.",
            ),
        )
    ):
        command = option(command)
    return command


def translate_options(
    local_ivo: str | None,
    role: str | None,
    history: str | None,
    cutouts: str | None,
    cutouts_url: str | None = None,
) -> TranslateOptions:
    """The options given, over the defaults.

    Raises
    ------
    UsageError
        If one has no such value.
    """
    from bridge.mapping import TranslateOptions

    given: dict[str, Any] = {"local_ivo": local_ivo, "role": role, "cutouts_url": cutouts_url}
    if history is not None:
        given["history"] = int(history) if history.isdecimal() and history.isascii() else history
    if cutouts is not None:
        by_name = cutouts in ("omit", "embed") or "://" in cutouts
        given["cutouts"] = cutouts if by_name else Path(cutouts)
    return TranslateOptions(**{key: value for key, value in given.items() if value is not None})


class Refusals:
    """Names refused items on stderr, keeps them in a dead-letter folder where one is given, and counts."""

    def __init__(self, folder: Path | None) -> None:
        from bridge.pipeline.deadletters import DeadLetters

        self.count = 0
        self._dead_letters = DeadLetters(folder) if folder is not None else None

    def __call__(self, refusal: Refusal) -> None:
        self.count += 1
        if self._dead_letters is not None:
            self._dead_letters.keep(refusal)
        if self.count <= NAMED:
            end = "" if refusal.reason.endswith((".", ".)")) else "."
            line = f"Refused {refusal.origin}: {refusal.reason}{end}"
            click.echo(line.encode(errors="backslashreplace").decode(), err=True)

    def close(self) -> None:
        """Say how many more there were than were named."""
        if self.count > NAMED:
            click.echo(f"Refused {self.count - NAMED} more.", err=True)


@contextmanager
def ending_orderly() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does: what is half-written is removed on the way out."""

    def end(_number: int, _frame: object) -> NoReturn:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def until_signal() -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C or SIGTERM end work that has no end of its own; a second one breaks it off.

    Yields a function that says whether to end.
    """
    asked = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def end(_number: int, _frame: object) -> None:
        asked.set()
        for number in numbers:
            signal.signal(number, before[number])

    for number in numbers:
        signal.signal(number, end)
    try:
        yield asked.is_set
    finally:
        for number in numbers:
            signal.signal(number, before[number])


@contextmanager
def showing_progress(title: str) -> Iterator[Callable[[str], None]]:
    """A line on stderr that lives while work is done; nothing where stderr is no terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda _: None
        return
    # Loaded late, because most runs of scripts and services never show it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(20),
        TextColumn("{task.fields[said]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, said="")
        yield lambda said: progress.update(task, said=said)
