"""VOEvent with all content of an alert: scalars as Params, records and maps as Groups, arrays as Tables.

Bytes are in base64. It is the smallest VOEvent that holds everything: without units, UCDs and descriptions,
and with a Who that says only what the standard wants. One rendering is made by lxml alone, the other by
voevent-parse, which has no tables of its own, so that these are lxml's there, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from types import ModuleType
from typing import Any

import lxml.etree as tree

from benchmarks.encodings.codecs.base import Codec, Pair, Record, UnsuitableError
from benchmarks.encodings.codecs.texts import SingleFloats, parser_of, text_of
from bridge.alerts.schema import Node, Schema

__all__ = ["CODECS", "with_voevent_parse"]

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v2.0"
AUTHOR = "ivo://org.example/bench"
DATE = "2026-01-01T00:00:00"
SCALARS = {"boolean", "int", "long", "float", "double", "bytes", "string"}
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
        read = _Reader(schema.root)

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
    if node.kind == "map" and not _is_record(node.element):
        values = _scalar(node.element, full)
        to_text, data_type = text_of(values, "short", singles), DATA_TYPES.get(values.kind)

        def put_map(place: Any, value: dict[str, Any]) -> None:
            group = maker.group(place[0], full)
            for key, item in value.items():
                maker.param(group, key, "" if item is None else to_text(item), data_type)

        return put_map
    if node.kind in ("array", "map"):
        return _put_table(node, full, singles)
    to_text, data_type = text_of(_scalar(node, full), "short", singles), DATA_TYPES.get(node.kind)
    return lambda place, value: maker.param(place[1], name, to_text(value), data_type)


def _put_table(node: Node, full: str, singles: SingleFloats) -> Put:
    columns = _columns(node, full)
    cells = [(name, _quoting(text_of(inner, "short", singles), inner)) for name, inner in columns]
    is_record, is_map = _is_record(node.element), node.kind == "map"
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
                value = row[name] if is_record else row
                cell = new(line, "TD")
                if value is not None:
                    cell.text = to_text(value)
        place[0].append(table)

    return put


class _Reader:
    """Makes a record of a What; compiled once for a schema."""

    def __init__(self, node: Node) -> None:
        self._groups: dict[str, tuple[str, dict[str, Any]]] = {}
        self._tables: dict[str, tuple[str, str, list[tuple[str, Any]], Callable[[Any], Any]]] = {}
        self._maps: dict[str, tuple[str, str, Any]] = {}
        self._empty: dict[str, list[str]] = {}
        self._learn(node, "")

    def __call__(self, what: Any) -> Record:
        found: dict[str, Record] = {"": dict.fromkeys(self._empty[""])}
        top, parsers = found[""], self._groups[""][1]
        for child in what.iterchildren():
            tag, name = child.tag, child.get("name")
            if tag == "Param":
                top[name] = parsers[name](child.get("value"))
            elif tag == "Table":
                parent, key, columns, make = self._tables[name]
                found[parent][key] = make(_rows(child, columns))
            elif name in self._maps:
                parent, key, parse = self._maps[name]
                found[parent][key] = {p.get("name"): parse(p.get("value")) for p in child.iterchildren()}
            else:
                record: Record = dict.fromkeys(self._empty[name])
                inside = self._groups[name][1]
                for param in child.iterchildren():
                    key = param.get("name")
                    record[key] = inside[key](param.get("value"))
                parent, _, key = name.rpartition(".")
                found[parent][key] = found[name] = record
        return top

    def _learn(self, node: Node, path: str) -> None:
        parsers: dict[str, Any] = {}
        self._groups[path] = (path, parsers)
        self._empty[path] = list(node.fields)
        for name, (field, _) in node.fields.items():
            inner, _nullable = field.without_null()
            full = f"{path}.{name}" if path else name
            if inner.kind == "record":
                self._learn(inner, full)
            elif inner.kind == "map" and not _is_record(inner.element):
                parse = parser_of(_scalar(inner.element, full))
                self._maps[full] = (path, name, lambda text, parse=parse: parse(text) if text else None)
            elif inner.kind in ("array", "map"):
                columns = [(key, _unquoting(parser_of(each), each)) for key, each in _columns(inner, full)]
                make: Callable[[Any], Any] = list
                if inner.kind == "map":
                    columns.insert(0, ("key", str))
                    make = _by_key
                elif not _is_record(inner.element):
                    make = _values
                self._tables[full] = (path, name, columns, make)
            else:
                parsers[name] = parser_of(inner)


def _rows(table: Any, columns: list[tuple[str, Any]]) -> Iterator[Record]:
    data = table.find("Data")
    for row in data.iterchildren() if data is not None else ():
        cells = zip(columns, row.iterchildren(), strict=True)
        yield {name: None if cell.text is None else parse(cell.text) for (name, parse), cell in cells}


def _values(rows: Iterator[Record]) -> list[Any]:
    return [row["value"] for row in rows]


def _by_key(rows: Iterator[Record]) -> dict[str, Record]:
    return {row.pop("key"): row for row in rows}


def _is_record(node: Node) -> bool:
    return node.without_null()[0].kind == "record"


def _columns(node: Node, path: str) -> list[tuple[str, Node]]:
    inner, _ = node.element.without_null()
    if inner.kind != "record":
        return [("value", _scalar(inner, path))]
    return [(name, _scalar(field, f"{path}.{name}")) for name, (field, _) in inner.fields.items()]


def _scalar(node: Node, path: str) -> Node:
    inner, _ = node.without_null()
    if inner.kind not in SCALARS:
        raise UnsuitableError(f"VOEvent has no place for {path}, a value of type {inner.kind} in a table")
    return inner


# An empty cell is null. So that an empty string is none, it is written as a pair of quotes.
def _quoting(to_text: Callable[[Any], str], node: Node) -> Callable[[Any], str]:
    if node.kind not in ("string", "bytes"):
        return to_text

    def quoted(value: Any) -> str:
        text = to_text(value)
        return text if text and text[0] != '"' else f'"{text}"'

    return quoted


def _unquoting(parse: Callable[[str], Any], node: Node) -> Callable[[str], Any]:
    if node.kind not in ("string", "bytes"):
        return parse
    return lambda text: parse(text[1:-1] if text[0] == '"' else text)


CODECS = (voevent("voevent", "VOEvent", Maker()),)


def with_voevent_parse(vp: ModuleType) -> Codec:
    """The encoding by voevent-parse."""
    return voevent("voevent-parse", "VOEvent (voevent-parse)", VoeventParseMaker(vp))
