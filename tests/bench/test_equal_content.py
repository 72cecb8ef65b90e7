"""No encoding gets a number before it has given back what was put in, value by value."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.encodings import measure
from benchmarks.encodings.checked import ContentError, checked_batch, checked_files
from benchmarks.encodings.codecs import available
from benchmarks.encodings.codecs.base import Codec, Pair, Record
from benchmarks.encodings.content import Message
from benchmarks.encodings.equality import difference
from bridge.alerts.schema import Schema, parse_schema

pytestmark = [pytest.mark.usefixtures("peers"), pytest.mark.no_cover]

ROW = {
    "type": "record",
    "name": "row",
    "fields": [
        {"name": "flux", "type": ["null", "float"]},
        {"name": "band", "type": ["string", "null"]},
        {"name": "stamp", "type": ["null", "bytes"]},
    ],
}
SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "everything",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "ok", "type": ["null", "boolean"]},
            {"name": "mag", "type": "float"},
            {"name": "jd", "type": ["null", "double"]},
            {"name": "name", "type": ["null", "string"]},
            {"name": "stamp", "type": ["null", "bytes"]},
            {"name": "history", "type": ["null", {"type": "array", "items": ["null", ROW]}]},
            {"name": "mags", "type": ["null", {"type": "array", "items": ["null", "float"]}]},
            {"name": "scores", "type": ["null", {"type": "map", "values": ["null", "double"]}]},
            {"name": "features", "type": ["null", {"type": "map", "values": "row"}]},
            {
                "name": "best",
                "type": [
                    "null",
                    {"type": "record", "name": "best", "fields": [{"name": "row", "type": "row"}]},
                ],
            },
        ],
    }
)

# What XML can hold; that it cannot hold more is no matter of this benchmark.
texts = st.text(st.characters(min_codepoint=32, max_codepoint=0xFFFD, exclude_categories=["Cs"]), max_size=8)
singles = st.floats(width=32)
doubles = st.floats()
rows = st.fixed_dictionaries(
    {
        "flux": st.none() | singles,
        "band": st.none() | texts,
        "stamp": st.none() | st.binary(max_size=8),
    }
)
records = st.fixed_dictionaries(
    {
        "id": st.integers(-(2**63), 2**63 - 1),
        "ok": st.none() | st.booleans(),
        "mag": singles,
        "jd": st.none() | doubles,
        "name": st.none() | texts,
        "stamp": st.none() | st.binary(max_size=40),
        "history": st.none() | st.lists(rows, max_size=3),
        "mags": st.none() | st.lists(st.none() | singles, max_size=3),
        "scores": st.none() | st.dictionaries(texts.filter(bool), st.none() | doubles, max_size=3),
        "features": st.none() | st.dictionaries(texts.filter(bool), rows, max_size=2),
        "best": st.none() | st.fixed_dictionaries({"row": rows}),
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=records)
def test_every_encoding_gives_back_any_record(record: Record) -> None:
    for codec in available().codecs:
        assert checked_files(codec, [Message(SCHEMA, record)])[0]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(several=st.lists(records, min_size=2, max_size=4))
def test_every_encoding_of_many_gives_back_all_of_them(several: list[Record]) -> None:
    for codec in available().codecs:
        if codec.batches:
            assert checked_batch(codec, [Message(SCHEMA, record) for record in several])


RECORD: Record = {
    "id": 1,
    "ok": True,
    "mag": 18.472000122070312,
    "jd": math.nan,
    "name": "",
    "stamp": b"\x00FITS",
    "history": [{"flux": 1.5, "band": "r", "stamp": None}, {"flux": None, "band": None, "stamp": b""}],
    "mags": [None, 2.5],
    "scores": {"a": None},
    "features": {"r": {"flux": -0.0, "band": "x", "stamp": None}},
    "best": {"row": {"flux": 1.0, "band": None, "stamp": None}},
}


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"id": 2}, "id"),
        ({"id": 1.0}, "id"),
        ({"ok": 1}, "ok"),
        ({"mag": 18.4721}, "mag"),
        ({"jd": None}, "jd"),
        ({"name": None}, "name"),
        ({"stamp": "\x00FITS"}, "stamp"),
        ({"history": RECORD["history"][:1]}, "history"),
        ({"history": [{**RECORD["history"][0], "band": "g"}, RECORD["history"][1]]}, "history[0].band"),
        ({"mags": [0.0, 2.5]}, "mags[0]"),
        ({"scores": {}}, "scores"),
        ({"features": {"r": {"flux": 0.0, "band": "x", "stamp": None}}}, "features['r'].flux"),
        ({"best": None}, "best"),
    ],
)
def test_a_changed_value_is_found_and_named(change: Record, place: str) -> None:
    found = difference(SCHEMA.root, RECORD, {**RECORD, **change})
    assert found is not None
    assert found.startswith(f"{place} was ")


def test_a_single_float_is_the_same_in_its_shortest_text() -> None:
    assert difference(SCHEMA.root, RECORD, {**RECORD, "mag": 18.472}) is None


def test_a_dropped_field_fails_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, shared_data: object, lsst_distribution: object
) -> None:
    messagepack: Any = pytest.importorskip("benchmarks.encodings.codecs.messagepack")
    pack = messagepack.msgpack.packb
    monkeypatch.setattr(
        messagepack.msgpack,
        "packb",
        lambda record: pack({k: v for k, v in record.items() if k != "publisher"}),
    )
    with pytest.raises(ContentError, match=r"MessagePack \(msgpack\), record 0: .*publisher"):
        measure(rounds=1, counts=(1,), kinds=("ztf",), most=1)


def test_a_lost_record_fails_the_benchmark() -> None:
    def compile_pair(schema: Schema) -> Pair:
        def encode(records: Sequence[Record]) -> bytes:
            return b"x"

        return Pair(encode, lambda _: [RECORD])

    codec = Codec("lossy", "Lossy", "JSON", "none", compile_pair, batches=True)
    with pytest.raises(ContentError, match="2 records went in, 1 came back"):
        checked_batch(codec, [Message(SCHEMA, RECORD)] * 2)
