"""Numbers back to the bytes that Avro writes, for readers of raw values where fastavro had to decode.

Whoever makes texts of numbers takes them as captured bytes, thousands at a time. The few packets that no
pattern matches are decoded, and their numbers are encoded again here, so that such a caller knows one form.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

from bridge.alerts.column import Column, column_of
from bridge.alerts.lens.columns import RawColumn
from bridge.alerts.schema import Node

__all__ = ["encode", "encoded_column"]


def _varint(value: int) -> bytes:
    n = (value << 1) ^ (value >> 63)
    encoded = bytearray()
    while n > 0x7F:
        encoded.append(n & 0x7F | 0x80)
        n >>= 7
    encoded.append(n)
    return bytes(encoded)


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "boolean": struct.Struct("?").pack,
    "int": _varint,
    "long": _varint,
    "float": struct.Struct("<f").pack,
    "double": struct.Struct("<d").pack,
}


def encode(value: Any, avro_type: str) -> bytes | None:
    """The encoded form of a number or boolean (Avro 1.12, "Binary Encoding"); None for None."""
    return None if value is None else _ENCODERS[avro_type](value)


def encoded_column(values: Sequence[Any], avro_type: str) -> RawColumn | Column:
    """A column of decoded values: numbers and booleans encoded, others as `column_of` gives them.

    Parameters
    ----------
    values
        Shape (n,): what fastavro decodes, None for null.
    avro_type
        Avro type of the values.
    """
    pack = _ENCODERS.get(avro_type)
    if pack is None:
        return column_of(values, avro_type)
    return RawColumn([None if value is None else pack(value) for value in values], Node(avro_type))
