"""Records put back into Avro containers, their bytes untouched.

A filter keeps packets as they came; a record out of a file of many needs a container of its own again. The
sync marker is derived from the schema, so the same packets always give the same files.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

from bridge.alerts.ocf_header import MAGIC, write_long
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema

__all__ = ["frame_ocf", "ocf_block", "ocf_header"]


def frame_ocf(packet: Packet) -> bytes:
    """The packet as a container file of one record.

    A packet that arrived so is given back as it is; any other is framed with its writer schema's own text,
    in one plain block.
    """
    if packet.whole and packet.framing == "ocf":
        return packet.data
    return ocf_header(packet.schema) + ocf_block(packet)


def ocf_block(packet: Packet) -> bytes:
    """The packet as one plain block, to be appended behind `ocf_header` of the same schema."""
    return b"".join(
        (
            b"\x02",
            write_long(packet.stop - packet.start),
            packet.data[packet.start : packet.stop],
            _sync(packet.schema),
        )
    )


@lru_cache(maxsize=32)
def ocf_header(schema: Schema) -> bytes:
    """Header of a container file of this schema, codec null, with its sync marker."""
    text = schema.text.encode()
    entries = ((b"avro.codec", b"null"), (b"avro.schema", text))
    framed = b"".join(write_long(len(part)) + part for entry in entries for part in entry)
    return MAGIC + write_long(len(entries)) + framed + b"\0" + _sync(schema)


@lru_cache(maxsize=32)
def _sync(schema: Schema) -> bytes:
    return hashlib.blake2b(schema.text.encode(), digest_size=16, person=b"ocf sync").digest()
