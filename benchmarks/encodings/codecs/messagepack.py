"""MessagePack: it has bytes and NaN, and its floats are 64 bits, because Python's are."""

from __future__ import annotations

import io
from collections.abc import Sequence

import msgpack

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from bridge.alerts.schema import Schema

__all__ = ["CODECS"]


def _compile(_schema: Schema) -> Pair:
    def encode(records: Sequence[Record]) -> bytes:
        return b"".join([msgpack.packb(record) for record in records])

    def decode(data: bytes) -> list[Record]:
        return list(msgpack.Unpacker(io.BytesIO(data), max_buffer_size=0))

    return Pair(encode, decode)


CODECS = (Codec("msgpack", "MessagePack", "MessagePack", "msgpack", _compile, batches=True),)
