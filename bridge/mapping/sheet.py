"""An array of the alert as texts: all columns that any table wants, one batch per number type.

A sheet serves every table made of one array (ZTF's detections and upper limits are one array), so that no
value is rendered twice and a short light curve costs a handful of calls, not several for each column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np

from bridge.alerts.column import Column
from bridge.alerts.lens import RawColumn
from bridge.alerts.lens.columns import fixed_values, long_values
from bridge.mapping.numbers import NOTHING, array_text, split_cells

__all__ = ["AnyColumn", "ColumnPlan", "Sheet"]

Cells = list[bytes]
AnyColumn = Column | RawColumn

# Avro type of the members of a batch.
_KINDS = {"float": "float", "double": "double", "bool": "boolean"}


@dataclass(frozen=True, slots=True)
class ColumnPlan:
    """How one column becomes cells.

    Parameters
    ----------
    batch
        Which batch it goes through: ``float``, ``double``, ``int``, ``bool``; empty if `render` does it.
    absent
        Texts of numbers that mean "none", other than null and NaN.
    render
        One Python value to text, None for none: for texts, codes and conversions.
    """

    batch: str
    absent: frozenset[bytes] = frozenset()
    render: Callable[[Any], bytes | None] | None = None


class Sheet:
    """Renders one array of an alert, as the plans say.

    Parameters
    ----------
    plans
        One for each column.
    """

    def __init__(self, plans: Sequence[ColumnPlan]) -> None:
        self._width = len(plans)
        self._single = [(index, plan.render) for index, plan in enumerate(plans) if plan.render is not None]
        batches: dict[str, list[int]] = {}
        for index, plan in enumerate(plans):
            if plan.batch:
                batches.setdefault(plan.batch, []).append(index)
        self._batches = [
            _Batch(name, members, [plans[index].absent for index in members])
            for name, members in batches.items()
        ]

    def __call__(self, columns: Sequence[AnyColumn | None]) -> list[Cells] | None:
        """Cells of each column.

        Parameters
        ----------
        columns
            All of one length; None for those of a null array.

        Returns
        -------
        A list of texts for each column (empty text for none), or None if there are no rows.
        """
        if columns[0] is None or not len(columns[0]):
            return None
        sheet: list[Cells] = [[]] * self._width
        for index, render in self._single:
            sheet[index] = _rendered(render, columns[index])
        for batch in self._batches:
            batch.render(columns, len(columns[0]), sheet)
        return sheet


class _Batch:
    """Columns of one number type, which become texts in one go."""

    def __init__(self, name: str, members: list[int], absent: list[frozenset[bytes]]) -> None:
        self.name = name
        self.floats = name in ("float", "double")
        self.places = list(zip(members, absent, strict=True))
        # Hardly any column has sentinels, and all sentinels begin alike (-999.0, -99999.0): one search in the
        # whole text is cheaper than a look at each cell.
        listed: frozenset[bytes] = frozenset().union(*absent)
        self.has_absent = bool(listed)
        self.beginning = _common_beginning(listed)

    def render(self, columns: Sequence[AnyColumn | None], count: int, sheet: list[Cells]) -> None:
        values = self._values(columns)
        text = array_text(values)
        blanks = NOTHING in text
        # The lens gives NaN at a null, and NaN is written as null: one replacement empties all those cells.
        if blanks and self.floats and not np.isinf(values).any():
            text = text.replace(NOTHING, b"")
            blanks = False
        cells = split_cells(text, values)
        suspect = self.has_absent and self.beginning in text
        end = 0
        for index, absent in self.places:
            start, end = end, end + count
            own = cells[start:end]
            if not self.floats:
                own = _without_nulls(own, columns[index])
            if blanks or suspect:
                own = [b"" if cell == NOTHING or cell in absent else cell for cell in own]
            sheet[index] = own

    def _values(self, columns: Sequence[AnyColumn | None]) -> Any:
        """The values of all columns of the batch, one after the other."""
        raw: list[bytes | None] = []
        for index, _ in self.places:
            column = columns[index]
            if not isinstance(column, RawColumn):
                members = [columns[index] for index, _ in self.places]
                return np.concatenate([each.values for each in members if each is not None])
            raw += column.items
        return long_values(raw) if self.name == "int" else fixed_values(_KINDS[self.name], raw)


def _common_beginning(texts: Iterable[bytes]) -> bytes:
    first, last = min(texts, default=b""), max(texts, default=b"")
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return first[: sum(1 for _ in alike)]


def _without_nulls(cells: Cells, column: AnyColumn | None) -> Cells:
    if isinstance(column, RawColumn):
        if None not in column.items:
            return cells
        return [b"" if item is None else cell for item, cell in zip(column.items, cells, strict=True)]
    if column is not None and column.valid is not None:
        for row in np.flatnonzero(~column.valid).tolist():
            cells[row] = b""
    return cells


def _rendered(render: Callable[[Any], bytes | None], column: AnyColumn | None) -> Cells:
    # A column of texts or codes has few distinct values: each is rendered once.
    if isinstance(column, RawColumn):
        return [cell or b"" for cell in column.map(render)]
    if column is None:
        return []
    values = column.values if isinstance(column.values, list) else column.values.tolist()
    cache = {value: render(value) or b"" for value in set(values)}
    return _without_nulls([cache[value] for value in values], column)
