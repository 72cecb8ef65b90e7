"""An array of the alert as texts: all columns that any table wants, one batch per number type.

A sheet serves every table made of one array (ZTF's detections and upper limits are one array), so that no
value is rendered twice and a short light curve costs a handful of calls, not several for each column.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bridge.alerts.column import Column
from bridge.mapping.numbers import NOTHING, array_text, split_cells

__all__ = ["ColumnPlan", "render_sheet"]

Cells = list[bytes]


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


def render_sheet(plans: Sequence[ColumnPlan], columns: Sequence[Column | None]) -> list[Cells] | None:
    """Cells of each column, as the plans say.

    Parameters
    ----------
    plans
        One for each column.
    columns
        All of one length; None for those of a null array.

    Returns
    -------
    A list of texts for each column (empty text for none), or None if there are no rows.
    """
    count = 0 if columns[0] is None else len(columns[0])
    if not count:
        return None
    sheet: list[Cells] = [[]] * len(plans)
    batches: dict[str, list[int]] = {}
    for index, plan in enumerate(plans):
        if plan.batch:
            batches.setdefault(plan.batch, []).append(index)
        else:
            sheet[index] = _rendered(plan, columns[index])
    for batch, members in batches.items():
        _render_batch(batch, members, plans, columns, count, sheet)
    return sheet


def _render_batch(
    batch: str,
    members: list[int],
    plans: Sequence[ColumnPlan],
    columns: Sequence[Column | None],
    count: int,
    sheet: list[Cells],
) -> None:
    arrays: list[Any] = [column.values for index in members if (column := columns[index]) is not None]
    values = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    text = array_text(values)
    floats = batch in ("float", "double")
    # The lens gives NaN at a null, and NaN is written as null: one replacement empties all those cells.
    if floats and NOTHING in text and not np.isinf(values).any():
        text = text.replace(NOTHING, b"")
    cells = split_cells(text, values)
    # A search in the whole text is cheaper than a look at each cell; hardly any column has sentinels.
    listed = {plans[index].absent for index in members}
    suspects = {absent: any(nothing in text for nothing in absent) for absent in listed}
    blanks = NOTHING in text
    for place, index in enumerate(members):
        own = cells[place * count : (place + 1) * count]
        column = columns[index]
        if not floats and column is not None and column.valid is not None:
            for row in np.flatnonzero(~column.valid).tolist():
                own[row] = b""
        absent = plans[index].absent
        if blanks or suspects[absent]:
            own = [b"" if cell == NOTHING or cell in absent else cell for cell in own]
        sheet[index] = own


def _rendered(plan: ColumnPlan, column: Column | None) -> Cells:
    if column is None or plan.render is None:
        return []
    values = column.values if isinstance(column.values, list) else column.values.tolist()
    # A column of texts or codes has few distinct values: each is rendered once.
    cache = {value: plan.render(value) or b"" for value in set(values)}
    cells = [cache[value] for value in values]
    if column.valid is not None:
        for row in np.flatnonzero(~column.valid).tolist():
            cells[row] = b""
    return cells
