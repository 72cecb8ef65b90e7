"""The same datum in another frame: what tells a reader which schema wrote it.

The datum itself is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from bridge.alerts.ocf_write import frame_ocf
from bridge.alerts.packet import Document, Envelope, Packet
from bridge.alerts.schema import Schema
from bridge.errors import PacketError

__all__ = ["FRAMINGS", "Frame", "reframed"]

Frame = Literal["as-is", "ocf", "confluent", "bare", "keyed"]

FRAMINGS: tuple[Frame, ...] = ("as-is", "ocf", "confluent", "bare", "keyed")
"""As it is; container file (ZTF); five bytes with a schema id (Rubin); nothing; the schema as key (Fink)."""


def reframed(
    packet: Packet | Document, frame: Frame, schema_id: Callable[[Schema], int]
) -> Packet | Document:
    """A packet in another frame.

    Parameters
    ----------
    packet
        The packet.
    frame
        What to make of it.
    schema_id
        Gives the id of a schema for the wire format.

    Raises
    ------
    PacketError
        If it is a document: XML and JSON have no schema that a frame could name.
    """
    if frame == "as-is":
        return packet
    if isinstance(packet, Document):
        what = "a VOEvent in XML" if packet.kind == "voevent" else "a JSON document"
        remedy = "; convert --to avro makes it Avro" if packet.kind == "voevent" else ""
        raise PacketError(f"it is {what}, and only Avro goes out with --framing {frame}{remedy}")
    if frame == "ocf":
        data = frame_ocf(packet)
        return replace(packet, data=data, start=0, stop=len(data), framing="ocf", whole=True)
    datum = packet.datum
    if frame == "confluent":
        data = b"\0" + schema_id(packet.schema).to_bytes(4, "big") + datum
        return replace(packet, data=data, start=5, stop=len(data), framing="confluent", whole=True)
    bare = replace(packet, data=datum, start=0, stop=len(datum), framing="bare", whole=True)
    if frame == "bare":
        return bare
    envelope = replace(packet.origin.envelope or Envelope(), key=packet.schema.text.encode())
    return replace(bare, origin=replace(packet.origin, envelope=envelope))
