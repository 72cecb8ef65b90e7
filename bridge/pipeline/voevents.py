"""VOEvents on their way through a pipeline: XML as packets that filters read, Avro as the XML it was."""

from __future__ import annotations

import re
from functools import cache

from bridge.alerts.packet import Document, Framing, Packet
from bridge.alerts.schema import Schema, parse_schema
from bridge.voevent import json_text
from bridge.voevent.avro import schema_text, xml_of_datum
from bridge.voevent.habits import xml_to_avro
from bridge.voevent.json_text import read_json
from bridge.voevent.model import VOEvent
from bridge.voevent.records import complete
from bridge.voevent.write_xml import write_xml

__all__ = [
    "document_of",
    "is_voevent_json",
    "means_voevents",
    "packet_of",
    "voevent_schema",
]

_PLACES = re.compile(r"\b(What|Who|WhereWhen|How|Why|Citations|ivorn)\b")


@cache
def voevent_schema() -> Schema:
    """The Avro schema of VOEvent."""
    return parse_schema(schema_text())


def is_voevent_json(document: Document) -> bool:
    """Whether a JSON document is a VOEvent as this program writes it."""
    return json_text.is_voevent_json(document.data)


def packet_of(document: Document) -> Packet:
    """A VOEvent in XML or JSON as a packet: its bytes as they came, and behind them its datum for filters.

    Raises
    ------
    PacketError
        If it is not a VOEvent.
    """
    datum = xml_to_avro(document.data if document.kind == "voevent" else document_of(document).data)
    start = len(document.data)
    data = document.data + datum
    framing: Framing = "xml" if document.kind == "voevent" else "json"
    return Packet(data, start, len(data), voevent_schema(), document.origin, framing)


def document_of(item: Packet | Document) -> Document:
    """A VOEvent in Avro or JSON, or one that `packet_of` made, as the XML that it was made of.

    Raises
    ------
    PacketError
        If it is not a VOEvent, or none that XML can hold.
    """
    if isinstance(item, Packet) and item.framing == "json":
        return document_of(Document(item.data[: item.start], "json", item.origin))
    if isinstance(item, Packet) and item.framing == "xml":
        xml = item.data[: item.start]
    elif isinstance(item, Packet):
        xml = xml_of_datum(item.datum, item.schema.text)
    else:
        record = complete(VOEvent, read_json(item.data))
        xml = record["xml"] if record["xml"] is not None else write_xml(record)
    return Document(xml, "voevent", item.origin)


def means_voevents(text: str) -> bool:
    """Whether a filter names places of a VOEvent, so that it cannot be meant for alerts alone."""
    return _PLACES.search(text) is not None
