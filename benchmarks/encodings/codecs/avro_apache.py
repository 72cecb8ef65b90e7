"""Avro by Apache's own library, which is written in Python: container files and bare datums."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import avro.datafile
import avro.io
import avro.schema

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from bridge.alerts.schema import Schema

__all__ = ["CODECS"]


def _container(schema: Schema) -> Pair:
    parsed = avro.schema.parse(schema.text)

    def encode(records: Sequence[Record]) -> bytes:
        out = io.BytesIO()
        writer = avro.datafile.DataFileWriter(out, avro.io.DatumWriter(), parsed)
        for record in records:
            writer.append(record)
        writer.flush()
        return out.getvalue()

    def decode(data: bytes) -> list[Record]:
        reader: Any = avro.datafile.DataFileReader(io.BytesIO(data), avro.io.DatumReader())
        return list(reader)

    return Pair(encode, decode)


def _bare(schema: Schema) -> Pair:
    parsed = avro.schema.parse(schema.text)
    writer, reader = avro.io.DatumWriter(parsed), avro.io.DatumReader(parsed)

    def encode(records: Sequence[Record]) -> bytes:
        out = io.BytesIO()
        writer.write(records[0], avro.io.BinaryEncoder(out))
        return out.getvalue()

    def decode(data: bytes) -> list[Record]:
        record: Any = reader.read(avro.io.BinaryDecoder(io.BytesIO(data)))
        return [record]

    return Pair(encode, decode)


CODECS = (
    Codec("avro-bare-apache", "Avro bare (Apache)", "Avro", "avro", _bare),
    Codec("avro-ocf-apache", "Avro container (Apache)", "Avro", "avro", _container, batches=True),
)
