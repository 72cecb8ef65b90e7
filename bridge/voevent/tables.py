"""Cells of a VOEvent's Table as columns of numbers: what a light curve is to filters and to astropy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.errors import PacketError
from bridge.voevent.numbers import format_number, read_number
from bridge.voevent.what import Field

__all__ = ["as_declared", "believed_rows", "column_cells", "column_values", "place_cells", "rows_of"]


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
    """The cells of a table (a record), row by row, as they are written.

    Raises
    ------
    PacketError
        If it has more rows than any of its columns has cells.
    """
    data, fields = table["Data"], table["Field"]
    if data["cells"] or not data["rows"]:
        cells: Iterable[Sequence[str]] = data["cells"]
        return cells
    lengths = [len(field[part]) for field in fields for part in ("values", "texts")]
    count = believed_rows(data["rows"], lengths)
    columns = [column_cells(field["values"], field["texts"], field["decimals"], count) for field in fields]
    return zip(*columns, strict=True)


def believed_rows(rows: int, lengths: Iterable[int]) -> int:
    """The number of rows that a table says it has.

    Parameters
    ----------
    rows
        What it says.
    lengths
        How many numbers, texts or rows of cells it really has, in each of its lists.

    Raises
    ------
    PacketError
        If none of these is as long: the number is no reason to make billions of empty cells.
    """
    longest = max(lengths, default=0)
    if rows > longest:
        raise PacketError(f"a Table says that it has {rows:,} rows, and its longest column has {longest:,}")
    return rows


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


def as_declared(field: Field, values: list[float | str | None]) -> list[float | str | None]:
    """The values of a column for other formats: texts where the packet says so ("0012" is no twelve)."""
    if field.data_type != "string":
        return values
    return [cell or None for cell in column_cells(field.numbers, field.texts, field.decimals, len(values))]


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
