"""Tables: which rows of an array a table shows, in which order they count as old, each row as XML cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

from bridge.alerts.lens import RawColumn
from bridge.mapping.batches import Cells
from bridge.mapping.shown import AnyColumn, Shown

__all__ = ["Rows", "TablePlan"]

CELL_BREAK = b"</TD><TD>"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table.

    Parameters
    ----------
    cells
        Inner XML of each row.
    time, shown
        Times of the array's rows, and which of them are shown (None: all); to tell old rows from new ones.
    with_current
        Whether the last row is the alert's own detection.
    """

    cells: list[bytes]
    time: AnyColumn | None
    shown: Shown | None
    with_current: bool

    def oldest_first(self) -> Sequence[int]:
        """Positions of the rows from oldest to newest; asked for only when rows must go."""
        count = len(self.cells) - self.with_current
        ages = _oldest_first(self.time, range(count) if self.shown is None else self.shown.positions)
        return [*ages, count] if self.with_current else ages


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table, compiled.

    Parameters
    ----------
    name, head, fields
        Name, the XML before a note, the XML between the note and the rows.
    keep_null
        Whether the chooser keeps rows in which it is null, or those in which it is not.
    newest
        How many rows stay at most; None for all.
    """

    name: str
    head: bytes
    fields: bytes
    keep_null: bool
    newest: int | None

    def choose(
        self, column: AnyColumn | None, time: AnyColumn | None, chooser: AnyColumn | None
    ) -> Shown | None:
        """Which rows are shown, told before any number of them becomes text.

        Parameters
        ----------
        column
            Any column of the array.
        time, chooser
            The column by which rows are old, and the one that chooses rows; None if there is none.

        Returns
        -------
        The rows, or None for all.
        """
        if column is None:
            return None
        positions: Sequence[int] = range(len(column))
        if chooser is not None:
            positions = _chosen(chooser, keep_null=self.keep_null)
        if self.newest is not None and len(positions) > self.newest:
            ages = _oldest_first(time, positions)
            positions = sorted(positions[age] for age in ages[len(positions) - self.newest :])
        return None if len(positions) == len(column) else Shown(positions)

    def __call__(
        self,
        columns: Sequence[Cells],
        time: AnyColumn | None,
        shown: Shown | None,
        current: tuple[bytes | None, ...] | None,
    ) -> Rows | None:
        """Rows of one alert.

        Parameters
        ----------
        columns
            Texts of the table's columns, for the rows that are shown.
        time, shown
            The column by which rows are old, and which of them are shown (None: all).
        current
            Cells of the alert's own detection, added as the last row.

        Returns
        -------
        The rows, or None if there are none.
        """
        rows = list(map(CELL_BREAK.join, zip(*columns, strict=True)))
        if current is not None:
            rows.append(CELL_BREAK.join([cell or b"" for cell in current]))
        return Rows(rows, time, shown, current is not None) if rows else None


def _chosen(chooser: AnyColumn, *, keep_null: bool) -> list[int]:
    """Positions of the rows in which the chooser is set, or of those in which it is null."""
    if isinstance(chooser, RawColumn):
        is_set: Sequence[Any] = chooser.items
    else:
        is_set = [True] * len(chooser) if chooser.valid is None else chooser.valid.tolist()
    if keep_null:
        return [] if all(is_set) else [position for position, item in enumerate(is_set) if not item]
    return list(compress(range(len(is_set)), is_set))


def _oldest_first(time: AnyColumn | None, positions: Sequence[int]) -> Sequence[int]:
    """Which of the rows at these positions is the oldest, the next, and so on, counted from 0.

    Surveys write rows in that order, but do not promise it.
    """
    count = len(positions)
    if not count or time is None or isinstance(time.values, list):
        return range(count)
    times = time.values[list(positions)]
    if bool((times[1:] >= times[:-1]).all()):
        return range(count)
    order: list[int] = times.argsort(kind="stable").tolist()
    return order
