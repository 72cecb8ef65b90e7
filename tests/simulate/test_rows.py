"""The columnar encoder must write what fastavro writes, for any flat record."""

from __future__ import annotations

import io
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.schema import parse_schema
from bridge.simulate.avro import Maybe, RowEncoder, encode_bytes, encode_long

LONGS = st.integers(-(2**63), 2**63 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": LONGS,
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": st.text("abcé", max_size=12).filter(lambda s: len(s.encode()) < 60),
}
DTYPES = {"boolean": bool, "int": np.int64, "long": np.int64, "float": np.float32, "double": np.float64}


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Fields of a record, and rows of values (None where the field may be null)."""
    fields, columns = [], []
    rows = draw(st.integers(1, 6))
    for number in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(sorted(VALUES)))
        union = draw(st.sampled_from(["none", "first", "last"]))
        shape: Any = {"none": kind, "first": ["null", kind], "last": [kind, "null"]}[union]
        fields.append({"name": f"f{number}", "type": shape})
        value = VALUES[kind] if union == "none" else st.one_of(st.none(), VALUES[kind])
        columns.append(draw(st.lists(value, min_size=rows, max_size=rows)))
    return fields, [list(row) for row in zip(*columns, strict=True)]


def as_column(kind: Any, values: list[Any]) -> Any:
    name = next(k for k in kind if k != "null") if isinstance(kind, list) else kind
    valid = np.array([value is not None for value in values])
    if name == "string":
        filled = np.array([(value or "").encode() for value in values], np.bytes_)
        if filled.dtype.itemsize == 0:
            filled = filled.astype("S1")
    else:
        filled = np.array([value if value is not None else 0 for value in values], DTYPES[name])
    return filled if valid.all() else Maybe(filled, valid)


def fastavro_rows(schema: Any, names: list[str], rows: list[list[Any]]) -> list[bytes]:
    found = []
    for row in rows:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema.parsed, dict(zip(names, row, strict=True)))
        found.append(stream.getvalue())
    return found


@settings(max_examples=150, deadline=None)
@given(tables())
def test_columns_encode_as_fastavro_encodes_row_by_row(table: tuple[Any, Any]) -> None:
    fields, rows = table
    schema = parse_schema({"type": "record", "name": "row", "fields": fields})
    names = [field["name"] for field in fields]
    columns = {
        field["name"]: as_column(field["type"], [row[i] for row in rows]) for i, field in enumerate(fields)
    }
    encoded = RowEncoder(schema.root)(len(rows), columns)
    assert [encoded[i] for i in range(len(encoded))] == fastavro_rows(schema, names, rows)


@settings(max_examples=60, deadline=None)
@given(tables())
def test_constants_encode_as_columns_of_equal_values_do(table: tuple[Any, Any]) -> None:
    fields, rows = table
    schema = parse_schema({"type": "record", "name": "row", "fields": fields})
    names = [field["name"] for field in fields]
    encoded = RowEncoder(schema.root)(3, dict(zip(names, rows[0], strict=True)))
    assert [encoded[i] for i in range(3)] == fastavro_rows(schema, names, [rows[0]] * 3)


@given(LONGS)
def test_long_is_encoded_as_fastavro_does(value: int) -> None:
    schema = parse_schema('"long"')
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, schema.parsed, value)
    assert encode_long(value) == stream.getvalue()


def test_long_strings_of_one_length_have_a_two_byte_length() -> None:
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "s", "type": "string"}]})
    text = np.array([b"x" * 100, b"y" * 100])
    rows = RowEncoder(schema.root)(2, {"s": text})
    assert rows[1] == encode_bytes(b"y" * 100)
    with pytest.raises(ValueError, match="one length"):
        RowEncoder(schema.root)(2, {"s": np.array([b"x" * 100, b"y"])})


def test_null_is_refused_where_the_schema_has_none() -> None:
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "x", "type": "int"}]})
    encoder = RowEncoder(schema.root)
    with pytest.raises(ValueError, match="cannot be null"):
        encoder(1, {"x": None})
    with pytest.raises(ValueError, match="cannot hold nulls"):
        encoder(2, {"x": Maybe(np.array([1, 2]), np.array([True, False]))})


def test_more_rows_than_a_chunk_keep_their_order() -> None:
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "x", "type": "long"}]})
    values = np.arange(20_000) * 977
    rows = RowEncoder(schema.root)(len(values), {"x": values})
    assert rows[0] == encode_long(0)
    assert rows[12_345] == encode_long(12_345 * 977)
    assert int(rows.ends[-1]) == len(rows.data)
