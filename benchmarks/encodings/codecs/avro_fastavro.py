"""Avro by fastavro: container files, bare datums, and the wire format of schema registries."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import fastavro

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from bridge.alerts.schema import Schema

__all__ = ["CODECS"]

WIRE_PREFIX = b"\0" + (1000).to_bytes(4, "big")


def container(compression: str) -> Codec:
    """Object Container Files: the schema lies in front of the records."""

    def compile_pair(schema: Schema) -> Pair:
        parsed = schema.parsed

        def encode(records: Sequence[Record]) -> bytes:
            out = io.BytesIO()
            fastavro.writer(out, parsed, records, codec=compression)
            return out.getvalue()

        def decode(data: bytes) -> list[Record]:
            reader: Any = fastavro.reader(io.BytesIO(data))
            return list(reader)

        return Pair(encode, decode)

    said = {"null": "", "deflate": ", deflate", "zstandard": ", zstd"}[compression]
    key = {"null": "avro-ocf", "deflate": "avro-ocf-deflate", "zstandard": "avro-ocf-zstd"}[compression]
    return Codec(key, f"Avro container{said}", "Avro", "fastavro", compile_pair, batches=True)


def datum(prefix: bytes) -> Codec:
    """One datum without its schema, behind a prefix that names the schema."""

    def compile_pair(schema: Schema) -> Pair:
        parsed = schema.parsed

        def encode(records: Sequence[Record]) -> bytes:
            out = io.BytesIO()
            out.write(prefix)
            fastavro.schemaless_writer(out, parsed, records[0])
            return out.getvalue()

        def decode(data: bytes) -> list[Record]:
            stream = io.BytesIO(data)
            stream.seek(len(prefix))
            record: Any = fastavro.schemaless_reader(stream, parsed)
            return [record]

        return Pair(encode, decode)

    if prefix:
        return Codec("avro-wire", "Avro wire format", "Avro", "fastavro", compile_pair)
    return Codec("avro-bare", "Avro bare", "Avro", "fastavro", compile_pair)


CODECS = (datum(b""), datum(WIRE_PREFIX), container("null"), container("deflate"), container("zstandard"))
