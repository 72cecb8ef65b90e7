"""Cells of a VOEvent's Table as columns of numbers: what a light curve is to filters and to astropy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.voevent.numbers import format_number, read_number
from bridge.voevent.what import Field

__all__ = ["column_cells", "column_values", "place_cells", "rows_of"]


def place_cells(table: dict[str, Any], rows: list[list[str]]) -> dict[str, Any]:
    """Put the cells of a table where they belong: into the Fields if it is rectangular, else into Data.

    Parameters
    ----------
    table
        The table as a record; its Fields are changed.
    rows
        The cells as they are written.

    Returns
    -------
    The record of Data.
    """
    fields = table["Field"]
    if not rows or not fields or any(len(row) != len(fields) for row in rows):
        return {"rows": len(rows), "cells": rows}
    for field, cells in zip(fields, zip(*rows, strict=True), strict=True):
        field["values"], field["texts"], field["decimals"] = _column(cells)
    return {"rows": len(rows), "cells": ()}


def rows_of(table: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    """The cells of a table (a record), row by row, as they are written."""
    data = table["Data"]
    if data["cells"] or not data["rows"]:
        cells: Iterable[Sequence[str]] = data["cells"]
        return cells
    count = data["rows"]
    return zip(
        *(
            column_cells(field["values"], field["texts"], field["decimals"], count)
            for field in table["Field"]
        ),
        strict=True,
    )


def column_cells(
    numbers: Sequence[float | None],
    texts: Sequence[str | None],
    decimals: Sequence[int],
    count: int,
) -> list[str]:
    """The cells of a column as they are written; cells that are not there are empty."""
    found = []
    for index in range(count):
        text = texts[index] if index < len(texts) else None
        if text is None:
            number = numbers[index] if index < len(numbers) else None
            places = decimals[index] if index < len(decimals) else decimals[0] if len(decimals) == 1 else 0
            text = format_number(number, None, places) or ""
        found.append(text)
    return found


def column_values(field: Field, count: int) -> list[float | str | None]:
    """The cells of a column as numbers, as text where they are none, as None where they are empty."""
    cells = column_cells(field.numbers, field.texts, field.decimals, count)
    return [
        field.numbers[index]
        if index < len(field.numbers) and field.numbers[index] is not None
        else cell or None
        for index, cell in enumerate(cells)
    ]


def _column(
    cells: Sequence[str],
) -> tuple[Sequence[float | None], Sequence[str | None], Sequence[int]]:
    numbers, texts, decimals = zip(*map(read_number, cells), strict=True)
    places: Sequence[int] = decimals
    if not any(decimals):
        places = ()
    elif len(set(decimals)) == 1:
        places = decimals[:1]
    return (
        () if all(number is None for number in numbers) else numbers,
        () if all(text is None for text in texts) else texts,
        places,
    )
