"""Tables of a document: one row for each object of an array, with the columns that a mapping names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.mapping import elements
from bridge.mapping.content import Table
from bridge.mapping.documents.params import ParamWriter
from bridge.mapping.documents.paths import first_value, value_at
from bridge.voevent.xmltext import escape

__all__ = ["DocumentRows", "DocumentTable", "TableWriter"]

CELL_BREAK = b"</TD><TD>"


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """A Table without its rows, for `fit`: its name, the XML before a note and between note and rows."""

    name: str
    head: bytes
    fields: bytes


@dataclass(frozen=True, slots=True)
class DocumentRows:
    """Rows as XML cells, and their positions from the oldest to the newest."""

    cells: list[bytes]
    ages: Sequence[int]

    def oldest_first(self) -> Sequence[int]:
        """Positions of the rows from oldest to newest."""
        return self.ages


class TableWriter:
    """Writes one Table.

    Parameters
    ----------
    table
        The table in the mapping.
    absent
        What means "none" in the whole mapping.
    history
        ``all``, ``none``, or how many of the newest rows stay.
    """

    def __init__(self, table: Table, absent: tuple[Any, ...], history: str | int) -> None:
        self.table = table
        self._history = history
        self._columns = [ParamWriter(value, absent) for value in table.columns]

    def write(self, content: dict[str, Any]) -> tuple[DocumentTable, DocumentRows] | None:
        """Shell and rows, without columns that are empty throughout; None where there are no rows."""
        rows, _ = first_value(content, self.table.source)
        if self._history == "none" or not isinstance(rows, list):
            return None
        rows = [row for row in rows if isinstance(row, dict) and self._is_shown(row)]
        if isinstance(self._history, int):
            newest = (
                set(_by_age(rows, self.table.time)[len(rows) - self._history :]) if self._history else set()
            )
            rows = [row for index, row in enumerate(rows) if index in newest]
        texts = [[writer.text(row) for writer in self._columns] for row in rows]
        shown = [index for index in range(len(self._columns)) if any(row[index] for row in texts)]
        if not shown:
            return None
        fields = b"".join(
            elements.field_element(self._columns[index].value, _type_of([row[index] for row in texts]))
            for index in shown
        )
        head = b'\n<Table name="%b">%b' % (escape(self.table.name), elements.described(self.table.about))
        cells = [
            CELL_BREAK.join(escape(text[0]) if (text := row[index]) else b"" for index in shown)
            for row in texts
        ]
        return DocumentTable(self.table.name, head, fields), DocumentRows(
            cells, _by_age(rows, self.table.time)
        )

    def _is_shown(self, row: dict[str, Any]) -> bool:
        table = self.table
        if table.where_set:
            return value_at(row, table.where_set) is not None
        return not table.where_null or value_at(row, table.where_null) is None


def _by_age(rows: list[dict[str, Any]], time: str) -> list[int]:
    """Positions from oldest to newest by a column of numbers or ISO texts; else as they stand."""
    ages = [value_at(row, time) for row in rows] if time else []
    kinds = {
        str if isinstance(age, str) else float if isinstance(age, (int, float)) else None for age in ages
    }
    if len(kinds) != 1 or None in kinds:
        return list(range(len(rows)))
    return sorted(range(len(rows)), key=ages.__getitem__)


def _type_of(texts: Sequence[tuple[str, str] | None]) -> str:
    """The dataType of a column: that of all its values, float for integers and floats, else string."""
    kinds = {text[1] for text in texts if text is not None}
    if len(kinds) == 1:
        return kinds.pop()
    return "float" if kinds == {"int", "float"} else "string"
