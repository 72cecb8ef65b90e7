"""VOEvent with all content of an alert: scalars as Params, records and maps as Groups, arrays as Tables.

Bytes are in base64. It is the smallest VOEvent that holds everything: without units, UCDs and descriptions,
and with a Who that says only what the standard wants. One rendering is made by lxml alone, the other by
voevent-parse, which has no tables of its own, so that these are lxml's there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any

import lxml.etree as tree

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from benchmarks.encodings.codecs.texts import SingleFloats, text_of
from benchmarks.encodings.codecs.voevent_reading import WhatReader, columns_of, is_record, scalar_of
from bridge.alerts.schema import Node, Schema

__all__ = ["CODECS", "with_voevent_parse"]

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"
AUTHOR = "ivo://org.example/bench"
DATE = "2026-01-01T00:00:00"
DATA_TYPES = {"int": "int", "long": "int", "float": "float", "double": "float"}
Put = Callable[[Any, Any], None]


class Maker:
    """How the library of the day makes a packet: by lxml alone."""

    library = "lxml"

    def packet(self) -> Any:
        """Root with Who and an empty What."""
        root = tree.Element(f"{{{NAMESPACE}}}VOEvent", nsmap={"voe": NAMESPACE})
        for name, value in (("version", "2.0"), ("role", "test"), ("ivorn", f"{AUTHOR}#1")):
            root.set(name, value)
        who = tree.SubElement(root, "Who")
        tree.SubElement(who, "AuthorIVORN").text = AUTHOR
        tree.SubElement(who, "Date").text = DATE
        tree.SubElement(root, "What")
        return root

    def param(self, parent: Any, name: str, value: str, data_type: str | None) -> None:
        """A Param at the end of What or of a Group; dataType is left out where it is the default."""
        if data_type is None:
            tree.SubElement(parent, "Param", name=name, value=value)
        else:
            tree.SubElement(parent, "Param", name=name, value=value, dataType=data_type)

    def group(self, what: Any, name: str) -> Any:
        """An empty Group."""
        return tree.SubElement(what, "Group", name=name)

    def dumps(self, root: Any) -> bytes:
        """The packet as bytes."""
        text: bytes = tree.tostring(root, encoding="UTF-8", xml_declaration=True)
        return text

    def loads(self, data: bytes) -> Any:
        """The packet's root."""
        return tree.fromstring(data)


class VoeventParseMaker(Maker):
    """The same by voevent-parse."""

    library = "voevent-parse"

    def __init__(self, vp: ModuleType) -> None:
        self._vp = vp

    def packet(self) -> Any:
        root = self._vp.Voevent(stream="org.example/bench", stream_id="1", role="test")
        self._vp.set_who(root, date=datetime.fromisoformat(DATE), author_ivorn="org.example/bench")
        return root

    def param(self, parent: Any, name: str, value: str, data_type: str | None) -> None:
        parent.append(self._vp.Param(name, value=value, dataType=data_type, ac=False))

    def group(self, what: Any, name: str) -> Any:
        group = self._vp.Group([], name=name)
        what.append(group)
        return what.Group[-1]

    def dumps(self, root: Any) -> bytes:
        text: bytes = self._vp.dumps(root)
        return text

    def loads(self, data: bytes) -> Any:
        return self._vp.loads(data)


def voevent(key: str, name: str, maker: Maker) -> Codec:
    """VOEvents, made and read by the maker's library."""

    def compile_pair(schema: Schema) -> Pair:
        singles = SingleFloats(schema.root)
        put = _put_record(schema.root, "", maker, singles)
        read = WhatReader(schema.root)

        def encode(records: Sequence[Record]) -> bytes:
            singles.render(records[0])
            root = maker.packet()
            what = root.find("What")
            put((what, what), records[0])
            return maker.dumps(root)

        def decode(data: bytes) -> list[Record]:
            return [read(maker.loads(data).find("What"))]

        return Pair(encode, decode)

    return Codec(key, name, "VOEvent", maker.library, compile_pair)


def _put_record(node: Node, path: str, maker: Maker, singles: SingleFloats) -> Put:
    """What puts a record into (What, the Group that is its own). Groups do not nest: names are paths."""
    puts = [(name, _put_field(inner, name, path, maker, singles)) for name, (inner, _) in node.fields.items()]

    def put(place: Any, record: Record) -> None:
        for name, each in puts:
            value = record[name]
            if value is not None:
                each(place, value)

    return put


def _put_field(node: Node, name: str, path: str, maker: Maker, singles: SingleFloats) -> Put:
    node, _ = node.without_null()
    full = f"{path}.{name}" if path else name
    if node.kind == "record":
        inside = _put_record(node, full, maker, singles)
        return lambda place, value: inside((place[0], maker.group(place[0], full)), value)
    if node.kind == "map" and not is_record(node.element):
        values = scalar_of(node.element, full)
        to_text, data_type = text_of(values, "short", singles), DATA_TYPES.get(values.kind)

        def put_map(place: Any, value: dict[str, Any]) -> None:
            group = maker.group(place[0], full)
            for key, item in value.items():
                maker.param(group, key, "" if item is None else to_text(item), data_type)

        return put_map
    if node.kind in ("array", "map"):
        return _put_table(node, full, singles)
    to_text, data_type = text_of(scalar_of(node, full), "short", singles), DATA_TYPES.get(node.kind)
    return lambda place, value: maker.param(place[1], name, to_text(value), data_type)


def _put_table(node: Node, full: str, singles: SingleFloats) -> Put:
    columns = columns_of(node, full)
    cells = [(name, _quoting(text_of(inner, "short", singles), inner)) for name, inner in columns]
    of_records, is_map = is_record(node.element), node.kind == "map"
    new = tree.SubElement

    def put(place: Any, rows: Any) -> None:
        # Finished before it is hung into the packet: voevent-parse's elements take no text afterwards.
        table = tree.Element("Table", name=full)
        if is_map:
            new(table, "Field", name="key")
        for name, inner in columns:
            field = new(table, "Field", name=name)
            if inner.kind in DATA_TYPES:
                field.set("dataType", DATA_TYPES[inner.kind])
        if rows:
            data = new(table, "Data")
        for row in rows:
            line = new(data, "TR")
            if is_map:
                new(line, "TD").text = row
                row = rows[row]
            for name, to_text in cells:
                value = row[name] if of_records else row
                cell = new(line, "TD")
                if value is not None:
                    cell.text = to_text(value)
        place[0].append(table)

    return put


# An empty cell is null. So that an empty string is none, it is written as a pair of quotes.
def _quoting(to_text: Callable[[Any], str], node: Node) -> Callable[[Any], str]:
    if node.kind not in ("string", "bytes"):
        return to_text

    def quoted(value: Any) -> str:
        text = to_text(value)
        return text if text and text[0] != '"' else f'"{text}"'

    return quoted


CODECS = (voevent("voevent", "VOEvent", Maker()),)


def with_voevent_parse(vp: ModuleType) -> Codec:
    """The encoding by voevent-parse."""
    return voevent("voevent-parse", "VOEvent (voevent-parse)", VoeventParseMaker(vp))
