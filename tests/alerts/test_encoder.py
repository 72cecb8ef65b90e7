"""The encoder writes what fastavro writes, or leaves it to fastavro."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import fastavro
import numpy as np
import pytest
from avro_strategies import Case, cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from same import same

from bridge.alerts import encoder
from bridge.alerts.decode import decode_datum, decode_packet
from bridge.alerts.encoder import compile_encoder
from bridge.alerts.ocf import single_packet
from bridge.alerts.packet import Origin
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import PacketError


def by_fastavro(schema: Schema, record: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema.parsed, record)
    return buffer.getvalue()


def record_of(**types: Any) -> Schema:
    fields = [{"name": name, "type": kind} for name, kind in types.items()]
    return parse_schema({"type": "record", "name": "r", "fields": fields})


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_any_record_of_any_schema_is_written_as_fastavro_writes_it(case: Case) -> None:
    record = decode_datum(case.schema, case.datum)
    written = compile_encoder(case.schema)(record)
    assert written == by_fastavro(case.schema, record)
    assert same(decode_datum(case.schema, written), record)


ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**65), 2**65),
    st.floats(),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.sampled_from([np.float32(1.5), np.int64(7), (1, 2), {"-type": "r"}, bytearray(b"ab"), {1: 2}]),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
)


@given(
    st.sampled_from(
        [
            *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
            {"type": "array", "items": "long"},
            {"type": "map", "values": "double"},
            {"type": "fixed", "name": "two", "size": 2},
            {"type": "enum", "name": "either", "symbols": ["a", "b"]},
            {"type": "long", "logicalType": "timestamp-millis"},
            ["int", "string", "null"],
        ]
    ),
    st.sampled_from(["plain", "null first", "null last"]),
    ANYTHING,
)
def test_any_value_is_written_as_fastavro_writes_it_or_refused(kind: Any, how: str, value: Any) -> None:
    if how != "plain" and not isinstance(kind, list):
        kind = ["null", kind] if how == "null first" else [kind, "null"]
    schema = record_of(v=kind)
    try:
        expected = by_fastavro(schema, {"v": value})
    except Exception:
        with pytest.raises(PacketError, match="does not fit schema r"):
            compile_encoder(schema)({"v": value})
    else:
        assert compile_encoder(schema)({"v": value}) == expected


def test_real_alerts_come_back_byte_for_byte_and_without_fastavro(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> bytes:
        raise AssertionError("a real alert went the slow way")

    monkeypatch.setattr(encoder, "_written", slow)
    for path in sorted((shared_data / "alerts").glob("ztf-*.avro")):
        packet = single_packet(path.read_bytes(), Origin(path.name, 0))
        assert packet is not None
        assert compile_encoder(packet.schema)(decode_packet(packet)) == packet.datum


def test_a_recursive_schema_is_written() -> None:
    tree = {
        "type": "record",
        "name": "tree",
        "fields": [
            {"name": "leaf", "type": "int"},
            {"name": "branches", "type": {"type": "array", "items": "tree"}},
        ],
    }
    schema = parse_schema(tree)
    value = {"leaf": 1, "branches": [{"leaf": 2, "branches": []}, {"leaf": 3, "branches": []}]}
    assert compile_encoder(schema)(value) == by_fastavro(schema, value)


def test_a_field_left_out_takes_its_default_and_without_one_is_named() -> None:
    fields = [{"name": "a", "type": "long", "default": 7}, {"name": "b", "type": "long"}]
    encode = compile_encoder(parse_schema({"type": "record", "name": "r", "fields": fields}))
    assert encode({"b": 1}) == encode({"a": 7, "b": 1})
    with pytest.raises(PacketError, match=r"does not fit schema r .*\bb\b"):
        encode({"a": 1})


def test_the_example_of_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (Path(__file__).parents[2] / "docs" / "bulk.md").read_text()
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    schema = record_of(candid="long", magpsf="float", distnr=["null", "float"])
    (tmp_path / "alert.avsc").write_text(schema.text)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["datum"] == by_fastavro(schema, {"candid": 1234, "magpsf": 17.25, "distnr": None})
