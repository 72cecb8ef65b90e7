"""Light curves of mixed rows: what the lens learns of one alert must not change what it reads of another."""

from __future__ import annotations

import io
import random
from typing import Any

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from same import same

from bridge.alerts.fields import follow
from bridge.alerts.lens import Lens, RawColumn
from bridge.alerts.lens.columns import fixed_values, long_values
from bridge.alerts.lens.encode import encode
from bridge.alerts.schema import Schema, parse_schema

SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "alert",
        "fields": [
            {"name": "candid", "type": "long"},
            {"name": "scores", "type": {"type": "map", "values": "double"}},
            {"name": "rb", "type": ["null", "float"]},
            {
                "name": "rows",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "row",
                        "fields": [
                            {"name": "jd", "type": "double"},
                            {"name": "pid", "type": ["null", "long"]},
                            {"name": "image", "type": ["null", "string"]},
                            {"name": "programpi", "type": ["string", "null"]},
                            {"name": "mag", "type": ["null", "float"]},
                            {"name": "sign", "type": ["null", "string"]},
                            {"name": "chi", "type": ["null", "float"]},
                            {"name": "ok", "type": ["null", "boolean"]},
                            {"name": "fid", "type": "int"},
                        ],
                    },
                },
            },
        ],
    }
)
PATHS = ("candid", "rb", "rows.jd", "rows.pid", "rows.mag", "rows.sign", "rows.image", "rows.fid", "rows.ok")
NAMES = [None, "", "t", "ztf_2019_sciimg.fits", "x" * 63, "y" * 64, "ä" * 70, "z" * 9000]


def row(kind: int, chance: random.Random) -> dict[str, Any]:
    """One of a few kinds of rows, as detections, upper limits and forced photometry are."""
    names = random.Random(kind)
    return {
        "jd": 2458000.5 + chance.random(),
        "pid": None if kind % 3 == 2 else chance.choice([0, 5, -1, 2**40, -(2**63)]),
        "image": names.choice(NAMES) if kind % 2 else chance.choice(NAMES),
        "programpi": names.choice(["Kulkarni", None, "TESTDATA"]),
        "mag": None if kind % 2 else chance.choice([np.nan, np.inf, 18.25, -999.0]),
        "sign": None if kind % 2 else names.choice("tf10"),
        "chi": None if kind % 2 else 1.5,
        "ok": None if kind % 3 == 1 else chance.random() < 0.5,
        "fid": chance.choice([1, 2, 3, -70, 2**31 - 1]),
    }


def datum(kinds: list[int], seed: int) -> tuple[bytes, dict[str, Any]]:
    chance = random.Random(seed)
    alert = {
        "candid": chance.getrandbits(60),
        "scores": {},
        "rb": chance.choice([None, 0.5, np.inf]),
        "rows": [row(kind, chance) for kind in kinds],
    }
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, SCHEMA.parsed, alert)
    decoded = fastavro.schemaless_reader(io.BytesIO(stream.getvalue()), SCHEMA.parsed)
    assert isinstance(decoded, dict)
    return stream.getvalue(), decoded


ALERTS = st.lists(
    st.tuples(st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 90), st.integers(0, 2**32)),
    min_size=1,
    max_size=6,
)


@given(ALERTS)
@settings(max_examples=60, deadline=None)
def test_rows_of_any_mixture_read_as_fastavro_reads_them(alerts: list[tuple[list[int], int, int]]) -> None:
    """Each alert may teach a habit that the next one breaks: other kinds, other lengths of strings."""
    lens = Lens(SCHEMA, PATHS, to_end=True)
    raw = Lens(SCHEMA, PATHS, to_end=True, raw=True, encoded=frozenset({0, 1}))
    for palette, count, seed in alerts:
        chance = random.Random(seed)
        data, record = datum([chance.choice(palette) for _ in range(count)], seed)
        wanted = [follow(record, field) for field in lens.fields]
        for field, value, got in zip(lens.fields, wanted, lens(data), strict=True):
            assert same(value, got), field
        candid, rb, *columns = raw(data)
        assert candid == encode(record["candid"], "long")
        assert rb == encode(record["rb"], "float")
        for field, value, column in zip(raw.fields[2:], wanted[2:], columns, strict=True):
            assert same(value, column.column if isinstance(column, RawColumn) else column), field


