"""A writer schema as an object with an identity, and its types as a resolved tree.

A schema is chosen by identity and never by trying, so the object is interned: equal text gives the same
object, and everything compiled from a schema can be cached by it. The tree (`Node`) has references by
name resolved, which the lens and the field resolver need and fastavro keeps to itself.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property, lru_cache
from typing import Any

import fastavro
import fastavro.schema

from bridge.errors import SchemaError

__all__ = ["Node", "Schema", "parse_schema"]

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


class Node:
    """One type of a schema, with references resolved (a recursive schema gives a cyclic tree).

    Attributes
    ----------
    kind
        Avro type name: a primitive, or record, array, map, union, enum, fixed.
    name
        Full name of a named type, else empty.
    logical
        Avro logical type, where one is given.
    fields
        Of a record: ``{name: (node, doc)}`` in writer order.
    items
        Of an array its items, of a map its values.
    branches
        Of a union.
    symbols
        Of an enum.
    size
        Of a fixed, in bytes.
    """

    __slots__ = ("attributes", "branches", "fields", "items", "kind", "logical", "name", "size", "symbols")

    def __init__(self, kind: str, name: str = "") -> None:
        self.kind = kind
        self.name = name
        self.logical: str | None = None
        self.fields: dict[str, tuple[Node, str]] = {}
        self.items: Node | None = None
        self.branches: tuple[Node, ...] = ()
        self.symbols: tuple[str, ...] = ()
        self.size = 0
        self.attributes: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Node {self.kind}{' ' + self.name if self.name else ''}>"

    @property
    def element(self) -> Node:
        """Items of an array or values of a map."""
        if self.items is None:
            raise TypeError(f"{self.kind} has no items")
        return self.items

    def without_null(self) -> tuple[Node, bool]:
        """This type with a union of null and one other type made transparent, and whether it may be null."""
        if self.kind != "union":
            return self, self.kind == "null"
        others = [branch for branch in self.branches if branch.kind != "null"]
        nullable = len(others) < len(self.branches)
        if len(others) == 1:
            return others[0], nullable
        return self, nullable

    def to_json(self, seen: set[str] | None = None) -> Any:
        """The type as a schema of its own: a named type is written out where it is first met."""
        seen = set() if seen is None else seen
        if self.kind == "union":
            return [branch.to_json(seen) for branch in self.branches]
        if self.name:
            if self.name in seen:
                return self.name
            seen.add(self.name)
        whole: dict[str, Any] = {"type": self.kind, **self.attributes}
        if self.name:
            whole["name"] = self.name
        if self.kind == "record":
            whole["fields"] = [
                {"name": n, "type": node.to_json(seen)} for n, (node, _) in self.fields.items()
            ]
        elif self.kind == "array":
            whole["items"] = self.element.to_json(seen)
        elif self.kind == "map":
            whole["values"] = self.element.to_json(seen)
        elif self.kind == "enum":
            whole["symbols"] = list(self.symbols)
        elif self.kind == "fixed":
            whole["size"] = self.size
        return whole


class Schema:
    """An Avro writer schema; use `parse_schema` to get one.

    Attributes
    ----------
    text
        The schema as JSON text.
    json
        The schema as it was written, parsed from that text.
    parsed
        The schema as fastavro wants it.
    name
        Full name of the top-level type ("lsst.v10_0.alert"), or the type where it has no name.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self.json: Any = json.loads(text)
        except ValueError as error:
            raise SchemaError(f"The schema is not JSON ({error}).") from error
        names: dict[str, Any] = {}
        try:
            self.parsed: Any = fastavro.parse_schema(self.json, named_schemas=names)
        except Exception as error:
            raise SchemaError(f"The schema is not valid Avro: {error}.") from error
        self.name: str = (
            self.parsed["name"] if isinstance(self.parsed, dict) and "name" in self.parsed else ""
        )
        if not self.name:
            self.name = self.root.kind

    def __repr__(self) -> str:
        return f"<Schema {self.name} {self.fingerprint[:8]}>"

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return parse_schema, (self.text,)

    @cached_property
    def root(self) -> Node:
        """The types of the schema, references resolved."""
        return _build(self.parsed, {})

    @cached_property
    def has_weightless_arrays(self) -> bool:
        """Whether an array has elements of no bytes, so that a few bytes can claim any number of them."""
        return _weightless_array(self.root, set())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the parsing canonical form: equal for schemas that lay bytes out alike."""
        canonical = fastavro.schema.to_parsing_canonical_form(self.parsed)
        return hashlib.sha256(canonical.encode()).hexdigest()


def parse_schema(source: str | bytes | dict[str, Any] | list[Any]) -> Schema:
    """Parse an Avro schema; equal text gives the same object.

    Parameters
    ----------
    source
        JSON text, its UTF-8 bytes, or the parsed JSON.

    Raises
    ------
    SchemaError
        If it is not JSON, or not an Avro schema.
    """
    if isinstance(source, bytes):
        try:
            source = source.decode()
        except UnicodeDecodeError as error:
            raise SchemaError(f"The schema is not UTF-8 text ({error}).") from error
    elif not isinstance(source, str):
        source = json.dumps(source)
    return _intern(source)


@lru_cache(maxsize=512)
def _intern(text: str) -> Schema:
    return Schema(text)


def _build(parsed: Any, names: dict[str, Node]) -> Node:
    if isinstance(parsed, list):
        union = Node("union")
        union.branches = tuple(_build(branch, names) for branch in parsed)
        return union
    if isinstance(parsed, str):
        return names[parsed] if parsed in names else Node(parsed)
    kind = parsed["type"]
    if isinstance(kind, (dict, list)):
        return _build(kind, names)
    if kind in names:
        return names[kind]
    node = Node(
        "record" if kind == "error" else kind, parsed.get("name", "") if kind not in PRIMITIVES else ""
    )
    node.logical = parsed.get("logicalType")
    node.attributes = {k: parsed[k] for k in ("logicalType", "precision", "scale") if k in parsed}
    if node.name:
        names[node.name] = node
    if node.kind == "record":
        for field in parsed["fields"]:
            node.fields[field["name"]] = (_build(field["type"], names), field.get("doc") or "")
    elif node.kind == "array":
        node.items = _build(parsed["items"], names)
    elif node.kind == "map":
        node.items = _build(parsed["values"], names)
    elif node.kind == "enum":
        node.symbols = tuple(parsed["symbols"])
    elif node.kind == "fixed":
        node.size = parsed["size"]
    return node


def _weightless(node: Node, above: frozenset[int] = frozenset()) -> bool:
    """Whether a value of a type can take no bytes."""
    if node.kind == "record":
        below = above | {id(node)}
        return id(node) not in above and all(_weightless(inner, below) for inner, _ in node.fields.values())
    return node.kind == "null" or (node.kind == "fixed" and not node.size)


def _weightless_array(node: Node, seen: set[int]) -> bool:
    if id(node) in seen:
        return False
    seen.add(id(node))
    if node.kind == "array" and _weightless(node.element):
        return True
    inner = [field for field, _ in node.fields.values()] + list(node.branches)
    inner += [node.items] if node.items is not None else []
    return any(_weightless_array(each, seen) for each in inner)
