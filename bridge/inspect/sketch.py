"""A light curve drawn with characters, for a terminal or a pipe of any width, in Unicode or plain ASCII.

Detections are one sign per character cell, so that bands are told apart; forced photometry, which is
dense, is dots of braille (two by four in a cell). Brighter is up, in magnitudes as in fluxes.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy as np
from rich.text import Text

from bridge.inspect.curve import LightCurve, Role
from bridge.inspect.marks import HOLLOW, mark_of
from bridge.inspect.values import printable

__all__ = ["sketch"]

BRAILLE = 0x2800
# Bit of the dot in column 0..1 and row 0..3 of a braille cell (Unicode 15, chapter 21.1).
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
AXIS_WIDTH = 10
RIGHT_MARGIN = 6
DRAWN_LAST: tuple[Role, ...] = ("limit", "detection")


class _Cell(NamedTuple):
    sign: str
    style: str


class _Signs(NamedTuple):
    limit: str
    now: str
    vertical: str
    horizontal: str
    corner: str
    tick: str
    zero: str


UNICODE = _Signs("▽", "◄ now", "│", "─", "└", "┴", "┄")
ASCII = _Signs("v", "< now", "|", "-", "+", "+", ".")


def sketch(curve: LightCurve, width: int = 80, height: int = 16, *, unicode: bool = True) -> list[Text]:
    """Draw a light curve.

    Parameters
    ----------
    curve
        What to draw.
    width
        Width of the whole drawing in characters; at least 40 are used.
    height
        Height of the area for points in lines; at least 5 are used.
    unicode
        Whether the output can show more than ASCII.

    Returns
    -------
    list of rich.text.Text
        Lines from top to bottom: the drawing, the axis of days before and after the alert, the legend.
    """
    signs = UNICODE if unicode else ASCII
    columns = max(width, 40) - AXIS_WIDTH - RIGHT_MARGIN
    rows = max(height, 5)
    low, high = curve.window()
    days = curve.mjd - curve.reference_mjd
    first, last = _time_window(days)
    x = (days - first) / (last - first)
    y = (curve.value - low) / (high - low)
    if curve.is_magnitude:
        y = 1 - y
    grid: list[list[_Cell | None]] = [[None] * columns for _ in range(rows)]
    if not curve.is_magnitude and low < 0 < high:
        zero_row = _place(high / (high - low), rows)
        grid[zero_row] = [_Cell(signs.zero, "dim")] * columns
    _draw_forced(grid, curve, x, y, unicode=unicode)
    _draw_signs(grid, curve, x, y, signs, unicode=unicode)
    now_row = None if curve.current is None else _place(1 - float(y[curve.current]), rows)
    lines = _frame(grid, _labels(low, high, rows, upside_down=curve.is_magnitude), now_row, signs)
    lines += _time_axis(columns, first, last, signs)
    lines += _legend(curve, signs, max(width, 40), unicode=unicode)
    outside = int(((y < 0) | (y > 1)).sum())
    if outside:
        lines.append(
            Text(f"{'':{AXIS_WIDTH}}{outside} of {len(curve)} points lie outside this drawing", "dim")
        )
    return lines


def _time_window(days: np.ndarray) -> tuple[float, float]:
    first, last = float(days.min()), float(days.max())
    pad = 0.01 * (last - first) or 0.5
    return first - pad, last + pad


def _place(fraction: float, cells: int) -> int:
    return min(cells - 1, max(0, int(fraction * cells)))


def _draw_forced(
    grid: list[list[_Cell | None]], curve: LightCurve, x: np.ndarray, y: np.ndarray, *, unicode: bool
) -> None:
    rows, columns = len(grid), len(grid[0])
    dots: dict[tuple[int, int], int] = {}
    for index in np.flatnonzero(curve.where("forced") & (y >= 0) & (y <= 1)):
        column, row = _place(x[index], columns * 2), _place(1 - y[index], rows * 4)
        cell = (row // 4, column // 2)
        dots[cell] = dots.get(cell, 0) | DOTS[column % 2][row % 4]
        style = f"dim {mark_of(curve.band[index], curve.bands).style}"
        grid[cell[0]][cell[1]] = _Cell(chr(BRAILLE + dots[cell]) if unicode else ".", style)


def _draw_signs(
    grid: list[list[_Cell | None]],
    curve: LightCurve,
    x: np.ndarray,
    y: np.ndarray,
    signs: _Signs,
    *,
    unicode: bool,
) -> None:
    rows, columns = len(grid), len(grid[0])
    inside = (y >= 0) & (y <= 1)
    order = [i for role in DRAWN_LAST for i in np.flatnonzero(curve.where(role) & inside)]
    if curve.current is not None:
        order = [index for index in order if index != curve.current] + [np.intp(curve.current)]
    for index in order:
        mark = mark_of(curve.band[index], curve.bands)
        sign = mark.sign if unicode else mark.ascii
        if unicode and curve.is_magnitude and curve.fainter[index]:
            sign = HOLLOW[sign]
        style = mark.style
        if curve.role[index] == "limit":
            sign, style = signs.limit, f"dim {mark.style}"
        elif index == curve.current:
            style = f"bold reverse {mark.style}"
        grid[_place(1 - y[index], rows)][_place(x[index], columns)] = _Cell(sign, style)


def _labels(low: float, high: float, rows: int, *, upside_down: bool) -> dict[int, str]:
    """Text for some rows: round values about every three lines."""
    step = _nice((high - low) / max(2, rows / 3))
    decimals = max(0, -math.floor(math.log10(step)))
    labels = {}
    for count in range(math.ceil(low / step), math.floor(high / step) + 1):
        value = count * step
        fraction = (value - low) / (high - low)
        text = f"{value:,.{decimals}f}"
        if len(text) > AXIS_WIDTH - 2:
            text = f"{value:.2g}"
        if len(text) > AXIS_WIDTH - 2:
            # An exponent of three digits leaves room for one.
            text = f"{value:.0e}"
        labels[_place(fraction if upside_down else 1 - fraction, rows)] = text
    return labels


def _nice(rough: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power: float = 10.0 ** math.floor(math.log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)


def _frame(
    grid: list[list[_Cell | None]], labels: dict[int, str], now_row: int | None, signs: _Signs
) -> list[Text]:
    lines = []
    for row, cells in enumerate(grid):
        line = Text()
        line.append(f"{labels.get(row, ''):>{AXIS_WIDTH - 2}} {signs.vertical}", "dim")
        for style, run in itertools.groupby(cells, key=lambda cell: cell.style if cell else ""):
            line.append("".join(cell.sign if cell else " " for cell in run), style)
        if row == now_row:
            line.append(f" {signs.now}", "bold")
        line.rstrip()
        lines.append(line)
    return lines


def _time_axis(columns: int, first: float, last: float, signs: _Signs) -> list[Text]:
    step = _nice((last - first) / max(2, columns // 12))
    decimals = max(0, -math.floor(math.log10(step)))
    axis = [signs.horizontal] * columns
    labels = [" "] * (columns + RIGHT_MARGIN)
    for count in range(math.ceil(first / step), math.floor(last / step) + 1):
        days = count * step
        column = _place((days - first) / (last - first), columns)
        axis[column] = signs.tick
        text = f"{days:+.{decimals}f}" if count else "0"
        start = min(max(0, column - len(text) // 2), len(labels) - len(text))
        if all(letter == " " for letter in labels[max(0, start - 1) : start + len(text) + 1]):
            labels[start : start + len(text)] = text
    edge = f"{'':{AXIS_WIDTH - 2}} "
    return [
        Text(edge + signs.corner + "".join(axis), "dim"),
        Text((f"{edge} " + "".join(labels)).rstrip(), "dim"),
    ]


def _legend(curve: LightCurve, signs: _Signs, width: int, *, unicode: bool) -> list[Text]:
    """What the marks mean, on as many lines as it takes."""
    parts = []
    for band in curve.bands:
        mark = mark_of(band, curve.bands)
        sign = Text(mark.sign if unicode else mark.ascii, mark.style)
        parts.append(Text.assemble(sign, f" {printable(band)}"))
    roles = set(curve.role)
    if unicode and curve.is_magnitude and (curve.where("detection") & curve.fainter).any():
        parts.append(Text("○ □ fainter than reference", "dim"))
    if "limit" in roles:
        parts.append(Text(f"{signs.limit} upper limit", "dim"))
    if "forced" in roles:
        parts.append(Text(f"{'⠒' if unicode else '.'} forced", "dim"))
    parts.append(Text(printable(f"{curve.quantity} [{curve.unit}]"), "dim"))
    lines = [Text(f"{'days':>{AXIS_WIDTH - 2}}", "dim")]
    for part in parts:
        gap = 2 if lines[-1].plain.strip() == "days" else 3
        if len(lines[-1]) > AXIS_WIDTH and len(lines[-1]) + gap + len(part) > width:
            lines.append(Text(" " * (AXIS_WIDTH - 2)))
            gap = 2
        lines[-1].append(" " * gap).append_text(part)
    return lines