def test_a_lesson_from_an_odd_light_curve_is_corrected() -> None:
    """A hundred rows of one kind, then only rows of another: the reader learns again, and stays right."""
    lens = Lens(SCHEMA, PATHS)
    (reader,) = (value for value in lens._program.__globals__.values() if type(value).__name__ == "RowReader")
    for kind in (0, 1, 2, 3, 4, 5, 6):
        data, record = datum([kind] * 100, kind)
        for field, got in zip(lens.fields, lens(data), strict=True):
            assert same(follow(record, field), got), (kind, field)
    assert reader._lessons == 0, "each new kind was a lesson, and there are four"


RECORD_ONLY = parse_schema(
    {
        "type": "record",
        "name": "alert",
        "fields": [
            {"name": name, "type": ["null", kind]}
            for name, kind in (("i", "int"), ("l", "long"), ("f", "float"), ("d", "double"), ("b", "boolean"))
        ],
    }
)
NUMBERS = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**31), 2**31 - 1),
        "l": st.none() | st.integers(-(2**63), 2**63 - 1),
        "f": st.none() | st.floats(width=32),
        "d": st.none() | st.floats(),
        "b": st.none() | st.booleans(),
    }
)


@given(NUMBERS)
@settings(max_examples=200, deadline=None)
def test_encoded_numbers_are_the_bytes_of_the_datum(record: dict[str, Any]) -> None:
    """By the pattern, in a span of a map, and encoded again after fastavro: one form."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, RECORD_ONLY.parsed, record)
    lens = Lens(RECORD_ONLY, tuple(record), encoded=frozenset(range(5)))
    captured = lens(stream.getvalue())
    assert captured == lens._decode(stream.getvalue(), 0, len(stream.getvalue()))
    for (name, value), item in zip(record.items(), captured, strict=True):
        kind = RECORD_ONLY.root.fields[name][0].without_null()[0].kind
        if value is None:
            assert item is None
        else:
            values = long_values([item]) if kind in ("int", "long") else fixed_values(kind, [item])
            assert np.array_equal(values, np.array([value], values.dtype), equal_nan=kind in "float double")


@pytest.mark.parametrize("scores", [{}, {"SN": 0.25}, {"AGN": -1.0, "SN": np.inf}])
def test_a_number_of_a_map_is_encoded_too(scores: dict[str, float]) -> None:
    stream = io.BytesIO()
    alert = {"candid": 1, "scores": scores, "rb": None, "rows": []}
    fastavro.schemaless_writer(stream, SCHEMA.parsed, alert)
    (value,) = Lens(SCHEMA, ("scores.SN",), encoded=frozenset({0}))(stream.getvalue())
    assert value == encode(scores.get("SN"), "double")


def test_schemas_that_no_pattern_can_say_give_the_same_bytes() -> None:
    recursive = Schema(
        '{"type": "record", "name": "a", "fields": [{"name": "n", "type": "long"},'
        ' {"name": "f", "type": {"type": "array", "items": "float"}},'
        ' {"name": "next", "type": ["null", "a"]}]}'
    )
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, recursive.parsed, {"n": -3, "f": [1.5, np.nan], "next": None})
    lens = Lens(recursive, ("n", "f"), raw=True, encoded=frozenset({0}))
    n, column = lens(stream.getvalue())
    assert n == encode(-3, "long") == b"\x05"
    assert isinstance(column, RawColumn)
    assert column.items == [encode(1.5, "float"), encode(np.nan, "float")]
