"""Avro Object Container Files taken apart into packets.

A survey's message is a container of one record in plain bytes: it becomes a packet with one comparison of
its header and no copy. Everything else (many records, many blocks, compression, files larger than memory)
goes block by block. A damaged block costs its own records: reading goes on behind the next sync marker.
"""

from __future__ import annotations

from collections.abc import Iterator

from bridge.alerts import ocf_codecs
from bridge.alerts.lens import datum_end
from bridge.alerts.ocf_header import OcfHeader, Truncated, read_header, read_long
from bridge.alerts.packet import Item, Origin, Packet, Refusal
from bridge.alerts.reader import ForwardReader
from bridge.alerts.schema import Schema
from bridge.errors import PacketError
from bridge.wording import counted

__all__ = ["read_ocf", "single_packet", "stream_ocf"]

SYNC_SIZE = 16
HEADER_LIMIT = 16 << 20
KEPT_OF_DAMAGE = 1 << 20
# Records of no bytes exist (a record without fields), but nobody sends many of them.
EMPTY_RECORDS = 100_000


def single_packet(data: bytes, origin: Origin) -> Packet | None:
    """The packet of a container with one record in one plain block, or None if it is anything else.

    Parameters
    ----------
    data
        The whole message; the packet refers to it, nothing is copied.
    origin
        Where the message came from.

    Raises
    ------
    PacketError
        If the header cannot be used.
    """
    try:
        header = read_header(data)
        if header.codec != "null":
            return None
        body = len(header.prefix) + SYNC_SIZE
        if data[body : body + 1] != b"\x02":
            return None
        size, start = read_long(data, body + 1)
    except Truncated:
        return None
    stop = start + size
    if size < 0 or stop + SYNC_SIZE != len(data) or data[stop:] != data[body - SYNC_SIZE : body]:
        return None
    return Packet(data, start, stop, header.schema, origin, "ocf", True)


def read_ocf(data: bytes, origin: Origin, *, step: int = 1) -> Iterator[Item]:
    """Take a container apart that is in memory.

    Parameters
    ----------
    data
        The whole message or file.
    origin
        Of the first record.
    step
        By how much the offset grows from record to record; 0 where all records share the offset of the
        message that carries them.

    Returns
    -------
    Iterator
        Packets, and refusals for blocks that cannot be read. Each counts one in the offsets.
    """
    try:
        packet = single_packet(data, origin)
    except PacketError as error:
        return iter((Refusal(origin, f"The container file cannot be read: {error}.", data),))
    if packet is not None:
        return iter((packet,))
    return stream_ocf(ForwardReader((data,)), origin, step=step)


def stream_ocf(reader: ForwardReader, origin: Origin, *, step: int = 1) -> Iterator[Item]:
    """Take a container apart block by block, holding one block in memory.

    Parameters
    ----------
    reader
        Positioned at the magic.
    origin, step
        As `read_ocf`.
    """
    try:
        header = _stream_header(reader)
        sync = reader.read(SYNC_SIZE)
        if len(sync) < SYNC_SIZE:
            raise PacketError(f"{reader.ending()} inside its header")
    except PacketError as error:
        yield Refusal(origin, f"The container file cannot be read: {error}.", reader.peek(KEPT_OF_DAMAGE))
        return
    offset = origin.offset
    block = 0
    while reader.peek(1):
        block += 1
        at = reader.tell()
        here = Origin(origin.partition, offset, origin.member)
        found: list[Item]
        try:
            count, payload = _read_frame(reader, sync)
        except PacketError as error:
            _, damaged = reader.skip_past(sync, KEPT_OF_DAMAGE)
            lost = f"{counted(reader.tell() - at, 'byte')} lost up to the next sync marker or the end"
            found = [Refusal(here, f"Block {block} (at byte {at}): {error}; {lost}.", damaged)]
        else:
            try:
                found = list(_records(header, count, payload, here, step))
            except PacketError as error:
                reason = f"Block {block} (at byte {at}): {error}; {counted(count, 'record')} lost with it."
                found = [Refusal(here, reason, payload[:KEPT_OF_DAMAGE])]
        yield from found
        offset += step * len(found)


def _stream_header(reader: ForwardReader) -> OcfHeader:
    size = 64 << 10
    while True:
        head = reader.peek(size)
        try:
            header = read_header(head)
        except Truncated:
            if len(head) < size:
                raise PacketError(f"{reader.ending()} inside its header") from None
            size *= 4
            if size > HEADER_LIMIT:
                raise PacketError(f"its header is longer than {HEADER_LIMIT >> 20} MB") from None
        else:
            reader.read(len(header.prefix))
            return header


def _read_frame(reader: ForwardReader, sync: bytes) -> tuple[int, bytes]:
    """Count and payload of the block that begins here; on an error the reader has not moved."""
    head = reader.peek(20)
    try:
        count, at = read_long(head, 0)
        size, at = read_long(head, at)
    except Truncated:
        raise PacketError(f"{reader.ending()} inside the block's length") from None
    if count < 0 or not 0 <= size <= ocf_codecs.BLOCK_LIMIT:
        raise PacketError(f"it claims {counted(count, 'record')} in {counted(size, 'byte')}")
    if not reader.has(at + size + SYNC_SIZE):
        raise PacketError(f"{reader.ending()} inside the block, which claims {counted(size, 'byte')}")
    whole = reader.peek(at + size + SYNC_SIZE)
    if whole[at + size :] != sync:
        raise PacketError("the sync marker does not follow where the block says it ends")
    reader.read(at + size + SYNC_SIZE)
    return count, whole[at : at + size]


def _records(header: OcfHeader, count: int, payload: bytes, origin: Origin, step: int) -> Iterator[Packet]:
    data = ocf_codecs.decompress_block(payload, header.codec)
    schema = header.schema
    if count == 1:
        yield Packet(data, 0, len(data), schema, origin, "ocf")
        return
    start = 0
    for index, stop in enumerate(_datum_ends(schema, data, count)):
        place = Origin(origin.partition, origin.offset + index * step, origin.member)
        yield Packet(data, start, stop, schema, place, "ocf")
        start = stop


def _datum_ends(schema: Schema, data: bytes, count: int) -> list[int]:
    """Where each of the block's records ends; together they must fill the block exactly."""
    ends: list[int] = []
    at = 0
    if count > len(data) + EMPTY_RECORDS:
        raise PacketError(f"it claims {counted(count, 'record')} in {len(data)} bytes")
    for index in range(count):
        try:
            at = datum_end(schema, data, at, len(data))
        except PacketError as error:
            raise PacketError(f"record {index} of the block: {error}") from error
        ends.append(at)
    if at != len(data):
        raise PacketError(f"behind its last record {counted(len(data) - at, 'byte')} too many")
    return ends
