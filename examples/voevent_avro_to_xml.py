"""VOEvents in Avro back to XML, with nothing but fastavro and what docs/voevent-avro.md says.

It shares no code with voevent-bridge: whoever writes a reader in another language can begin here, and the
tests hold its XML against the originals.

    python examples/voevent_avro_to_xml.py events.avro
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import fastavro

Record = Mapping[str, Any]

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v{}"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LOWER_CASE_ELEMENTS = {
    "title", "shortName", "logoURL", "contactName", "contactPhone", "contactEmail", "contributor",
}  # fmt: skip
NOT_OF_XML = {"value", "text", "decimals", "values", "texts", "rows", "cells", "layout", "xml"}
# Records whose element holds text: the field that is this text.
CONTENT = {"EventIVORN": "ivorn", "Contributor": "name"}


class Element:
    """An element before it is written: a name, attributes, and either text or children."""

    def __init__(self, name: str, text: str | None = None) -> None:
        self.name = name
        self.text = text
        self.attributes: dict[str, str] = {}
        self.children: list[Element] = []


def number_text(value: float | None, text: str | None, decimals: int) -> str | None:
    """The text of a number; None where an attribute is missing."""
    if text is not None or value is None:
        return text
    return f"{value:.{decimals}f}" if decimals else str(value)


def element_of(name: str, record: Record) -> Element:
    """An element with all that is in it, children in the order of the fields."""
    element = Element(name)
    if "value" in record:
        own = number_text(record["value"], record["text"], record["decimals"])
        if name == "Param":
            if own is not None:
                element.attributes["value"] = own
        else:
            element.text = own or ""
    for field, value in record.items():
        if value is None or field in NOT_OF_XML:
            continue
        if field == CONTENT.get(name):
            element.text = value
        elif field[0].isupper() or field in LOWER_CASE_ELEMENTS:
            for each in value if isinstance(value, list) else [value]:
                child = element_of(field, each) if isinstance(each, dict) else Element(field, each)
                element.children.append(child)
        elif isinstance(value, dict):
            element.attributes[field] = number_text(value["value"], value["text"], value["decimals"]) or ""
        else:
            element.attributes["xsi:schemaLocation" if field == "schemaLocation" else field] = value
    if name == "Table" and record["Data"] is not None:
        data = element.children[-1]
        for cells in table_rows(record):
            row = Element("TR")
            row.children = [Element("TD", cell) for cell in cells]
            data.children.append(row)
    return element


def table_rows(table: Record) -> list[list[str]]:
    """The cells of a table, row by row: from Data where it is not rectangular, else from the Fields."""
    data = table["Data"]
    if data["cells"]:
        return list(data["cells"])
    rows = range(data["rows"])
    columns = [list(column_cells(field, len(rows))) for field in table["Field"]]
    return [[column[row] for column in columns] for row in rows]


def column_cells(field: Record, rows: int) -> Iterator[str]:
    """The cells of one column as they are written."""
    values = field["values"] or [None] * rows
    texts = field["texts"] or [None] * rows
    decimals = field["decimals"] or [0]
    if len(decimals) == 1:
        decimals = decimals * rows
    for row in range(rows):
        yield number_text(values[row], texts[row], decimals[row]) or ""


class Writer:
    """Writes elements as the layout says, counting the known ones from the root on."""

    def __init__(self, layout: Record | None) -> None:
        layout = layout or {"indent": None, "orders": [], "tags": [], "places": []}
        self.indent = layout["indent"]
        self.orders = {order["of"]: order["runs"] for order in layout["orders"]}
        self.tags = {tag["of"]: tag for tag in layout["tags"]}
        self.places = {place["at"]: place["xml"] for place in layout["places"]}
        self.count = 0

    def blanks(self, place: int, depth: int, *, usual: bool) -> str:
        """What stands at a place: what the layout says, else the usual line feed and indentation."""
        if place in self.places:
            return str(self.places[place])
        return "\n" + self.indent * depth if usual and self.indent is not None else ""

    def write(self, element: Element, depth: int) -> str:
        """An element with what stands before it."""
        number = self.count
        self.count += 1
        tag = self.tags.get(number, {"name": None, "attributes": ""})
        name = tag["name"] or element.name
        before = self.blanks(2 * number, depth, usual=depth > 0 and element.name != "TD")
        attributes = "".join(f" {key}={quoted(value)}" for key, value in element.attributes.items())
        if element.text is not None:
            inside = self.places.get(2 * number + 1, escaped(element.text))
        else:
            inside = "".join(self.write(child, depth + 1) for child in self.in_order(element, number))
            usual = bool(element.children) and element.name != "TR"
            inside += self.blanks(2 * number + 1, depth, usual=usual)
        return f"{before}<{name}{tag['attributes']}{attributes}>{inside}</{name}>"

    def in_order(self, element: Element, number: int) -> list[Element]:
        """The children in the order of the document."""
        left = list(element.children)
        ordered = []
        for run in self.orders.get(number, ()):
            named = [child for child in left if child.name == run["name"]][: run["count"]]
            ordered += named
            left = [child for child in left if child not in named]
        return ordered + left


def escaped(text: str) -> str:
    """Text between tags."""
    return escape(text, {"\r": "&#13;"})


def quoted(text: str) -> str:
    """The value of an attribute, in quotes."""
    return quoteattr(text, {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"})


def xml_of(record: Record) -> str:
    """The XML of a VOEvent, the same in its canonical form as what it was read from."""
    if record["xml"] is not None:
        return bytes(record["xml"]).decode()
    writer = Writer(record["layout"])
    root = element_of("voe:VOEvent", record)
    if 0 not in writer.tags:
        declared = {"xmlns:voe": NAMESPACE.format(record["version"] or "2.0")}
        if record["schemaLocation"] is not None:
            declared["xmlns:xsi"] = XSI
        root.attributes = declared | root.attributes
    text = writer.write(root, 0)
    return text + str(writer.places.get(2 * writer.count, ""))


if __name__ == "__main__":
    with Path(sys.argv[1]).open("rb") as file:
        for event in fastavro.reader(file):
            print(xml_of(event))
