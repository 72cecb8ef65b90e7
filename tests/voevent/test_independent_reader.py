"""The page on VOEvent in Avro says enough: a reader that knows nothing else gives the same documents."""

from __future__ import annotations

import io
import json
import runpy
from pathlib import Path
from typing import Any

import fastavro
import pytest
from fastavro.schema import parse_schema
from hypothesis import given, settings
from xml_strategies import c14n, odd_xml

import bridge
from bridge.voevent.avro import encode_record, schema_text
from bridge.voevent.read_xml import read_xml

EXAMPLE = Path(__file__).parents[2] / "examples" / "voevent_avro_to_xml.py"
XML_OF = runpy.run_path(str(EXAMPLE))["xml_of"]
SCHEMA = parse_schema(json.loads(schema_text()))


def read_independently(xml: bytes) -> bytes:
    record: Any = fastavro.schemaless_reader(io.BytesIO(encode_record(read_xml(xml))), SCHEMA)
    return str(XML_OF(record)).encode()


def test_it_shares_no_code_with_the_bridge() -> None:
    assert "bridge" not in EXAMPLE.read_text().split("import fastavro")[0].split("from __future__")[1]


def test_real_packets_come_back_the_same(real_voevents: list[bytes], shared_data: Path) -> None:
    packets = real_voevents[::10]
    packets += [path.read_bytes() for path in (shared_data / "voevents").glob("voevent-2.1-*.xml")]
    assert len(packets) > 300
    assert [xml[:200] for xml in packets if c14n(read_independently(xml)) != c14n(xml)] == []


@given(odd_xml())
@settings(max_examples=40)
def test_packets_with_anything_in_any_place_come_back_the_same(xml: bytes) -> None:
    assert c14n(read_independently(xml)) == c14n(xml)


@pytest.mark.parametrize("version", ["2.0", "2.1"])
def test_a_packet_made_as_avro_has_the_usual_root(version: str) -> None:
    event = bridge.VOEvent("ivo://example.org/s#1", "test", version)
    record: Any = fastavro.schemaless_reader(io.BytesIO(event.to_avro()), SCHEMA)
    assert record["layout"] is None
    assert c14n(str(XML_OF(record)).encode()) == c14n(event.to_xml())
