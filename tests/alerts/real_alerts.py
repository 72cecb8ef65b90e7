"""The real alerts as packets: read by fastavro alone, so that the project's own readers can be judged."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import fastavro.schema

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema


def load_lsst_schema(distribution: Path, major: int, minor: int) -> Schema:
    """An LSST schema from the files of its distribution, which refer to one another by name."""
    file = distribution / str(major) / str(minor) / f"lsst.v{major}_{minor}.alert.avsc"
    return parse_schema(plain(fastavro.schema.load_schema(str(file))))


def plain(parsed: Any) -> Any:
    """A schema without fastavro's private marks."""
    if isinstance(parsed, list):
        return [plain(branch) for branch in parsed]
    if isinstance(parsed, dict):
        return {key: plain(value) for key, value in parsed.items() if not key.startswith("__")}
    return parsed


def lsst_packets(shared_data: Path, distribution: Path) -> list[Packet]:
    """The seven LSST alerts in wire format, schema 10.0."""
    schema = load_lsst_schema(distribution, 10, 0)
    files = sorted((shared_data / "alerts" / "lsst-v10.0-framed").glob("*.bin"))
    return [
        Packet(message, 5, len(message), schema, Origin(file.name, 0), "confluent", whole=True)
        for file in files
        for message in [file.read_bytes()]
    ]


def file_packets(file: Path) -> Iterator[Packet]:
    """The records of one container file, re-encoded one by one by fastavro."""
    with file.open("rb") as stream:
        reader = fastavro.reader(stream)
        schema = parse_schema(reader.metadata["avro.schema"])
        for index, record in enumerate(reader):
            out = io.BytesIO()
            fastavro.schemaless_writer(out, schema.parsed, record)
            datum = out.getvalue()
            yield Packet(datum, 0, len(datum), schema, Origin(file.name, index))


def all_packets(shared_data: Path, distribution: Path) -> list[Packet]:
    """All 28 real alerts: ZTF, Fink-ZTF, Fink-LSST, LSST."""
    files = sorted((shared_data / "alerts").glob("*.avro"))
    return [*lsst_packets(shared_data, distribution), *(p for file in files for p in file_packets(file))]


def decoded(packet: Packet) -> dict[str, Any]:
    """The packet as fastavro decodes it."""
    record = fastavro.schemaless_reader(io.BytesIO(packet.datum), packet.schema.parsed)
    assert isinstance(record, dict)
    return record
