"""Compares a packet with the alert it came from, value by value, sharing no code with the translator but the
mapping's own words: paths, absent values, codes.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from lxml import etree

from bridge.alerts.fields import resolve
from bridge.alerts.schema import Schema
from bridge.errors import SchemaError
from bridge.mapping import Mapping
from bridge.mapping.content import Value

REPLACED = {chr(code): "\ufffd" for code in (*range(0x20), 0xFFFE, 0xFFFF) if code not in (9, 10, 13)}


def judge(xml: bytes, record: dict[str, Any], mapping: Mapping, schema: Schema) -> tuple[int, int]:
    """Assert that nothing is lost, added, changed or shifted; give the numbers of Params and cells seen."""
    what = etree.fromstring(xml).find("What")
    assert what is not None
    shed = "left out to keep the packet" in " ".join(what.itertext("Description"))
    return _judge_groups(what, record, mapping, schema), _judge_tables(what, record, mapping, schema, shed)


def _judge_groups(what: etree._Element, record: dict[str, Any], mapping: Mapping, schema: Schema) -> int:
    found = {group.get("name"): group for group in what.findall("Group")}
    seen = 0
    for group in mapping.groups:
        expected: dict[str, tuple[Value, str, Any]] = {}
        for value in group.params:
            path = pick(schema, value.paths)
            if path is None:
                assert value.optional, value.name
                continue
            raw = follow(record, path)
            if not is_absent(raw, value, mapping, schema, path):
                expected[value.name] = (value, path, raw)
        element = found.pop(group.name, None)
        params = {p.get("name"): p for p in element.findall("Param")} if element is not None else {}
        if group.flags:
            seen += _judge_flags(params, record, group.flags, schema)
        for name, (value, path, raw) in expected.items():
            converted_away = value.convert and name not in params
            if converted_away:
                assert value.convert == "njy_to_abmag"
                assert not 0 < raw < math.inf
                continue
            text = params.pop(name).get("value")
            assert agrees(text, raw, value, type_of(schema, path)), (name, text, raw)
            seen += 1
        assert not params, f"{group.name} has Params that nothing asked for: {sorted(params)}"
    assert not found
    return seen


def _judge_flags(
    params: dict[str, etree._Element], record: dict[str, Any], flags: Any, schema: Schema
) -> int:
    values = {name: follow(record, path) for name, path in flags if pick(schema, (path,))}
    true = params.pop("flags").get("value").split()
    null = params.pop("flags_unknown").get("value").split() if "flags_unknown" in params else []
    assert [name for name in true if name != "none"] == [name for name, value in values.items() if value]
    assert null == [name for name, value in values.items() if value is None]
    return len(values)


def _judge_tables(
    what: etree._Element, record: dict[str, Any], mapping: Mapping, schema: Schema, shed: bool
) -> int:
    found = {table.get("name"): table for table in what.findall("Table")}
    seen = 0
    for table in mapping.tables:
        source = pick(schema, table.source)
        if source is None:
            assert table.optional
            continue
        rows = list(follow(record, source) or [])
        if table.where_set:
            rows = [row for row in rows if row[table.where_set] is not None]
        if table.where_null:
            rows = [row for row in rows if row[table.where_null] is None]
        if table.current:
            rows.append(record[table.current])
        element = found.pop(table.name, None)
        if element is None:
            assert not rows or shed
            continue
        columns = [
            (value, f"{source}.{value.paths[0]}")
            for value in table.columns
            if pick(schema, (f"{source}.{value.paths[0]}",))
        ]
        assert [field.get("name") for field in element.findall("Field")] == [v.name for v, _ in columns]
        emitted = element.findall("Data/TR")
        if shed:
            rows = rows[len(rows) - len(emitted) :]
        assert len(emitted) == len(rows)
        for row, tr in zip(rows, emitted, strict=True):
            cells = [td.text or "" for td in tr.findall("TD")]
            assert len(cells) == len(columns)
            for (value, path), text in zip(columns, cells, strict=True):
                raw = row[value.paths[0]]
                if is_absent(raw, value, mapping, schema, path):
                    assert text == "", (value.name, text, raw)
                else:
                    assert agrees(text, raw, value, type_of(schema, path)), (value.name, text, raw)
                seen += 1
    assert not found
    return seen


@cache
def pick(schema: Schema, paths: tuple[str, ...]) -> str | None:
    """The first path that the schema has."""
    for path in paths:
        try:
            resolve(schema, path)
        except SchemaError:
            continue
        return path
    return None


@cache
def type_of(schema: Schema, path: str) -> str:
    """Avro type at a path."""
    return resolve(schema, path).type


def follow(record: Any, path: str) -> Any:
    """The value at a path of what fastavro decoded."""
    for name in path.split("."):
        if record is None:
            return None
        record = record[name]
    return record


def is_absent(raw: Any, value: Value, mapping: Mapping, schema: Schema, path: str) -> bool:
    """Whether a value counts as none."""
    if raw is None or (isinstance(raw, float) and math.isnan(raw)):
        return True
    listed = mapping.absent if value.absent is None else value.absent
    if isinstance(raw, bool):
        return False
    if isinstance(raw, str):
        return raw in [item for item in listed if isinstance(item, str)]
    numbers = [item for item in listed if isinstance(item, (int, float))]
    if isinstance(raw, int) and value.absent is None:
        return False
    return raw in numbers


def agrees(text: str | None, raw: Any, value: Value, avro_type: str) -> bool:
    """Whether a text reads back as exactly the value."""
    if text is None:
        return False
    if value.codes:
        return text == value.codes.get(str(raw), str(raw))
    if value.convert == "isdiffpos_to_sign":
        return text == {"t": "+1", "1": "+1", "f": "-1", "0": "-1"}[raw]
    if value.convert == "njy_to_abmag":
        return math.isclose(float(text), 31.4 - 2.5 * math.log10(raw), abs_tol=6e-5)
    if isinstance(raw, bool):
        return text == ("true" if raw else "false")
    if isinstance(raw, str):
        clean = "".join(REPLACED.get(c, c) for c in raw)
        return text == clean
    if isinstance(raw, int):
        return text == str(raw)
    if hasattr(raw, "isoformat"):
        return text.rstrip("Z") == raw.replace(tzinfo=None).isoformat(timespec="microseconds")
    if math.isinf(raw):
        return text == ("INF" if raw > 0 else "-INF")
    if avro_type == "float":
        return np.float32(text) == np.float32(raw) and len(text) <= len(repr(float(raw))) + 2
    return float(text) == raw
