"""What several commands do alike: naming refused items, showing progress, ending when they are told to."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bridge.alerts.packet import Refusal

__all__ = ["NAMED", "Refusals", "print_table", "showing_progress", "until_signal"]

# So many refused items are named one by one on stderr; of the rest only the number is told.
NAMED = 20

# Columns of a table that nobody folds: longer than the longest description in a schema.
WIDEST = 4000


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


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str | None = None, right: str = ""
) -> None:
    """Print a table on standard output: folded to fit a terminal, in a pipe as wide as it has to be.

    Parameters
    ----------
    columns
        Their names.
    rows
        The cells of each, which may be what strangers wrote.
    title
        Stands above it.
    right
        Name of a column of numbers.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", title=None if title is None else Text(title))
    for name in columns:
        table.add_column(name, overflow="fold", justify="right" if name == right else "left")
    for row in rows:
        table.add_row(*(Text("".join(c if c.isprintable() else " " for c in cell)) for cell in row))
    is_pipe = sys.stdout is None or not sys.stdout.isatty()
    Console(width=WIDEST if is_pipe and "COLUMNS" not in os.environ else None).print(table)


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
