"""The rest of a document: fields that a mapping neither names nor leaves out, as Groups and Tables.

Each mission adds fields to the notices' common schema; none of them may be lost because nobody wrote it down.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bridge.mapping.content import Group, Paths, Table, Value
from bridge.mapping.documents.paths import first_value, plain_path
from bridge.mapping.documents.texts import is_scalar
from bridge.mapping.model import Mapping

__all__ = ["Named", "named_paths", "rest_of", "top_names", "write_rest"]

EXTRAS = "extras"
"""Name of the Group of fields at the top of a document."""

Keys = tuple[str, ...]


def rest_of(content: dict[str, Any], mapping: Mapping, named: Named) -> dict[str, Any]:
    """What of a document is not named: nested objects keep their place, named ones are gone.

    Parameters
    ----------
    content
        The document.
    mapping
        Its mapping, which says what is left out.
    named
        What `named_paths` gives for the mapping.
    """
    chosen = (first_value(content, paths)[1] for paths in named.alternatives)
    written = named.paths | {plain_path(path) for path in chosen if path}
    return _unnamed(content, "", mapping, written)


def _unnamed(value: dict[str, Any], above: str, mapping: Mapping, written: frozenset[str]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, inner in value.items():
        path = f"{above}.{key}" if above else key
        if inner is None or _is_written(path, inner, written) or mapping.reason_left_out(path) is not None:
            continue
        if isinstance(inner, dict):
            inner = _unnamed(inner, path, mapping, written)
        elif isinstance(inner, list) and any(isinstance(row, dict) for row in inner):
            inner = [_unnamed(row, path, mapping, written) if isinstance(row, dict) else row for row in inner]
        if inner not in ({}, []):
            out[key] = inner
    return out


def _is_written(path: str, value: Any, written: frozenset[str]) -> bool:
    """Whether a value is in the packet by name: single values, arrays of these, objects by ``path.*``.

    A mission may put an object where the mapping thinks of a number; then it is part of the rest.
    """
    if isinstance(value, dict):
        return f"{path}.*" in written and all(_is_plain(member) for member in value.values())
    return path in written and _is_plain(value)


def _is_plain(value: Any) -> bool:
    return is_scalar(value) or (isinstance(value, list) and all(map(is_scalar, value)))


@dataclass(frozen=True, slots=True)
class Named:
    """What a mapping writes by name: paths without indices (``path.*``: a whole object), and alternatives.

    Of alternatives only the first that a document has is written; another one is part of the rest.
    """

    paths: frozenset[str]
    alternatives: tuple[Paths, ...]


def named_paths(mapping: Mapping) -> Named:
    """What a mapping writes by name in Params, Tables and images; position and time are Params as well."""
    values = [*mapping.params, *(value for group in mapping.groups for value in group.params)]
    # One element of an array of objects says nothing of the others.
    ways = [tuple(path for path in value.paths if "]." not in path) for value in values]
    paths = {paths[0] for paths in ways if len(paths) == 1}
    for table in mapping.tables:
        paths |= {f"{source}.{path}" for source in table.source for v in table.columns for path in v.paths}
    paths |= {cutout.path for cutout in mapping.cutouts}
    objects = {f"{path}.*" for group in mapping.groups if group.each for path in group.each.paths}
    return Named(frozenset(map(plain_path, paths)) | objects, tuple(way for way in ways if len(way) > 1))


@lru_cache(maxsize=64)
def top_names(mapping: Mapping) -> frozenset[str]:
    """Names at the top of the documents that a mapping is for, as far as it knows them."""
    named = named_paths(mapping)
    place, instants = mapping.place, mapping.instants
    looked_at = (*place.ra, *place.dec, *place.error, *(path for item in instants for path in item.paths))
    paths = (*named.paths, *(path for way in named.alternatives for path in way), *looked_at)
    return frozenset(plain_path(path).split(".")[0] for path in paths)


def write_rest(
    rest: dict[str, Any], taken: set[str], known: Mapping
) -> tuple[list[tuple[Group, dict[str, Any]]], list[tuple[Table, dict[str, Any]]]]:
    """Groups and Tables for what `rest_of` left, each with what it shows.

    Parameters
    ----------
    rest
        What is to be written.
    taken
        Names that groups and tables of the packet have already; those given here are added.
    known
        The mapping: what a Param means that has the name of a column, the column means, too.

    Returns
    -------
    Groups with their members by name, and Tables with a document of their own, because a key of a notice may
    hold characters that mean something in a path.
    """
    meanings = _meanings(known)
    groups: dict[Keys, dict[str, Any]] = {}
    tables: list[tuple[Table, dict[str, Any]]] = []
    for keys, value in _parts(rest, ()):
        if isinstance(value, list) and any(isinstance(row, dict) for row in value):
            tables.append(_table(_free(".".join(keys), taken), value, meanings))
        else:
            groups.setdefault(keys[:-1], {})[keys[-1]] = value
    named = [
        (Group(name=_free(".".join(keys) or EXTRAS, taken)), members) for keys, members in groups.items()
    ]
    return named, tables


def _parts(value: dict[str, Any], above: Keys) -> Iterator[tuple[Keys, Any]]:
    """What is no object, with its keys; an array of arrays as JSON text, having no other form in a packet."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _parts(inner, (*above, key))
        elif isinstance(inner, list) and any(isinstance(element, list) for element in inner):
            yield (*above, key), json.dumps(inner, separators=(",", ":"), ensure_ascii=False, default=str)
        else:
            yield (*above, key), inner


@lru_cache(maxsize=64)
def _meanings(mapping: Mapping) -> dict[str, Value]:
    """The Params of a mapping that are fields of the notice as they stand, by name."""
    values = (*mapping.params, *(value for group in mapping.groups for value in group.params))
    return {
        value.name: value
        for value in values
        if value.paths == (value.name,) and not (value.convert or value.codes)
    }


def _table(name: str, rows: list[Any], meanings: dict[str, Value]) -> tuple[Table, dict[str, Any]]:
    flat = [_flat(row) if isinstance(row, dict) else {"value": row} for row in rows]
    keys = {
        column: f"column{number}"
        for number, column in enumerate(dict.fromkeys(key for row in flat for key in row))
    }
    columns = tuple(_column(column, key, meanings.get(column)) for column, key in keys.items())
    content = {"rows": [{keys[column]: value for column, value in row.items()} for row in flat]}
    return Table(name=name, source=("rows",), columns=columns), content


def _column(name: str, key: str, meaning: Value | None) -> Value:
    if meaning is None:
        return Value(name=name, paths=(key,))
    return Value(name=name, paths=(key,), ucd=meaning.ucd, unit=meaning.unit, type=meaning.type)


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """A row as columns; an array of objects within it gives one column for each of their fields."""
    out: dict[str, Any] = {}
    for keys, value in _parts(row, ()):
        path = ".".join(keys)
        if isinstance(value, list) and not all(is_scalar(element) for element in value):
            inner = [_flat(element) if isinstance(element, dict) else {"value": element} for element in value]
            for name in dict.fromkeys(key for element in inner for key in element):
                out[f"{path}.{name}"] = [element.get(name) for element in inner]
        else:
            out[path] = value
    return out


def _free(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free in taken:
        free, number = f"{name}-{number}", number + 1
    taken.add(free)
    return free
