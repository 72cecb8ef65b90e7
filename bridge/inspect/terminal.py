"""A report on a terminal: facts in two aligned columns, then the light curve, tables and notes."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
import textwrap
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.text import Text

from bridge.inspect.report import Cutout, Report, Section, Table
from bridge.inspect.sketch import sketch
from bridge.inspect.values import printable
from bridge.wording import counted

__all__ = ["describe_cutout", "print_report", "render_report"]

PIPE_WIDTH = 100
LABEL_WIDTH = 20
MOST_ROWS = 12
WIDEST_SKETCH = 140
ASCII_SIGNS = str.maketrans(
    {"±": "+-", "″": '"', "′": "'", "°": " deg", "σ": " sigma", "−": "-", "…": "...", "·": "-", "×": "x"}
)


def print_report(report: Report, stream: TextIO | None = None, *, width: int | None = None) -> None:
    """Print a report for a person.

    Parameters
    ----------
    report
        What to show.
    stream
        Where to (standard output by default; nowhere if that is closed). Colours are used on a
        terminal only; characters beyond ASCII only where the stream's encoding is a Unicode one.
    width
        Columns to use; by default the terminal's, or 100 in a pipe.
    """
    stream = stream or sys.stdout
    if stream is None:
        return
    is_terminal = stream.isatty()
    if width is None:
        width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if is_terminal else PIPE_WIDTH
    unicode = _speaks_unicode(stream)
    console = Console(file=stream, width=width, highlight=False)
    _Printer(console, width, unicode=unicode).report(report)


def render_report(report: Report, width: int = PIPE_WIDTH, *, unicode: bool = True) -> str:
    """A report as text without colours.

    Parameters
    ----------
    report, width
        What to show, and how wide.
    unicode
        Whether characters beyond ASCII may be used.
    """
    buffer = io.StringIO()
    console = Console(file=buffer, width=width, highlight=False, color_system=None)
    _Printer(console, width, unicode=unicode).report(report)
    return buffer.getvalue()


class _Printer:
    """A console with what it can show."""

    def __init__(self, console: Console, width: int, *, unicode: bool) -> None:
        self.console = console
        self.width = width
        self.unicode = unicode

    def plain(self, text: str) -> str:
        """Text with signs that the output cannot show, or must not obey, replaced."""
        text = printable(text)
        if self.unicode:
            return text
        return text.translate(ASCII_SIGNS).encode("ascii", "replace").decode("ascii")

    def report(self, report: Report) -> None:
        self.console.print(Text(self.plain(report.title), "bold"))
        rule = ("═" if self.unicode else "=") * min(len(report.title), self.width)
        self.console.print(Text(rule, "dim"))
        for section in report.sections:
            self.section(section)
        curve = report.light_curve
        if curve is not None and len(curve) > 1:
            self.heading("Light curve")
            for line in sketch(curve, min(self.width, WIDEST_SKETCH), unicode=self.unicode):
                self.line(line)
        for table in report.tables:
            self.table(table)
        if report.cutouts:
            self.heading("Cutouts")
            for cutout in report.cutouts:
                self.fact(cutout.name.capitalize(), describe_cutout(cutout))
        for note in report.notes:
            self.console.print()
            self.console.print(Text(self.plain(f"Note: {note}"), "italic"))

    def heading(self, title: str) -> None:
        self.console.print()
        self.console.print(Text(self.plain(title), "bold cyan"))

    def section(self, section: Section) -> None:
        visible = [fact for fact in section.facts if fact.text]
        if not visible:
            return
        self.heading(section.title)
        wide = max(len(fact.label) for fact in visible)
        for fact in visible:
            self.fact(fact.label, fact.text, wide)

    def fact(self, label: str, text: str, wide: int = 0) -> None:
        # Long names (fields of unknown alerts) get the width they need, up to half of the screen.
        left = min(max(LABEL_WIDTH, wide), self.width // 2)
        right = max(20, self.width - left - 4)
        names = textwrap.wrap(self.plain(label), left) or [""]
        values = textwrap.wrap(self.plain(text), right) or [""]
        for name, value in itertools.zip_longest(names, values, fillvalue=""):
            line = Text()
            line.append(f"  {name:<{left}}  ", "dim")
            line.append(value)
            line.rstrip()
            self.line(line)

    def line(self, line: Text) -> None:
        self.console.print(line, no_wrap=True, crop=True)

    def table(self, table: Table) -> None:
        self.heading(f"Table {table.name}".rstrip())
        if table.description:
            for line in textwrap.wrap(self.plain(table.description), self.width - 2):
                self.line(Text(f"  {line}"))
        rows = [table.columns, *(row[: len(table.columns)] for row in table.rows[:MOST_ROWS])]
        widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(len(table.columns))]
        fitting = self._fitting(widths)
        for number, row in enumerate(rows):
            cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=False)]
            text = "  ".join(cells[:fitting]).rstrip()
            self.line(Text(self.plain(f"  {text}"), "" if number else "dim"))
        hidden = [name.split(" [")[0] for name in table.columns[fitting:]]
        if hidden:
            self.line(Text(self.plain(f"  … and the columns {', '.join(hidden)}"), "dim"))
        more = len(table.rows) - MOST_ROWS
        if more > 0:
            self.line(Text(self.plain(f"  … and {counted(more, 'more row')}"), "dim"))

    def _fitting(self, widths: list[int]) -> int:
        """How many columns of these widths fit on a line."""
        room = self.width - 2
        for count, width in enumerate(widths):
            room -= width + 2 * bool(count)
            if room < 0:
                return max(1, count)
        return len(widths)


def describe_cutout(cutout: Cutout) -> str:
    """One line on a cutout: size on the detector and on the sky, or what is wrong with it."""
    image = cutout.image
    if image is None:
        return cutout.problem
    rows, columns = image.pixels.shape
    parts = [f"{columns} × {rows} pixels"]
    scale = image.arcsec_per_pixel or cutout.arcsec_per_pixel
    if scale:
        parts.append(f"{columns * scale:.0f}″ × {rows * scale:.0f}″")
    if image.unit:
        parts.append(f"in {image.unit}")
    if cutout.sense:
        parts.append(cutout.sense)
    missing = int((~np.isfinite(image.pixels)).sum())
    if missing:
        parts.append(f"{missing} pixels without a value")
    return ", ".join(parts)


def _speaks_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").startswith("utf")
