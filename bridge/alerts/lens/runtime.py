"""What the generated code of a lens calls: integers, texts, blocks of arrays and maps, spans for fastavro.

All functions take the bytes ``d``, a position ``p`` and the end ``e`` of the datum, and raise `Mismatch`
where the bytes are not what the schema promises; the lens then asks fastavro.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import fastavro

from bridge.alerts.column import Column, column_of
from bridge.alerts.schema import Node, parse_schema

__all__ = [
    "Mismatch",
    "SpanDecoder",
    "blocks",
    "long_of",
    "picked_column",
    "read_long",
    "skip_bytes",
    "text_of",
]

_SMALL = [(n >> 1) ^ -(n & 1) for n in range(128)]
_MASK = (1 << 64) - 1


class Mismatch(Exception):  # noqa: N818 - a signal between the lens and its generated code
    """The bytes do not have the form that the pattern expects."""


def long_of(encoded: bytes) -> int:
    """The value of a zigzag varint."""
    if len(encoded) == 1:
        return _SMALL[encoded[0]]
    n = shift = 0
    for byte in encoded:
        n |= (byte & 0x7F) << shift
        shift += 7
    n &= _MASK
    return (n >> 1) ^ -(n & 1)


def text_of(encoded: bytes) -> str:
    """The string in its encoding, with the length before it (of at most two bytes)."""
    return (encoded[1:] if encoded[0] < 0x80 else encoded[2:]).decode()


def read_long(d: bytes, p: int, e: int) -> tuple[int, int]:
    """The varint at `p` and the position after it."""
    if p < e and d[p] < 0x80:
        return _SMALL[d[p]], p + 1
    n = shift = 0
    for at in range(p, min(e, p + 10)):
        byte = d[at]
        n |= (byte & 0x7F) << shift
        if byte < 0x80:
            n &= _MASK
            return (n >> 1) ^ -(n & 1), at + 1
        shift += 7
    raise Mismatch


def skip_bytes(d: bytes, p: int, e: int) -> int:
    """The position after the bytes or string at `p`."""
    length, p = read_long(d, p, e)
    if length < 0 or length > e - p:
        raise Mismatch
    return p + length


def blocks(d: bytes, p: int, e: int) -> tuple[int, int, int]:
    """Read the head of a block of an array or map.

    Returns
    -------
    count, position, end
        Number of elements (0 ends the array), position of the first, and the position after the block
        where the block says its size in bytes, else -1.
    """
    count, p = read_long(d, p, e)
    if count >= 0:
        return count, p, -1
    size, p = read_long(d, p, e)
    if size < 0 or size > e - p:
        raise Mismatch
    return -count, p, p + size


def picked_column(values: Sequence[Any] | None, avro_type: str) -> Column | None:
    """The column that a path with a key leads to; None where there is nothing of that name."""
    return None if values is None else column_of(values, avro_type)


class SpanDecoder:
    """Decodes the bytes of one value with fastavro, for what is not a number, text or column."""

    def __init__(
        self, node: Node, names: tuple[str, ...], follow: Callable[[Any, tuple[str, ...]], Any]
    ) -> None:
        self._schema = parse_schema(node.to_json()).parsed
        self._names = names
        self._follow = follow

    def __call__(self, span: bytes) -> Any:
        """The value, or the part of it that the remaining names lead to."""
        try:
            value = fastavro.schemaless_reader(io.BytesIO(span), self._schema)
        except Exception as error:
            raise Mismatch from error
        return self._follow(value, self._names) if self._names else value
