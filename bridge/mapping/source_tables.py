"""Writes the part of a translator that makes Tables: the texts of the columns, and the call of each table.

Kept apart from `source` because light curves have rules of their own: one array may feed several tables (a
column that two of them show is rendered once), and the alert's own detection joins one of them as a row.
"""

from __future__ import annotations

from bridge.errors import MappingError
from bridge.mapping import elements
from bridge.mapping.content import Table, Value
from bridge.mapping.model import first_path
from bridge.mapping.numbers import NOTHING
from bridge.mapping.options import TranslateOptions
from bridge.mapping.scalars import Scalars, absent_texts, data_type, join_path, text_renderer
from bridge.mapping.tables import TablePlan
from bridge.voevent.xmltext import escape

__all__ = ["TableWriter"]


class TableWriter:
    """Writes the tables of one translator.

    Parameters
    ----------
    scalars
        Collects the paths and constants of the translator.
    options
        How much history is wanted.
    """

    def __init__(self, scalars: Scalars, options: TranslateOptions) -> None:
        self.scalars = scalars
        self.schema = scalars.schema
        self.mapping = scalars.mapping
        self.options = options

    def write(self, index: int, table: Table) -> str | None:
        """Expression that gives a table's plan and rows; None where the schema has no such array."""
        source = first_path(self.schema, table.source)
        if source is None:
            if table.optional:
                return None
            source = self.scalars.needed(table.source, f"table {table.name!r}")
        columns: list[tuple[Value, str]] = []
        for value in table.columns:
            path = self.scalars.chosen(value, source)
            if path is not None:
                columns.append((value, path))
        if not columns:
            return None
        fields = []
        for value, path in columns:
            field = self.scalars.field(path)
            if field.kind != "column":
                raise MappingError(
                    f"Mapping {self.mapping.key}, table {table.name!r}: {path!r} is not a column of an array."
                )
            fields.append(elements.field_element(value, data_type(value, field)))
        plan = TablePlan(
            name=table.name,
            head=b'\n<Table name="%b">%b' % (escape(table.name), elements.described(table.about)),
            fields=b"".join(fields),
            keep_null=bool(table.where_null),
            newest=self.options.history if isinstance(self.options.history, int) else None,
        )
        name = self.scalars.constant(f"TABLE_{index}", plan)
        time = self._column(table.time, source)
        shown = "None"
        chooser = table.where_set or table.where_null
        if chooser or plan.newest is not None:
            any_column = self.scalars.raw(columns[0][1])
            shown = self.scalars.choice(
                f"{name}.choose({any_column}, {time}, {self._column(chooser, source)})"
            )
        texts = [self._texts(value, path, shown) for value, path in columns]
        current = self._current(table, columns, source)
        return f"({name}, {name}(({', '.join(texts)},), {time}, {shown}, {current}))"

    def _texts(self, value: Value, path: str, shown: str) -> str:
        """Variable with a column's texts."""
        field = self.scalars.field(path)
        render = text_renderer(self.mapping, value, field)
        if render is None:
            return self.scalars.column(path, shown, absent_texts(self.mapping, value, field.type) - {NOTHING})
        return self.scalars.rendered(value, path, shown, render)

    def _column(self, path: str, source: str) -> str:
        if not path:
            return "None"
        return self.scalars.raw(self.scalars.needed((join_path(source, path),), "[[table]]"))

    def _current(self, table: Table, columns: list[tuple[Value, str]], source: str) -> str:
        if not table.current:
            return "None"
        cells = []
        for value, path in columns:
            own = first_path(self.schema, (table.current + path[len(source) :],))
            if own is None:
                cells.append("None")
                continue
            text, absent = self.scalars.text(value, own)
            cells.append(f"(None if {text} in {self.scalars.absent(absent)} else {text})" if absent else text)
        return f"({', '.join(cells)},)"
