"""The file that a packet becomes: its name from the alert's own id, its bytes in the framing it came in."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath

from bridge.alerts.lens import Lens, compile_lens
from bridge.alerts.ocf_write import frame_ocf
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import PacketError, SchemaError

__all__ = ["file_bytes", "file_name"]

ID_FIELDS = ("diaSourceId", "candid", "alertId")
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
LONGEST = 150


def file_bytes(packet: Packet) -> bytes:
    """The packet as a file: as it arrived if it arrived alone, else framed anew around the same datum.

    The wire format keeps its five bytes, and a VOEvent in XML or a notice is its file. A bare datum becomes a
    container, because a file that does not say its schema could not be read again.
    """
    if packet.framing in ("xml", "json"):
        return packet.data[: packet.start]
    if packet.framing == "confluent":
        return packet.data if packet.whole else packet.data[packet.start - 5 : packet.stop]
    return frame_ocf(packet)


def file_name(packet: Packet) -> str:
    """``<id>.avro``, of wire format ``.bin``, ``.xml``, ``.json``; without an id named from the origin."""
    ending = {"confluent": ".bin", "xml": ".xml", "json": ".json"}.get(packet.framing, ".avro")
    return (_alert_id(packet) or _origin_stem(packet)) + ending


def _alert_id(packet: Packet) -> str:
    lens = _id_lens(packet.schema)
    if lens is None:
        return ""
    try:
        value = lens.read(packet)[0]
    except PacketError:
        return ""
    return "" if value is None else _safe(str(value))


@lru_cache(maxsize=64)
def _id_lens(schema: Schema) -> Lens | None:
    for name in ID_FIELDS:
        try:
            return compile_lens(schema, (name,))
        except SchemaError:
            continue
    return None


def _origin_stem(packet: Packet) -> str:
    origin = packet.origin
    if origin.member:
        return _safe(PurePath(origin.member).stem) or f"packet-{origin.offset}"
    if "://" in origin.partition:
        return f"{_safe('-'.join(PurePath(origin.partition).parts[-2:]))}-{origin.offset}"
    stem = _safe(PurePath(origin.partition).name.partition(".")[0])
    return f"{stem or 'packet'}-{origin.offset}"


def _safe(text: str) -> str:
    return UNSAFE.sub("_", text).strip(".")[:LONGEST]
