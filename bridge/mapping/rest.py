"""The rest of an alert: fields that a mapping does not name, as Params and Tables of their own.

This is how an alert that nobody wrote a mapping for still converts (`mappings/generic.toml`): position and
time by well-known names, everything else under its own path with the writer's own description.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.alerts.fields import Field, has_path, list_fields
from bridge.alerts.schema import Schema
from bridge.mapping.content import Group, Table, Value
from bridge.mapping.model import Mapping

__all__ = ["BULK", "with_rest"]

BULK = frozenset({"bytes", "fixed"})
"""Avro types that do not go into a packet unless a mapping asks for them."""


def with_rest(mapping: Mapping, schema: Schema) -> Mapping:
    """The mapping with its rest written out for this schema, or itself if it wants none."""
    if not mapping.rest:
        return mapping
    groups: dict[str, list[Value]] = {}
    tables: dict[str, list[Value]] = {}
    for field in list_fields(schema):
        if field.type in BULK or mapping.reason_left_out(field.path):
            continue
        if field.kind == "column":
            source = _array_of(schema, field)
            inner = field.path[len(source) + 1 :] or "."
            name = inner if inner != "." else source
            value = Value(name=name, paths=(inner,), about=" ".join(field.doc.split()))
            tables.setdefault(source, []).append(value)
        elif field.kind == "scalar" or _array_of(schema, field) == field.path:
            parent, _, name = field.path.rpartition(".")
            value = Value(name=name, paths=(field.path,), about=" ".join(field.doc.split()))
            groups.setdefault(parent, []).append(value)
    return replace(
        mapping,
        rest=False,
        groups=(
            *mapping.groups,
            *(Group(name=name or "alert", params=tuple(values)) for name, values in groups.items()),
        ),
        tables=(
            *mapping.tables,
            *(
                Table(name=source, source=(source,), columns=tuple(values), time=_time_of(values))
                for source, values in tables.items()
            ),
        ),
    )


def _array_of(schema: Schema, field: Field) -> str:
    for depth in range(1, len(field.names) + 1):
        path = ".".join(field.names[:depth])
        if has_path(schema, f"len({path})"):
            return path
    return field.path


def _time_of(values: list[Value]) -> str:
    names = {value.name for value in values}
    for name in ("jd", "mjd", "midpointMjdTai", "midPointTai", "midpointMjd"):
        if name in names:
            return name
    return ""
