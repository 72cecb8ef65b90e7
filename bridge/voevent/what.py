"""The What of a VOEvent: Params, alone and in Groups, and Tables (VOEvent 2.0, section 3.3; 2.1 the same)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.voevent.grammar import attribute, child, children, plain, text_child, text_children, triple
from bridge.voevent.named import Named
from bridge.voevent.numbers import format_number, value_of

__all__ = ["Data", "Field", "Group", "Param", "Reference", "Table", "What"]


@dataclass(frozen=True, slots=True)
class Reference:
    """Something outside the packet.

    Parameters
    ----------
    uri
        Where it is.
    type
        What it is (deprecated in 2.0), such as ``url``.
    mimetype
        Its media type.
    meaning
        URI of a concept that says what it means for the event.
    """

    uri: str | None = attribute("uri")
    type: str | None = attribute("type")
    mimetype: str | None = attribute("mimetype")
    meaning: str | None = attribute("meaning")


@dataclass(frozen=True, slots=True)
class Param:
    """A named value.

    Parameters
    ----------
    name
        Its name.
    number, text, decimals
        The attribute ``value``, as `bridge.voevent.numbers` has it; `Param.of` takes a plain value.
    unit, ucd
        Unit (VOUnits) and meaning (UCD1+).
    data_type
        string, float or int, as written.
    utype
        Its place in another data model.
    descriptions, references
        Further words and links.
    value_element
        Text of the child element Value, which counts where there is no attribute.
    """

    NUMBER: ClassVar[str] = "value"

    name: str | None = attribute("name")
    number: int | float | None = triple("value")
    text: str | None = triple("text")
    decimals: int = triple("decimals", 0)
    unit: str | None = attribute("unit")
    ucd: str | None = attribute("ucd")
    data_type: str | None = attribute("dataType")
    utype: str | None = attribute("utype")
    descriptions: tuple[str, ...] = text_children("Description")
    value_element: str | None = text_child("Value")
    references: tuple[Reference, ...] = children("Reference", Reference)

    @classmethod
    def of(
        cls,
        name: str | None,
        value: float | str | None,
        *,
        unit: str | None = None,
        ucd: str | None = None,
        data_type: str | None = None,
        utype: str | None = None,
        description: str | None = None,
    ) -> Param:
        """A Param of a number or text."""
        number, text, decimals = value_of(value)
        descriptions = () if description is None else (description,)
        return cls(name, number, text, decimals, unit, ucd, data_type, utype, descriptions)

    @property
    def written(self) -> str | None:
        """The value as it is written in XML; None where there is none."""
        written = format_number(self.number, self.text, self.decimals)
        return self.value_element if written is None else written

    @property
    def value(self) -> float | str | None:
        """The value: a number where the text is one, else the text, else None."""
        return self.written if self.number is None else self.number


@dataclass(frozen=True, slots=True)
class Group:
    """Params that belong together.

    Parameters
    ----------
    name, type
        What they are.
    descriptions, references
        Further words and links.
    params
        The Params.
    """

    name: str | None = attribute("name")
    type: str | None = attribute("type")
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)
    params: tuple[Param, ...] = children("Param", Param)

    def __getitem__(self, name: str) -> Param:
        """The Param of a name; of several the first."""
        return Named(self.params, "Param")[name]


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a Table: what it is, and where the table is rectangular its values.

    Parameters
    ----------
    name, unit, ucd, data_type, utype
        As of a `Param`.
    descriptions, references
        Further words and links.
    numbers
        The cells as numbers, None where a cell is none; empty if no cell is a number.
    texts
        The cells as they are written, None where number and decimals restore them; empty if all are.
    decimals
        How many decimals each cell has; one entry if all have the same, none if that is 0.
    """

    name: str | None = attribute("name")
    unit: str | None = attribute("unit")
    ucd: str | None = attribute("ucd")
    data_type: str | None = attribute("dataType")
    utype: str | None = attribute("utype")
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)
    numbers: tuple[int | float | None, ...] = plain("values", default=())
    texts: tuple[str | None, ...] = plain("texts", default=())
    decimals: tuple[int, ...] = plain("decimals", default=())


@dataclass(frozen=True, slots=True)
class Data:
    """The rows of a Table.

    Parameters
    ----------
    rows
        How many there are.
    cells
        All cells as written, row by row, where the table is not rectangular (rows with more or fewer
        cells than the table has Fields). Else empty: then the Fields hold them.
    """

    rows: int = plain("rows", default=0)
    cells: tuple[tuple[str, ...], ...] = plain("cells", default=())


@dataclass(frozen=True, slots=True)
class Table:
    """A small table, such as a light curve.

    Parameters
    ----------
    name, type
        What it is.
    descriptions, references, params
        Words, links and values about it.
    fields
        Its columns.
    data
        Its rows; None where the element Data is missing.
    """

    name: str | None = attribute("name")
    type: str | None = attribute("type")
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)
    params: tuple[Param, ...] = children("Param", Param)
    fields: tuple[Field, ...] = children("Field", Field)
    data: Data | None = child("Data", Data)

    def __getitem__(self, name: str) -> Param:
        """The Param of a name; of several the first."""
        return Named(self.params, "Param")[name]

    def columns(self) -> Iterator[tuple[Field, list[float | str | None]]]:
        """Each Field with its values: numbers, text where a cell is no number, None where it is empty."""
        from bridge.voevent.tables import believed_rows, column_values

        count = 0
        if self.data is not None:
            lengths = [max(len(field.numbers), len(field.texts)) for field in self.fields]
            count = believed_rows(self.data.rows, [len(self.data.cells), *lengths])
        for field in self.fields:
            yield field, column_values(field, count)

    def to_astropy(self) -> Any:
        """As `astropy.table.Table`; see `bridge.voevent.astro.astropy_table`."""
        from bridge.voevent.astro import astropy_table

        return astropy_table(self)


@dataclass(frozen=True, slots=True)
class What:
    """What has been measured.

    Parameters
    ----------
    params, groups, tables
        The values.
    descriptions, references
        Further words and links.
    """

    params: tuple[Param, ...] = children("Param", Param)
    groups: tuple[Group, ...] = children("Group", Group)
    tables: tuple[Table, ...] = children("Table", Table)
    descriptions: tuple[str, ...] = text_children("Description")
    references: tuple[Reference, ...] = children("Reference", Reference)
