"""A small schema with every kind of field that filters meet, and rows of it as Avro."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastavro
import pytest

from bridge.alerts.schema import Schema, parse_schema

FIELDS = {
    "d0": "double",
    "d1": ["null", "double"],
    "d2": ["null", "double"],
    "x": ["null", "float"],
    "i0": "long",
    "i1": ["null", "long"],
    "i2": ["null", "int"],
    "b0": "boolean",
    "b1": ["null", "boolean"],
    "b2": ["null", "boolean"],
    "s0": "string",
    "s1": ["null", "string"],
    "s2": ["null", "string"],
    "stamp": ["null", "bytes"],
    "when": ["null", {"type": "long", "logicalType": "timestamp-micros"}],
    "scores": {"type": "map", "values": "double"},
    "epochs": [
        "null",
        {
            "type": "array",
            "items": {
                "type": "record",
                "name": "epoch",
                "fields": [
                    {"name": "mag", "type": ["null", "float"]},
                    {"name": "flux", "type": "double"},
                    {"name": "number", "type": ["null", "long"]},
                    {"name": "band", "type": ["null", "string"]},
                    {"name": "good", "type": ["null", "boolean"]},
                    {"name": "image", "type": ["null", "bytes"]},
                ],
            },
        },
    ],
}


@pytest.fixture(scope="session")
def schema() -> Schema:
    fields = [{"name": name, "type": kind} for name, kind in FIELDS.items()]
    return parse_schema({"type": "record", "name": "test.alert", "fields": fields})


@pytest.fixture(scope="session")
def encode(schema: Schema) -> Callable[..., bytes]:
    """Encodes a row: fields that are not given are null, 0, empty or false."""
    blank = {"d0": 0.0, "i0": 0, "b0": False, "s0": "", "scores": {}}

    def encode_row(**row: Any) -> bytes:
        stream = io.BytesIO()
        fastavro.schemaless_writer(stream, schema.parsed, {**dict.fromkeys(FIELDS), **blank, **row})
        return stream.getvalue()

    return encode_row


@pytest.fixture(scope="session")
def real_packets(shared_data: Path) -> list[bytes]:
    """Every twentieth of the archive's VOEvents."""
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        members = [member for member in archive if member.isfile()]
        streams = (archive.extractfile(member) for member in members[::20])
        return [stream.read() for stream in streams if stream is not None]
