"""VOEvent in Avro: one record per packet, in the schema that travels with the project.

The schema (``schemas/voevent/1.0.avsc``) explains itself field by field. A datum written with another version
of it is read by Avro's rules of schema resolution, which fastavro applies.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import fastavro
from fastavro.schema import to_parsing_canonical_form

from bridge.errors import PacketError
from bridge.resources import schemas_folder
from bridge.voevent.avro_codec import Codec, compile_codec
from bridge.voevent.write_xml import write_xml

__all__ = ["decode_record", "encode_record", "schema_text", "xml_of_datum"]

_MAGIC = b"Obj\x01"


@cache
def schema_text() -> str:
    """The schema, as JSON."""
    return (schemas_folder() / "voevent" / "1.0.avsc").read_text(encoding="utf-8")


def encode_record(record: Mapping[str, Any]) -> bytes:
    """The bare Avro datum of a record (as `bridge.voevent.read_xml` makes it).

    Raises
    ------
    PacketError
        If a value does not fit the schema.
    """
    return _codec().encode(record)


def decode_record(data: bytes, writer_schema: str | None = None) -> dict[str, Any]:
    """The record of an Avro datum, or of the one record of a container file.

    Parameters
    ----------
    data
        A bare datum; or a container, which says its schema itself.
    writer_schema
        The schema (JSON) that a bare datum was written with, if it is not the project's own.

    Raises
    ------
    PacketError
        If it is not a VOEvent of this schema, or one that can be read as such.
    """
    if data.startswith(_MAGIC):
        return _from_container(data)
    writer = None if writer_schema is None else _other_writer(writer_schema)
    return _codec().decode(data) if writer is None else _resolved(data, writer)


def xml_of_datum(data: bytes, writer_schema: str | None = None) -> bytes:
    """The XML of an Avro datum: the bytes that were kept, or the same document.

    Parameters
    ----------
    data, writer_schema
        As `decode_record`.

    Raises
    ------
    PacketError
        If it is not a VOEvent in Avro, or none that XML can hold.
    """
    record = decode_record(data, writer_schema)
    kept: bytes | None = record["xml"]
    return write_xml(record) if kept is None else kept


def _from_container(data: bytes) -> dict[str, Any]:
    try:
        reader = fastavro.reader(io.BytesIO(data), reader_schema=_parsed())
        records: list[Any] = list(reader)
    except Exception as error:
        raise PacketError(f"the container does not decode as a VOEvent ({error!r})") from None
    if len(records) != 1 or not isinstance(records[0], dict):
        raise PacketError(f"the container has {len(records)} records; read it with voevent-bridge convert")
    return records[0]


def _resolved(data: bytes, writer: Any) -> dict[str, Any]:
    stream = io.BytesIO(data)
    try:
        record: Any = fastavro.schemaless_reader(stream, writer, _parsed())
    except Exception as error:
        raise PacketError(f"the datum does not decode as a VOEvent ({error!r})") from None
    if stream.tell() != len(data) or not isinstance(record, dict):
        raise PacketError("the datum does not decode as a VOEvent: bytes are left over")
    return record


@lru_cache(maxsize=16)
def _other_writer(text: str) -> Any:
    """A writer's schema, ready for use; None where it lays a datum out as the project's own does."""
    writer: Any = fastavro.parse_schema(json.loads(text))
    same = to_parsing_canonical_form(writer) == to_parsing_canonical_form(_parsed())
    return None if same else writer


@cache
def _codec() -> Codec:
    return compile_codec(json.loads(schema_text()))


@cache
def _parsed() -> Any:
    return fastavro.parse_schema(json.loads(schema_text()))
