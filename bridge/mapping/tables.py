"""Tables: which rows of an array a table shows, in which order they count as old, each row as XML cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np

from bridge.alerts.lens import RawColumn
from bridge.mapping.batches import AnyColumn, Cells

__all__ = ["Rows", "TablePlan"]

CELL_BREAK = b"</TD><TD>"

# For each row of an array whether it is shown. A list: light curves are too short for NumPy to pay.
Mask = list[bool]


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one table.

    Parameters
    ----------
    cells
        Inner XML of each row.
    time, mask
        Times of the array's rows, and which of them are shown (None: all); to tell old rows from new ones.
    with_current
        Whether the last row is the alert's own detection.
    """

    cells: list[bytes]
    time: AnyColumn | None
    mask: Mask | None
    with_current: bool

    def oldest_first(self) -> Sequence[int]:
        """Positions of the rows from oldest to newest; asked for only when rows must go."""
        count = len(self.cells) - self.with_current
        ages = _oldest_first(self.time, self.mask, count)
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

    def __call__(
        self,
        columns: Sequence[Cells],
        time: AnyColumn | None,
        chooser: AnyColumn | None,
        current: tuple[bytes | None, ...] | None,
    ) -> Rows | None:
        """Rows of one alert.

        Parameters
        ----------
        columns
            Texts of the table's columns, for all rows of the array.
        time, chooser
            The column by which rows are old, and the one that chooses rows; None if there is none.
        current
            Cells of the alert's own detection, added as the last row.

        Returns
        -------
        The rows, or None if there are none.
        """
        rows: list[bytes] = []
        mask = None
        if columns[0]:
            shown = zip(*columns, strict=True)
            mask = self._mask(len(columns[0]), time, chooser)
            if mask is not None:
                shown = compress(shown, mask)  # type: ignore[assignment]
            rows = list(map(CELL_BREAK.join, shown))
        if current is not None:
            rows.append(CELL_BREAK.join([cell or b"" for cell in current]))
        return Rows(rows, time, mask, current is not None) if rows else None

    def _mask(self, count: int, time: AnyColumn | None, chooser: AnyColumn | None) -> Mask | None:
        mask = None if chooser is None else _chosen(chooser, keep_null=self.keep_null)
        if self.newest is not None:
            chosen = range(count) if mask is None else [row for row, shown in enumerate(mask) if shown]
            if len(chosen) > self.newest:
                ages = _oldest_first(time, mask, len(chosen))
                newest = {chosen[age] for age in ages[len(chosen) - self.newest :]}
                mask = [row in newest for row in range(count)]
        return mask


def _chosen(chooser: AnyColumn, *, keep_null: bool) -> Mask | None:
    """The rows in which the chooser is set, or those in which it is null; None for all."""
    if isinstance(chooser, RawColumn):
        if keep_null:
            return [item is None for item in chooser.items]
        return [item is not None for item in chooser.items] if None in chooser.items else None
    if chooser.valid is None:
        return [False] * len(chooser) if keep_null else None
    mask: Mask = (~chooser.valid if keep_null else chooser.valid).tolist()
    return mask


def _oldest_first(time: AnyColumn | None, mask: Mask | None, count: int) -> Sequence[int]:
    """Positions of the shown rows from oldest to newest; surveys write them so, but do not promise it."""
    if not count or time is None or isinstance(time.values, list):
        return range(count)
    times = time.values if mask is None else time.values[np.array(mask)]
    if bool((times[1:] >= times[:-1]).all()):
        return range(count)
    order: list[int] = np.argsort(times, kind="stable").tolist()
    return order
