"""Paths to fields: what a dotted name means in a schema, and which names there are.

Everything that names a field (filters, mappings, the lens) resolves it here, so all of them agree on
what a path reaches and complain about a wrong one in the same words.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from bridge.alerts.column import DTYPES, column_of
from bridge.alerts.paths import Key, join_path, split_path
from bridge.alerts.schema import Node, Schema
from bridge.errors import SchemaError

__all__ = ["Field", "Kind", "descend", "follow", "has_path", "list_fields", "resolve"]

Kind = Literal["scalar", "column", "length", "value"]

COLUMN_TYPES = frozenset({*DTYPES, "string", "bytes", "enum", "fixed"})


@dataclass(frozen=True, slots=True)
class Field:
    """What a path reaches in a schema.

    Parameters
    ----------
    path
        The path as it was asked for.
    kind
        ``scalar``: a Python value or None. ``column``: a `Column` over the one array on the way, or None
        where that array is null. ``length``: number of elements of an array, or None. ``value``: whatever
        fastavro decodes (records, maps, logical types, arrays of records, nested arrays).
    type
        Avro type at the end of the path.
    logical
        Its logical type.
    nullable
        Whether the value (of a column: an element) may be null.
    doc
        The writer's description of the field.
    names
        The path without `len()`, in steps (see `bridge.alerts.paths`).
    """

    path: str
    kind: Kind
    type: str
    logical: str | None
    nullable: bool
    doc: str
    names: tuple[str, ...]


def resolve(schema: Schema, path: str) -> Field:
    """Find what a path reaches.

    Parameters
    ----------
    schema
        The writer schema.
    path
        Dotted names; unions with null are transparent, crossing an array gives a column, map keys are
        names; ``path['key']`` is the first record of an array whose ``name`` is the key, or the value of
        a map; ``len(path)`` is the number of elements of an array.

    Raises
    ------
    SchemaError
        If a name is unknown (the nearest ones are named), or the path goes where there are no fields.
    """
    try:
        return _locate(schema, path)
    except _NoPath as error:
        raise SchemaError(error.message(schema)) from None


def has_path(schema: Schema, path: str) -> bool:
    """Whether a path reaches something in a schema; without the search for what was probably meant."""
    try:
        _locate(schema, path)
    except _NoPath:
        return False
    return True


class _NoPath(Exception):  # noqa: N818 - a signal inside this module, told to people by `message`
    def __init__(self, message: Callable[[Schema], str]) -> None:
        super().__init__()
        self.message = message


def _locate(schema: Schema, path: str) -> Field:
    wants_length = path.startswith("len(") and path.endswith(")")
    names = split_path((path[4:-1] if wants_length else path).strip())
    node, nullable = schema.root.without_null()
    crossed, in_map, doc = 0, False, ""
    for depth, name in enumerate(names):
        if isinstance(name, Key) and node.kind == "array":
            node = _named_element(path, names[:depth], node)
            nullable, in_map, doc = True, True, ""
            continue
        while node.kind == "array":
            crossed += 1
            node, nullable = node.element.without_null()
        if node.kind == "map":
            node, _ = node.element.without_null()
            nullable, in_map, doc = True, True, ""
            continue
        if node.kind != "record" or isinstance(name, Key):
            above = join_path(names[:depth]) or "the alert"
            raise SchemaError(
                f"Field {path!r} is unknown: {above!r} is of type {node.kind} and has no fields."
            )
        if name not in node.fields:
            raise _NoPath(partial(_unknown, path, names, depth, node))
        inner, doc = node.fields[name]
        node, null_here = inner.without_null()
        nullable = nullable or null_here
    if wants_length:
        if node.kind != "array" or crossed or in_map:
            wrong = f"{path!r} asks for the length of a field that is not an array ({node.kind})."
            raise _NoPath(lambda _: wrong)
        return Field(path, "length", "long", None, nullable, doc, names)
    kind: Kind = "scalar"
    if any(isinstance(name, Key) for name in names):
        return _picked(path, node, crossed, doc, names)
    if node.kind == "array" and not crossed and not in_map:
        element, element_nullable = node.element.without_null()
        if element.kind in COLUMN_TYPES and element.logical is None:
            return Field(path, "column", element.kind, None, element_nullable, doc, names)
    if crossed == 1 and not in_map and node.kind in COLUMN_TYPES and node.logical is None:
        kind = "column"
    elif crossed or node.logical is not None or node.kind not in COLUMN_TYPES or in_map:
        kind = "value"
    avro_type = node.kind if crossed else _plain_type(node)
    return Field(path, kind, avro_type, node.logical, nullable, doc, names)


def _named_element(path: str, above: tuple[str, ...], node: Node) -> Node:
    """The record of which an array holds several, told apart by their names."""
    element, _ = node.element.without_null()
    inner = element.fields.get("name") if element.kind == "record" else None
    if inner is None or inner[0].without_null()[0].kind != "string":
        raise SchemaError(f"Field {path!r} is unknown: the entries of {join_path(above)!r} have no names.")
    return element


def _picked(path: str, node: Node, crossed: int, doc: str, names: tuple[str, ...]) -> Field:
    """What a path with keys reaches: it may be missing, and is decoded by fastavro."""
    kind: Kind = "value"
    if node.kind == "array" and not crossed:
        node, kind = node.element.without_null()[0], "column"
    elif crossed == 1:
        kind = "column"
    avro_type = _plain_type(node)
    if kind == "column" and (avro_type not in COLUMN_TYPES or node.logical is not None):
        kind, avro_type = "value", "array"
    return Field(path, kind, avro_type, node.logical, True, doc, names)


def _plain_type(node: Node) -> str:
    """Avro type of a value; of a union of number types the one that holds them all."""
    kinds = {branch.kind for branch in node.branches} - {"null"}
    if kinds and kinds <= {"int", "long", "float", "double"}:
        return "double" if kinds & {"float", "double"} else "long"
    return node.kind


def list_fields(schema: Schema) -> list[Field]:
    """All scalars and columns that a path reaches, in writer order."""
    return [
        field
        for path in _leaves(schema.root, (), frozenset())
        for field in [resolve(schema, path)]
        if field.kind in ("scalar", "column") or field.logical is not None
    ]


def follow(record: Any, field: Field, make_column: Callable[[Any, str], Any] = column_of) -> Any:
    """The value of a field in a record that fastavro decoded: the slow way of the lens.

    Parameters
    ----------
    record
        What fastavro decoded.
    field
        The wanted field.
    make_column
        Makes a column of its values and their Avro type.

    Returns
    -------
    What the lens gives for the field's kind.
    """
    value = descend(record, field.names)
    if field.kind == "length":
        return None if value is None else len(value)
    if field.kind == "column":
        return None if value is None else make_column(value, field.type)
    return value


def descend(value: Any, names: tuple[str, ...]) -> Any:
    """Follow names through decoded records and maps; a list gives the list of what its elements lead to."""
    for depth, name in enumerate(names):
        if value is None:
            return None
        if isinstance(value, list):
            if not isinstance(name, Key):
                return [descend(element, names[depth:]) for element in value]
            value = next((element for element in value if element.get("name") == name), None)
        else:
            value = value.get(name)
    return value


def _leaves(node: Node, names: tuple[str, ...], above: frozenset[int]) -> Iterator[str]:
    node, _ = node.without_null()
    while node.kind == "array":
        node, _ = node.element.without_null()
    if node.kind == "record":
        if id(node) in above:
            return
        for name, (inner, _) in node.fields.items():
            yield from _leaves(inner, (*names, name), above | {id(node)})
    elif node.kind not in ("map", "union", "null") and names:
        yield ".".join(names)


def _unknown(path: str, names: tuple[str, ...], depth: int, node: Node, schema: Schema) -> str:
    where = join_path(names[:depth]) or "the alert"
    meant = difflib.get_close_matches(names[depth], node.fields, n=3, cutoff=0.6)
    full = [join_path((*names[:depth], name)) for name in meant]
    if not full:
        leaves = list(_leaves(schema.root, (), frozenset()))
        tail = names[-1].lower()
        full = [leaf for leaf in leaves if leaf.rsplit(".", 1)[-1].lower() == tail][:3]
        full = full or difflib.get_close_matches(".".join(names), leaves, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(name) for name in full)}?" if full else ""
    return f"Field {path!r} is unknown in schema {schema.name}: {where!r} has no {names[depth]!r}.{hint}"
