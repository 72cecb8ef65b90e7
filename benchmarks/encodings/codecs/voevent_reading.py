"""A What of a VOEvent back to the record of an alert; compiled once for a schema.

It stands apart from the writing because both are long enough; what they share of a schema's shape is here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.encodings.codecs.base import Record, UnsuitableError
from benchmarks.encodings.codecs.texts import parser_of
from bridge.alerts.schema import Node

__all__ = ["WhatReader", "columns_of", "is_record", "scalar_of"]

SCALARS = {"boolean", "int", "long", "float", "double", "bytes", "string"}


class WhatReader:
    """Makes a record of a What; compiled once for a schema."""

    def __init__(self, node: Node) -> None:
        self._params: dict[str, dict[str, Callable[[str], Any]]] = {}
        self._tables: dict[str, tuple[str, str, list[tuple[str, Any]], Callable[[Any], Any]]] = {}
        self._maps: dict[str, tuple[str, str, Any]] = {}
        self._empty: dict[str, list[str]] = {}
        self._learn(node, "")

    def __call__(self, what: Any) -> Record:
        found: dict[str, Record] = {"": dict.fromkeys(self._empty[""])}
        top, parsers = found[""], self._params[""]
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
                inside = self._params[name]
                for param in child.iterchildren():
                    key = param.get("name")
                    record[key] = inside[key](param.get("value"))
                parent, _, key = name.rpartition(".")
                found[parent][key] = found[name] = record
        return top

    def _learn(self, node: Node, path: str) -> None:
        parsers: dict[str, Callable[[str], Any]] = {}
        self._params[path] = parsers
        self._empty[path] = list(node.fields)
        for name, (field, _) in node.fields.items():
            inner, _nullable = field.without_null()
            full = f"{path}.{name}" if path else name
            if inner.kind == "record":
                self._learn(inner, full)
            elif inner.kind == "map" and not is_record(inner.element):
                parse = parser_of(scalar_of(inner.element, full))
                self._maps[full] = (path, name, lambda text, parse=parse: parse(text) if text else None)
            elif inner.kind in ("array", "map"):
                columns = [(key, _unquoting(parser_of(each), each)) for key, each in columns_of(inner, full)]
                make: Callable[[Any], Any] = list
                if inner.kind == "map":
                    columns.insert(0, ("key", str))
                    make = _by_key
                elif not is_record(inner.element):
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


def is_record(node: Node) -> bool:
    return node.without_null()[0].kind == "record"


def columns_of(node: Node, path: str) -> list[tuple[str, Node]]:
    inner, _ = node.element.without_null()
    if inner.kind != "record":
        return [("value", scalar_of(inner, path))]
    return [(name, scalar_of(field, f"{path}.{name}")) for name, (field, _) in inner.fields.items()]


def scalar_of(node: Node, path: str) -> Node:
    inner, _ = node.without_null()
    if inner.kind not in SCALARS:
        raise UnsuitableError(f"VOEvent has no place for {path}, a value of type {inner.kind} in a table")
    return inner


def _unquoting(parse: Callable[[str], Any], node: Node) -> Callable[[str], Any]:
    if node.kind not in ("string", "bytes"):
        return parse
    return lambda text: parse(text[1:-1] if text[0] == '"' else text)
