"""The slow way: a whole datum, or a span of one, decoded by fastavro, with errors for people."""

from __future__ import annotations

import io
from typing import Any, NoReturn

import fastavro

from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import PacketError
from bridge.wording import counted

__all__ = ["decode_datum", "decode_packet", "refuse_weightless"]


def decode_datum(schema: Schema, data: bytes, start: int = 0, stop: int | None = None) -> Any:
    """Decode a datum in full; it must be consumed to its last byte.

    Parameters
    ----------
    schema
        The writer schema.
    data, start, stop
        The datum is ``data[start:stop]``.

    Raises
    ------
    PacketError
        If the datum is truncated, malformed, or longer than its schema says; or if the schema has an array
        whose elements take no bytes, which would let a few bytes fill the memory.
    """
    stop = len(data) if stop is None else stop
    if schema.has_weightless_arrays:
        refuse_weightless(schema)
    stream = io.BytesIO(data[start:stop])
    try:
        record = fastavro.schemaless_reader(stream, schema.parsed)
    except MemoryError:
        raise PacketError(f"the datum has a length that cannot be right in schema {schema.name}") from None
    except EOFError:
        raise PacketError(
            f"the datum ends too early for schema {schema.name} ({counted(stop - start, 'byte')})"
        ) from None
    except Exception as error:
        raise PacketError(f"the datum does not decode with schema {schema.name} ({error!r})") from None
    left = stop - start - stream.tell()
    if left:
        raise PacketError(
            f"{counted(left, 'byte')} left over after decoding with schema {schema.name}: "
            "it is not the writer's"
        )
    return record


def decode_packet(packet: Packet) -> Any:
    """Decode a packet in full.

    Raises
    ------
    PacketError
        As `decode_datum`.
    """
    return decode_datum(packet.schema, packet.data, packet.start, packet.stop)


def refuse_weightless(schema: Schema) -> NoReturn:
    """Refuse a datum of a schema in which a few bytes can claim any number of elements; always raises."""
    raise PacketError(
        f"schema {schema.name} has an array whose elements take no bytes: a datum could claim any number "
        "of them, and is not decoded"
    )
