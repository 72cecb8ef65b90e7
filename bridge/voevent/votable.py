"""The What of an event as VOTable (1.4), which TOPCAT, Aladin and astropy read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bridge.voevent.markup import escape_attribute, escape_text
from bridge.voevent.numbers import INTEGERS
from bridge.voevent.tables import as_declared

if TYPE_CHECKING:
    from bridge.voevent.model import VOEvent
    from bridge.voevent.what import Field, Param, Table

__all__ = ["write_votable"]

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">\n'
)


def write_votable(event: VOEvent) -> bytes:
    """Params, Groups and Tables of an event as a VOTable document.

    Parameters
    ----------
    event
        The event. What has no name gets one from its place (``param3``, ``table1``); Params of a Group lie in
        a GROUP of the document; numbers are ``double`` or ``long``, all else ``char``, and so is what is
        declared a string.

    Raises
    ------
    PacketError
        If a text has a character that XML cannot hold.
    """
    lines = [
        _HEAD,
        '<RESOURCE type="results">\n',
        f"<DESCRIPTION>{escape_text(event.ivorn or '')}</DESCRIPTION>\n",
    ]
    lines += _params(event.params.all, "param")
    for number, group in enumerate(event.groups.all, 1):
        lines.append(f'<GROUP name="{escape_attribute(group.name or f"group{number}")}">\n')
        lines += [*_description(group.descriptions), *_params(group.params, "param"), "</GROUP>\n"]
    for number, table in enumerate(event.tables.all, 1):
        lines += _table(table, f"table{number}")
    lines.append("</RESOURCE>\n</VOTABLE>\n")
    return "".join(lines).encode()


def _params(params: Iterable[Param], stem: str) -> Iterable[str]:
    for number, param in enumerate(params, 1):
        value = param.written if param.data_type == "string" else param.value
        label = escape_attribute(param.name or f"{stem}{number}")
        written = "" if value is None else escape_attribute(str(value))
        yield f'<PARAM name="{label}"{_datatype([value])}{_about(param)} value="{written}">\n'
        yield from _description(param.descriptions)
        yield "</PARAM>\n"


def _table(table: Table, name: str) -> Iterable[str]:
    yield f'<TABLE name="{escape_attribute(table.name or name)}">\n'
    yield from _description(table.descriptions)
    yield from _params(table.params, "param")
    columns = [(field, as_declared(field, values)) for field, values in table.columns()]
    for number, (field, values) in enumerate(columns, 1):
        label = escape_attribute(field.name or f"column{number}")
        yield f'<FIELD name="{label}"{_datatype(values)}{_about(field)}>\n'
        yield from _description(field.descriptions)
        yield "</FIELD>\n"
    yield "<DATA><TABLEDATA>\n"
    for row in zip(*(values for _, values in columns), strict=True):
        cells = "".join(f"<TD>{escape_text('' if value is None else str(value))}</TD>" for value in row)
        yield f"<TR>{cells}</TR>\n"
    yield "</TABLEDATA></DATA>\n</TABLE>\n"


def _datatype(values: Iterable[float | str | None]) -> str:
    there = [value for value in values if value is not None]
    if there and all(isinstance(value, int) and value in INTEGERS for value in there):
        return ' datatype="long"'
    if there and not any(isinstance(value, str) for value in there):
        return ' datatype="double"'
    return ' datatype="unicodeChar" arraysize="*"'


def _about(thing: Param | Field) -> str:
    pairs = (("unit", thing.unit), ("ucd", thing.ucd), ("utype", thing.utype))
    return "".join(f' {name}="{escape_attribute(text)}"' for name, text in pairs if text)


def _description(texts: tuple[str, ...]) -> Iterable[str]:
    if texts:
        yield f"<DESCRIPTION>{escape_text(' '.join(texts))}</DESCRIPTION>\n"
