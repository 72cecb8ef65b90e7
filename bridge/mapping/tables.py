"""Tables: which rows of an array a table shows, in which order they count as old, each row as XML cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
import numpy.typing as npt

from bridge.mapping.batches import AnyColumn, Cells

__all__ = ["Rows", "TablePlan"]

CELL_BREAK = b"</TD><TD>"


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
    mask: npt.NDArray[np.bool_] | None
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
                shown = compress(shown, mask.tolist())  # type: ignore[assignment]
            rows = list(map(CELL_BREAK.join, shown))
        if current is not None:
            rows.append(CELL_BREAK.join([cell or b"" for cell in current]))
        return Rows(rows, time, mask, current is not None) if rows else None

    def _mask(
        self, count: int, time: AnyColumn | None, chooser: AnyColumn | None
    ) -> npt.NDArray[np.bool_] | None:
        mask: npt.NDArray[np.bool_] | None = None
        if chooser is not None:
            valid = chooser.valid
            if valid is not None:
                mask = ~valid if self.keep_null else valid
            elif self.keep_null:
                mask = np.zeros(count, np.bool_)
        if self.newest is not None:
            chosen = np.arange(count) if mask is None else np.flatnonzero(mask)
            if len(chosen) > self.newest:
                ages = np.asarray(_oldest_first(time, mask, len(chosen)), np.intp)
                mask = np.zeros(count, np.bool_)
                mask[chosen[ages[len(chosen) - self.newest :]]] = True
        return mask


def _oldest_first(time: AnyColumn | None, mask: npt.NDArray[np.bool_] | None, count: int) -> Sequence[int]:
    """Positions of the shown rows from oldest to newest; surveys write them so, but do not promise it."""
    if not count or time is None or isinstance(time.values, list):
        return range(count)
    times = time.values if mask is None else time.values[mask]
    if bool((times[1:] >= times[:-1]).all()):
        return range(count)
    order: list[int] = np.argsort(times, kind="stable").tolist()
    return order
