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
        The path without `len()`, split at the dots.
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
        names; ``len(path)`` is the number of elements of an array.

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
    names = tuple((path[4:-1] if wants_length else path).strip().split("."))
    node, nullable = schema.root.without_null()
    crossed, in_map, doc = 0, False, ""
    for depth, name in enumerate(names):
        while node.kind == "array":
            crossed += 1
            node, nullable = node.element.without_null()
        if node.kind == "map":
            node, _ = node.element.without_null()
            nullable, in_map, doc = True, True, ""
            continue
        if node.kind != "record":
            above = ".".join(names[:depth]) or "the alert"
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
    if node.kind == "array" and not crossed and not in_map:
        element, element_nullable = node.element.without_null()
        if element.kind in COLUMN_TYPES and element.logical is None:
            return Field(path, "column", element.kind, None, element_nullable, doc, names)
    if crossed == 1 and not in_map and node.kind in COLUMN_TYPES and node.logical is None:
        kind = "column"
    elif crossed or node.logical is not None or node.kind not in COLUMN_TYPES or in_map:
        kind = "value"
    return Field(path, kind, node.kind, node.logical, nullable, doc, names)


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
            return [descend(element, names[depth:]) for element in value]
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
    where = ".".join(names[:depth]) or "the alert"
    meant = difflib.get_close_matches(names[depth], node.fields, n=3, cutoff=0.6)
    full = [".".join((*names[:depth], name)) for name in meant]
    if not full:
        leaves = list(_leaves(schema.root, (), frozenset()))
        tail = names[-1].lower()
        full = [leaf for leaf in leaves if leaf.rsplit(".", 1)[-1].lower() == tail][:3]
        full = full or difflib.get_close_matches(".".join(names), leaves, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(name) for name in full)}?" if full else ""
    return f"Field {path!r} is unknown in schema {schema.name}: {where!r} has no {names[depth]!r}.{hint}"
