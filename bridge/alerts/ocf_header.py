"""The header of an Avro Object Container File: schema and codec, recognised by its bytes.

Every ZTF message carries the same 23 kB of schema. Parsing it costs milliseconds, comparing it a microsecond,
so each distinct header is parsed once. The sync marker behind it differs from file to file and is no part
of what is compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.alerts.ocf_codecs import CODECS
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import PacketError, SchemaError

__all__ = ["MAGIC", "OcfHeader", "Truncated", "read_header", "read_long", "write_long"]

MAGIC = b"Obj\x01"
REMEMBERED = 16
LARGEST_REMEMBERED = 1 << 20


class Truncated(Exception):  # noqa: N818 - an event of the parser, never shown to a person
    """The bytes end before the value does."""


@dataclass(frozen=True, slots=True)
class OcfHeader:
    """What a header says.

    Parameters
    ----------
    prefix
        The header's bytes from the magic to the end of the metadata, without the sync marker.
    schema
        The writer schema.
    codec
        Name of the codec of the blocks.
    """

    prefix: bytes
    schema: Schema
    codec: str


_recent: tuple[OcfHeader, ...] = ()


def read_header(data: bytes, start: int = 0) -> OcfHeader:
    """The header that begins at ``data[start]``; its sync marker follows at ``start + len(prefix)``.

    Raises
    ------
    Truncated
        If more bytes are needed.
    PacketError
        If it is not an OCF header, or names a codec or schema that cannot be used.
    """
    for index, known in enumerate(_recent):
        if data.startswith(known.prefix, start):
            if index:
                _remember(known)
            return known
    header = _parse(data, start)
    if len(header.prefix) <= LARGEST_REMEMBERED:
        _remember(header)
    return header


def _remember(header: OcfHeader) -> None:
    # A new tuple each time: a reader in another thread sees the old one or the new one, both whole.
    global _recent
    _recent = (header, *(h for h in _recent if h is not header))[:REMEMBERED]


def _parse(data: bytes, start: int) -> OcfHeader:
    head = data[start : start + len(MAGIC)]
    if head != MAGIC:
        if MAGIC.startswith(head):
            raise Truncated
        raise PacketError("it does not begin with 'Obj' and 1, so it is not an Avro container file")
    entries: dict[bytes, bytes] = {}
    at = start + len(MAGIC)
    while True:
        count, at = read_long(data, at)
        if count == 0:
            break
        if count < 0:
            count = -count
            _, at = read_long(data, at)
        for _ in range(count):
            key, at = _read_bytes(data, at)
            value, at = _read_bytes(data, at)
            entries[key] = value
    codec = entries.get(b"avro.codec", b"null").decode("ascii", "replace")
    if codec not in CODECS:
        raise PacketError(f"its blocks are compressed with '{codec}'; known are {', '.join(sorted(CODECS))}")
    if b"avro.schema" not in entries:
        raise PacketError("its header holds no 'avro.schema'")
    try:
        schema = parse_schema(entries[b"avro.schema"])
    except SchemaError as error:
        raise PacketError(f"its header's schema cannot be used: {error}") from error
    return OcfHeader(prefix=data[start:at], schema=schema, codec=codec)


def _read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = read_long(data, at)
    if size < 0:
        raise PacketError("its header holds a negative length")
    if at + size > len(data):
        raise Truncated
    return data[at : at + size], at + size


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """An Avro long (zigzag, base 128, least significant first) and the position behind it.

    Raises
    ------
    Truncated
        If the data end inside it.
    PacketError
        If it is longer than the ten bytes of a 64-bit number.
    """
    value = shift = 0
    for index in range(at, min(at + 10, len(data))):
        byte = data[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), index + 1
        shift += 7
    if len(data) < at + 10:
        raise Truncated
    raise PacketError("it holds a number of more than 64 bits where a length belongs")


def write_long(value: int) -> bytes:
    """An Avro long as bytes."""
    left = value << 1 if value >= 0 else ((-value) << 1) - 1
    out = bytearray()
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    out.append(left)
    return bytes(out)
