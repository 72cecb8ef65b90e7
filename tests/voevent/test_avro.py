"""VOEvent in Avro: the same packet after it, bytes as fastavro's, a schema that explains itself."""

from __future__ import annotations

import io
import json
import typing
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema
from hypothesis import given, settings
from hypothesis import strategies as st
from xml_strategies import c14n, events, odd_xml

from bridge.errors import PacketError
from bridge.voevent.avro import decode_record, encode_record, schema_text
from bridge.voevent.avro_codec import compile_codec
from bridge.voevent.event_shape import is_voevent_schema
from bridge.voevent.grammar import shape_of
from bridge.voevent.model import VOEvent
from bridge.voevent.read_xml import read_xml
from bridge.voevent.reading import spec_of
from bridge.voevent.write_xml import write_xml

SCHEMA = json.loads(schema_text())
PARSED = parse_schema(SCHEMA)


def with_fastavro(record: Any) -> bytes:
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, PARSED, record)
    return stream.getvalue()


@pytest.mark.no_cover
def test_every_real_packet_is_the_same_after_avro(real_voevents: list[bytes]) -> None:
    changed = []
    for xml in real_voevents:
        again = write_xml(decode_record(encode_record(read_xml(xml))))
        if c14n(again) != c14n(xml):
            changed.append(xml[:200])
    assert changed == []


@given(odd_xml())
@settings(max_examples=80)
def test_a_packet_with_anything_in_any_place_is_the_same_after_avro(xml: bytes) -> None:
    record = read_xml(xml)
    datum = encode_record(record)

    assert datum == with_fastavro(record)
    assert decode_record(datum) == fastavro.schemaless_reader(io.BytesIO(datum), PARSED)
    assert c14n(write_xml(decode_record(datum))) == c14n(xml)


@given(events())
@settings(max_examples=80)
def test_any_event_of_the_model_is_the_same_after_avro(event: VOEvent) -> None:
    assert VOEvent.from_avro(event.to_avro()) == event


def test_kept_bytes_travel_in_avro() -> None:
    xml = b"<?xml version = '1.0'?><VOEvent   ivorn='ivo://a.b/c#1'/>"
    event = VOEvent.parse(xml, keep_xml=True)

    assert VOEvent.from_avro(event.to_avro()).to_xml() == xml


def test_a_container_with_one_event_is_read_too() -> None:
    event = VOEvent("ivo://example.org/a#1", description="in a container")
    stream = io.BytesIO()
    fastavro.writer(stream, PARSED, [decode_record(event.to_avro())])

    assert VOEvent.from_avro(stream.getvalue()) == event
    with pytest.raises(PacketError, match="container"):
        VOEvent.from_avro(stream.getvalue()[:-20])


def test_blocks_of_other_writers_are_read() -> None:
    # An array in two blocks, the second with its size in bytes (Avro 1.11, binary encoding, arrays).
    codec = compile_codec(
        {"type": "record", "name": "R", "fields": [{"name": "a", "type": {"type": "array", "items": "int"}}]}
    )
    assert codec.decode(bytes((2, 2, 3, 4, 4, 6, 0))) == {"a": [1, 2, 3]}


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_is_what_it_says(data: bytes) -> None:
    try:
        record = decode_record(data)
    except PacketError:
        return
    assert with_fastavro(record) == data or fastavro.schemaless_reader(io.BytesIO(data), PARSED) == record


def test_a_datum_cut_anywhere_is_refused() -> None:
    datum = VOEvent("ivo://example.org/a#1", "test", "2.0", description="x" * 200).to_avro()
    for end in range(len(datum)):
        with pytest.raises(PacketError, match="decode"):
            decode_record(datum[:end])
    with pytest.raises(PacketError, match="decode"):
        decode_record(datum + b"\0")


def test_a_table_cannot_claim_rows_that_are_not_there() -> None:
    xml = (
        b'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://org.example/s#1" '
        b'role="test" version="2.0"><What><Table><Field name="a"/><Data><TR><TD>1</TD></TR><TR><TD/></TR>'
        b"</Data></Table></What></voe:VOEvent>"
    )
    record: Any = read_xml(xml)
    table = record["What"]["Table"][0]
    assert table["Data"]["rows"] == 2

    table["Data"] = {"rows": 2**31 - 1, "cells": []}
    event = VOEvent.from_avro(with_fastavro(record))
    for use in (event.to_xml, lambda: list(event.what.tables[0].columns())):
        with pytest.raises(PacketError, match="says that it has 2,147,483,647 rows, and its longest column"):
            use()


