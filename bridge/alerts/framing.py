"""What one message is: container file, Confluent wire format, bare datum, VOEvent, JSON notice, or none.

The first bytes decide, and a schema is taken by its identity only (the container's header, the 4-byte id,
or what the caller says); no schema is ever tried, because a packet can decode with the wrong one without an
error. Wire format: magic byte 0, then the schema id as a 4-byte big-endian number (Confluent Schema Registry
documentation, "Wire format").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from bridge.alerts.ocf import read_ocf
from bridge.alerts.ocf_header import MAGIC
from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.reader import ForwardReader, compression_of, decompress_chunks
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SchemaError
from bridge.wording import counted

__all__ = ["MESSAGE_LIMIT", "items_from_message"]

MESSAGE_LIMIT = 64 << 20
"""Largest message that is taken, in bytes, also after decompression."""

BLANK = b" \t\r\n"
UTF8_MARK = b"\xef\xbb\xbf"
# XML may come in UTF-16, which begins with a mark (XML 1.0, section 4.3.3); JSON may not (RFC 8259).
_IN_UTF16 = {b"\xff\xfe<\0": "utf-16-le", b"\xfe\xff\0<": "utf-16-be"}


def items_from_message(
    data: bytes,
    origin: Origin,
    store: SchemaStore,
    default_schema: Schema | None = None,
    *,
    step: int = 1,
) -> Iterator[Item]:
    """Take one message (or small file) for what it is.

    Parameters
    ----------
    data
        The message.
    origin
        Where it came from; offset of its first item.
    store
        Where schemas are looked up by their 4-byte id.
    default_schema
        Writer schema of bare messages; without it a bare message is refused.
    step
        By how much the offset grows from item to item of a container with many records; 0 where they share
        the offset of the message.

    Returns
    -------
    Iterator
        One item or more; none for a container without records. Unusable input is a `Refusal`.
    """
    if data.startswith(MAGIC):
        return read_ocf(data, origin, step=step)
    if data[:1] != b"<" and compression_of(data) == "gzip":
        return _unwrapped(data, origin, store, default_schema, step)
    return iter((_single(data, origin, store, default_schema),))


def _single(data: bytes, origin: Origin, store: SchemaStore, default_schema: Schema | None) -> Item:
    kind = _text_kind(data)
    if kind is not None:
        return Document(data, kind, origin)
    unknown = ""
    if data[:1] == b"\0" and len(data) >= 5:
        schema_id = int.from_bytes(data[1:5], "big")
        try:
            schema = store.by_id(schema_id)
        except SchemaError as error:
            unknown = str(error)
        else:
            return Packet(data, 5, len(data), schema, origin, "confluent", True)
    if default_schema is not None and data:
        return Packet(data, 0, len(data), default_schema, origin, "bare", True)
    return Refusal(origin, unknown or _not_known(data), data)


def _unwrapped(
    data: bytes, origin: Origin, store: SchemaStore, default_schema: Schema | None, step: int
) -> Iterator[Item]:
    reader = ForwardReader(decompress_chunks((data,), "gzip"))
    plain = reader.read(MESSAGE_LIMIT + 1)
    if len(plain) > MESSAGE_LIMIT:
        reason = f"The gzip data hold more than {MESSAGE_LIMIT >> 20} MB, too much for one message."
        yield Refusal(origin, reason, data)
        return
    if not plain.startswith(MAGIC):
        if reader.fault:
            yield Refusal(origin, f"The gzip data cannot be read: {reader.fault}.", data)
        elif compression_of(plain):
            yield Refusal(origin, "The gzip data hold compressed data again; unpack them once.", data)
        else:
            item = _single(plain, origin, store, default_schema)
            # The message as it arrived was the gzip; what is read from it is not whole in that sense.
            if isinstance(item, Packet):
                item = Packet(plain, item.start, item.stop, item.schema, origin, item.framing)
            yield item
        return
    offset = origin.offset
    for item in read_ocf(plain, origin, step=step):
        offset = item.origin.offset + step
        if isinstance(item, Packet) and item.whole:
            item = Packet(plain, item.start, item.stop, item.schema, item.origin, item.framing)
        yield item
    if reader.fault:
        place = Origin(origin.partition, offset, origin.member)
        yield Refusal(place, f"The gzip data cannot be read to their end: {reader.fault}.")


def _text_kind(data: bytes) -> Literal["voevent", "json"] | None:
    wide = _IN_UTF16.get(data[:4])
    if wide is not None:
        # A bare datum may begin with these bytes, too.
        return "voevent" if "VOEvent".encode(wide) in data else None
    head = data[:256].removeprefix(UTF8_MARK).lstrip(BLANK)
    first = head[:1] or data.removeprefix(UTF8_MARK).lstrip(BLANK)[:1]
    # Neither XML nor JSON may hold a zero byte, and hardly a binary datum is without one.
    if first not in (b"<", b"{", b"[") or b"\0" in data:
        return None
    return "voevent" if first == b"<" else "json"


def _not_known(data: bytes) -> str:
    if not data.strip(BLANK):
        return "The message is empty."
    if data[257:262] == b"ustar":
        return "This is a tar archive inside another archive; unpack the outer one and read the inner one."
    if data.removeprefix(UTF8_MARK).lstrip(BLANK)[:1] in (b"<", b"{", b"["):
        place = f"byte {data.index(0)}"
        return f"The message begins as XML or JSON do, but has a zero byte ({place}), which neither may."
    return (
        f"The message ({counted(len(data), 'byte')}, beginning with {data[:8]!r}) is no Avro container, wire "
        "format, XML or JSON. If it is a bare Avro datum, say which schema wrote it."
    )
