"""Plain XML, an element for each field, as the papers compared: by lxml and by the standard library."""

from __future__ import annotations

import xml.etree.ElementTree
from collections.abc import Callable, Sequence
from typing import Any

import lxml.etree

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from benchmarks.encodings.codecs.texts import NumberStyle, SingleFloats, parser_of, text_of
from bridge.alerts.schema import Node, Schema

__all__ = ["CODECS"]

Fill = Callable[[Any, Any], None]


def elements(
    key: str, name: str, library: str, *, style: NumberStyle = "short", indent: bool = False
) -> Codec:
    """An encoding with one element for each field that is not null, in the order of the schema."""
    tree: Any = lxml.etree if library == "lxml" else xml.etree.ElementTree
    how: dict[str, Any] = {"encoding": "UTF-8", "xml_declaration": True}
    if indent:
        how["pretty_print"] = True

    def compile_pair(schema: Schema) -> Pair:
        singles = SingleFloats(schema.root)
        fill = _filler(schema.root, tree, style, singles)
        read = _reader(schema.root)

        def encode(records: Sequence[Record]) -> bytes:
            root = tree.Element("alert" if len(records) == 1 else "alerts")
            for record in records:
                if style == "short":
                    singles.render(record)
                fill(root if len(records) == 1 else tree.SubElement(root, "alert"), record)
            text: bytes = tree.tostring(root, **how)
            return text

        def decode(data: bytes) -> list[Record]:
            root = tree.fromstring(data)
            return [read(root)] if root.tag == "alert" else [read(alert) for alert in root]

        return Pair(encode, decode)

    return Codec(key, name, "XML", library, compile_pair, batches=True)


def _filler(node: Node, tree: Any, style: NumberStyle, singles: SingleFloats) -> Fill:
    """What puts a value into an element."""
    node, _ = node.without_null()
    new = tree.SubElement
    if node.kind == "record":
        fields = [(name, _filler(inner, tree, style, singles)) for name, (inner, _) in node.fields.items()]

        def fill_record(element: Any, value: Any) -> None:
            for name, fill in fields:
                item = value[name]
                if item is not None:
                    fill(new(element, name), item)

        return fill_record
    if node.kind in ("array", "map"):
        inner = _filler(node.element, tree, style, singles)

        def fill_array(element: Any, value: Any) -> None:
            for item in value:
                # An item that is null has to keep its place.
                if item is None:
                    new(element, "null")
                else:
                    inner(new(element, "item"), item)

        def fill_map(element: Any, value: Any) -> None:
            for name, item in value.items():
                if item is None:
                    new(element, "null", name=name)
                else:
                    inner(new(element, "item", name=name), item)

        return fill_array if node.kind == "array" else fill_map
    to_text = text_of(node, style, singles)

    def fill_scalar(element: Any, value: Any) -> None:
        element.text = to_text(value)

    return fill_scalar


def _reader(node: Node) -> Callable[[Any], Any]:
    """What makes a value of an element."""
    node, _ = node.without_null()
    if node.kind == "record":
        readers = {name: _reader(inner) for name, (inner, _) in node.fields.items()}

        def read_record(element: Any) -> Record:
            record: Record = dict.fromkeys(readers)
            for child in element:
                name = child.tag
                record[name] = readers[name](child)
            return record

        return read_record
    if node.kind == "array":
        inner = _reader(node.element)
        return lambda element: [None if child.tag == "null" else inner(child) for child in element]
    if node.kind == "map":
        inner = _reader(node.element)
        return lambda element: {
            child.get("name"): None if child.tag == "null" else inner(child) for child in element
        }
    parse = parser_of(node)
    return lambda element: parse(element.text or "")


CODECS = (
    elements("xml", "XML", "lxml"),
    elements("xml-indented", "XML, indented", "lxml", indent=True),
    elements("xml-long", "XML, numbers unrounded", "lxml", style="long"),
    elements("xml-etree", "XML (ElementTree)", "Python"),
)
