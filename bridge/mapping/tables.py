"""Tables: columns of an array to rows of XML, column by column, so that no value costs a Python statement of
its own except where texts or conversions ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.alerts.column import Column
from bridge.mapping.numbers import NOTHING, array_cells

__all__ = ["ColumnPlan", "Rows", "TablePlan"]

CELL_BREAK = b"</TD><TD>"


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How one column becomes cells.

    Parameters
    ----------
    kind
        ``float``, ``int``, ``bool`` or ``text``.
    absent
        Texts of numbers that mean "none".
    render
        For ``text`` and for converted values: one Python value to text, None for none.
    """

    kind: str
    absent: frozenset[bytes]
    render: Callable[[Any], bytes | None] | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table: inner XML of each, and their positions from oldest to newest."""

    cells: list[bytes]
    oldest_first: Sequence[int]


@dataclass(frozen=True, slots=True)
class TablePlan:
    """One table, compiled.

    Parameters
    ----------
    name, head, fields
        Name, the XML before a note, the XML between the note and the rows.
    columns
        The columns, in the order of the packet.
    time, chooser
        Position in the values of the column by which rows are old, and of the column that chooses rows.
    keep_null
        Whether the chooser keeps rows in which it is null, or those in which it is not.
    newest
        How many rows stay at most; None for all.
    """

    name: str
    head: bytes
    fields: bytes
    columns: tuple[ColumnPlan, ...]
    time: int | None
    chooser: int | None
    keep_null: bool
    newest: int | None

    def __call__(
        self, values: tuple[Column | None, ...], current: tuple[bytes | None, ...] | None
    ) -> Rows | None:
        """Rows of one alert.

        Parameters
        ----------
        values
            The columns, then those of `time` and `chooser` where they are not among them; None for a null
            array.
        current
            Cells of the alert's own detection, added as the last row.

        Returns
        -------
        The rows, or None if there are none.
        """
        rows: list[bytes] = []
        ages: Sequence[int] = ()
        first = values[0]
        if first is not None and len(first):
            chosen = self._choose(values, len(first))
            if chosen is None or len(chosen):
                cells = [
                    column_cells(plan, value, chosen)
                    for plan, value in zip(self.columns, values, strict=False)
                    if value is not None
                ]
                rows = list(map(CELL_BREAK.join, zip(*cells, strict=True)))
                ages = self._ages(values, chosen, len(rows))
        if current is not None:
            rows.append(CELL_BREAK.join(cell or b"" for cell in current))
            ages = [*ages, len(rows) - 1]
        return Rows(rows, ages) if rows else None

    def _choose(self, values: tuple[Column | None, ...], count: int) -> npt.NDArray[np.intp] | None:
        chosen: npt.NDArray[np.intp] | None = None
        if self.chooser is not None:
            column = values[self.chooser]
            valid = column.valid if column is not None else None
            if valid is None:
                chosen = np.arange(0 if self.keep_null else count) if self.keep_null else None
            else:
                chosen = np.flatnonzero(~valid if self.keep_null else valid)
        if self.newest is not None:
            if chosen is None:
                chosen = np.arange(count)
            if len(chosen) > self.newest:
                ages = np.asarray(self._ages(values, chosen, len(chosen)), np.intp)
                chosen = np.sort(chosen[ages[len(chosen) - self.newest :]])
        return chosen

    def _ages(
        self, values: tuple[Column | None, ...], chosen: npt.NDArray[np.intp] | None, count: int
    ) -> Sequence[int]:
        """Positions of the rows from oldest to newest; surveys write them so, but do not promise it."""
        column = values[self.time] if self.time is not None else None
        if column is None or isinstance(column.values, list):
            return range(count)
        times = column.values if chosen is None else column.values[chosen]
        if np.all(times[1:] >= times[:-1]):
            return range(count)
        order: list[int] = np.argsort(times, kind="stable").tolist()
        return order


def column_cells(plan: ColumnPlan, column: Column, chosen: npt.NDArray[np.intp] | None) -> list[bytes]:
    """Cells of one column.

    Parameters
    ----------
    plan
        What the column is.
    column
        Its values, n of them.
    chosen
        Positions to take; None for all.
    """
    values, valid = column.values, column.valid
    if chosen is not None:
        valid = None if valid is None else valid[chosen]
        values = [values[i] for i in chosen.tolist()] if isinstance(values, list) else values[chosen]
    if plan.render is not None or isinstance(values, list):
        return _rendered(plan, values, valid)
    if plan.kind == "float":
        if valid is not None:
            values = np.where(valid, values, values.dtype.type("nan"))
        cells = array_cells(values)
    else:
        cells = array_cells(values)
        if valid is not None:
            for index in np.flatnonzero(~valid).tolist():
                cells[index] = b""
    if plan.absent:
        return [b"" if cell in plan.absent else cell for cell in cells]
    return cells


def _rendered(plan: ColumnPlan, values: Any, valid: npt.NDArray[np.bool_] | None) -> list[bytes]:
    render = plan.render or _no_text
    plain = values if isinstance(values, list) else values.tolist()
    # A column of texts or codes has few distinct values: each is rendered once.
    cache = {value: render(value) or b"" for value in set(plain)}
    cells = [cache[value] for value in plain]
    if valid is not None:
        for index in np.flatnonzero(~valid).tolist():
            cells[index] = b""
    return cells


def _no_text(value: Any) -> bytes | None:
    return None if value is None else NOTHING
