"""A report on a terminal: facts in two aligned columns, then the light curve, tables and notes."""

from __future__ import annotations

import io
import shutil
import sys
from typing import TextIO

import numpy as np
from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from bridge.inspect.report import Cutout, Report, Section, Table
from bridge.inspect.sketch import sketch

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
        Where to (standard output by default). Colours are used on a terminal only; characters beyond
        ASCII only where the stream's encoding is a Unicode one.
    width
        Columns to use; by default the terminal's, or 100 in a pipe.
    """
    stream = sys.stdout if stream is None else stream
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
        """Text with signs that the output cannot show replaced by ASCII ones."""
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
                self.console.print(line, no_wrap=True, crop=True)
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
        grid = RichTable.grid(padding=(0, 2, 0, 0))
        # Long names (fields of unknown alerts) get the width they need, up to half of the screen.
        width = min(max(LABEL_WIDTH, wide), self.width // 2)
        grid.add_column(width=width, style="dim", overflow="fold")
        grid.add_column(overflow="fold", max_width=max(20, self.width - width - 4))
        grid.add_row(Text(self.plain(label)), Text(self.plain(text)))
        self.console.print(Padding(grid, (0, 0, 0, 2)))

    def table(self, table: Table) -> None:
        self.heading(f"Table {table.name}".rstrip())
        if table.description:
            self.console.print(Padding(Text(self.plain(table.description)), (0, 0, 0, 2)))
        shown = RichTable(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        for column in table.columns:
            shown.add_column(Text(self.plain(column)), overflow="fold")
        for row in table.rows[:MOST_ROWS]:
            cells = [Text(self.plain(cell)) for cell in row[: len(table.columns)]]
            shown.add_row(*cells)
        self.console.print(Padding(shown, (0, 0, 0, 2)))
        more = len(table.rows) - MOST_ROWS
        if more > 0:
            self.console.print(Text(self.plain(f"  … and {more} rows more"), "dim"))


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