def test_a_value_that_the_schema_has_no_room_for_is_refused() -> None:
    with pytest.raises(PacketError, match="does not fit the Avro schema"):
        VOEvent.from_dict({"What": {"Param": [{"value": 2**64}]}}).to_avro()
    with pytest.raises(PacketError, match="does not fit the Avro schema"):
        VOEvent(description="\ud800").to_avro()


def test_a_reader_of_this_version_reads_what_a_later_one_wrote() -> None:
    later = json.loads(schema_text())
    later["version"] = "1.1"
    later["fields"].append({"name": "later", "type": ["null", "string"], "default": None})
    names = later["fields"][-3]["type"][1]["fields"][1]["type"]["items"]["fields"][1]["type"]["items"]
    assert names["name"] == "Run"
    names["fields"][0]["type"]["symbols"].append("Novelty")
    record = decode_record(VOEvent("ivo://example.org/a#1", "test").to_avro())
    record["later"] = "something"
    record["layout"] = {
        "indent": None,
        "orders": [{"of": 0, "runs": [{"name": "Novelty", "count": 1}]}],
        "tags": [],
        "places": [],
    }
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, parse_schema(later), record)
    event = VOEvent.from_avro(stream.getvalue(), json.dumps(later))

    assert event.ivorn == "ivo://example.org/a#1"
    assert event.layout is not None
    assert event.layout.orders[0].runs[0].name == "unknown"
    assert b"<voe:VOEvent" in event.to_xml()


def test_the_schema_and_the_model_say_the_same() -> None:
    records = {}

    def collect(kind: Any) -> None:
        if isinstance(kind, list):
            for each in kind:
                collect(each)
        elif isinstance(kind, dict) and kind["type"] == "record":
            records[kind["name"]] = kind
            for field in kind["fields"]:
                collect(field["type"])
        elif isinstance(kind, dict):
            collect(kind.get("items"))

    collect(SCHEMA)
    seen: set[Any] = set()

    def compare(cls: Any) -> None:
        if cls in seen:
            return
        seen.add(cls)
        name = {"EventIvorn": "EventIVORN"}.get(cls.__name__, cls.__name__)
        assert [part.name for part in shape_of(cls).parts] == [f["name"] for f in records[name]["fields"]], (
            name
        )
        for part in shape_of(cls).parts:
            for inner in (part.cls, *_classes(typing.get_type_hints(cls)[part.python])):
                if inner is not None and hasattr(inner, "__dataclass_fields__"):
                    compare(inner)

    compare(VOEvent)
    assert len(seen) == len(records)


def _classes(hint: Any) -> list[Any]:
    inner = typing.get_args(hint)
    return [hint] if not inner else [each for part in inner for each in _classes(part)]


def test_every_field_of_the_schema_is_explained_and_has_a_default() -> None:
    def check(kind: Any) -> None:
        if isinstance(kind, list):
            for each in kind:
                check(each)
        elif isinstance(kind, dict):
            if kind["type"] in ("record", "enum"):
                assert len(kind["doc"]) > 3
            for field in kind.get("fields", ()):
                assert field["doc"].endswith(".") or ";" in field["doc"], field["name"]
                assert "default" in field, field["name"]
                check(field["type"])
            check(kind.get("items"))

    check(SCHEMA)
    assert is_voevent_schema(f"{SCHEMA['namespace']}.{SCHEMA['name']}")


def test_the_names_of_elements_are_those_of_the_model() -> None:
    names: set[str] = set()

    def walk(spec: Any) -> None:
        for child in spec.children.values():
            names.add(child.name)
            if child.spec is not None:
                walk(child.spec)

    walk(spec_of(VOEvent))
    text = json.dumps(SCHEMA)
    symbols = json.loads(
        text[text.index('"symbols": ') + 11 : text.index("]", text.index('"symbols": ')) + 1]
    )
    assert set(symbols) == names | {"unknown"}
