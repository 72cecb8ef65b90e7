"""Single values of Avro (1.11, binary encoding): what the functions of a compiled schema call."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from bridge.voevent.reading import Seen

__all__ = ["RUNTIME", "bytes_bytes", "long_bytes", "number_bytes"]

_PACK = struct.Struct("<d").pack
_UNPACK = struct.Struct("<d").unpack_from


def long_bytes(value: int) -> bytes:
    """An int or long (Avro 1.11, binary encoding): zig-zag, seven bits a byte."""
    if -(2**63) <= value < 2**63:
        rest = value << 1 if value >= 0 else (~value << 1) | 1
        if rest < 128:
            return _BYTES[rest]
        parts = bytearray()
        while rest > 127:
            parts.append(rest & 127 | 128)
            rest >>= 7
        parts.append(rest)
        return bytes(parts)
    raise ValueError(f"{value} does not fit 64 bits")


def number_bytes(value: float | None) -> bytes:
    """A union of null, long and double."""
    if value is None:
        return b"\x00"
    if isinstance(value, int):
        return b"\x02" + long_bytes(value)
    return b"\x04" + _PACK(value)


def bytes_bytes(value: bytes) -> bytes:
    """Bytes with their length."""
    return long_bytes(len(value)) + value


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """An int or long, and where it ends."""
    byte = data[at]
    value = byte & 127
    shift = 7
    while byte & 128:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        shift += 7
        if shift > 70:
            raise ValueError("an integer is too long")
    return (value >> 1) ^ -(value & 1), at + 1


def read_number(data: bytes, at: int) -> tuple[int | float | None, int]:
    """A union of null, long and double, and where it ends."""
    branch = data[at]
    if branch == 0:
        return None, at + 1
    if branch == 2:
        return read_long(data, at + 1)
    if branch == 4:
        return _UNPACK(data, at + 1)[0], at + 9
    raise ValueError("a union has no such branch")


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes with their length, and where they end."""
    size, at = read_long(data, at)
    if not 0 <= size <= len(data) - at:
        raise ValueError("a length is beyond the end of the datum")
    return data[at : at + size], at + size


def read_text(data: bytes, at: int) -> tuple[str, int]:
    """A text of any length, and where it ends."""
    value, at = read_bytes(data, at)
    return value.decode(), at


def read_symbol(data: bytes, at: int, symbols: tuple[str, ...]) -> tuple[str, int]:
    """A symbol of an enum, and where it ends."""
    index, at = read_long(data, at)
    if index < 0:
        raise ValueError("an enum has no such symbol")
    return symbols[index], at


def read_count(data: bytes, at: int) -> tuple[int, int]:
    """The number of items of a block of an array, and where the first begins."""
    count, at = read_long(data, at)
    if count < 0:
        # The size of the block in bytes, for those who pass over it.
        _, at = read_long(data, at)
        count = -count
    if count > len(data) - at:
        raise ValueError("an array has more items than the datum has bytes")
    return count, at


def encode_seen(record: Seen, write: Callable[[Any, Callable[[bytes], None]], None]) -> bytes:
    """The datum of a record that comes again and again, kept with it."""
    parts: list[bytes] = []
    write(dict(record), parts.append)
    record.avro = b"".join(parts)
    return record.avro


class _Texts(dict[Any, bytes]):
    """Texts that have been encoded already; names and units come in every packet."""

    def __init__(self, head: bytes) -> None:
        super().__init__()
        self.head = head

    def __missing__(self, text: Any) -> bytes:
        if text is None and self.head:
            return b"\x00"
        raw = text.encode()
        found: bytes = self.head + long_bytes(len(raw)) + raw
        if len(raw) < 64:
            if len(self) > 20_000:
                self.clear()
            self[text] = found
        return found


_BYTES = tuple(bytes((value,)) for value in range(128))
RUNTIME: dict[str, Any] = {
    "NULL": b"\x00",
    "THERE": b"\x02",
    "Seen": Seen,
    "encode_seen": encode_seen,
    "TEXT": _Texts(b""),
    "NULLABLE": _Texts(b"\x02"),
    "long_bytes": long_bytes,
    "number_bytes": number_bytes,
    "bytes_bytes": bytes_bytes,
    "read_long": read_long,
    "read_number": read_number,
    "read_bytes": read_bytes,
    "read_text": read_text,
    "read_symbol": read_symbol,
    "read_count": read_count,
}
