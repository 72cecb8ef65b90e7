"""What an event is written as: XML, Avro or JSON, one event by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.alerts.ocf_write import ocf_block, ocf_header
from bridge.alerts.packet import Origin, Packet
from bridge.pipeline.voevents import voevent_schema
from bridge.voevent.avro import encode_record
from bridge.voevent.event import Event
from bridge.voevent.habits import xml_to_avro
from bridge.voevent.json_text import write_json
from bridge.voevent.read_xml import read_xml
from bridge.voevent.records import without_empty

__all__ = ["FORMS", "Form", "datum_of"]


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write events.

    Parameters
    ----------
    name
        As ``convert --to`` has it.
    suffix
        Of a file with one event.
    encode
        Gives the file of one event; `PacketError` if the event cannot be written so.
    """

    name: str
    suffix: str
    encode: Callable[[Event], bytes]

    def keeping_xml(self) -> Form:
        """The same with the bytes of the packet kept beside what was made of them."""
        return replace(self, encode=_KEEPING[self.name]) if self.name in _KEEPING else self


def datum_of(event: Event, *, keep_xml: bool = False) -> bytes:
    """The Avro datum of an event."""
    if not keep_xml:
        return xml_to_avro(event.xml)
    record = read_xml(event.xml)
    record["xml"] = event.xml
    return encode_record(record)


def _avro(event: Event, *, keep_xml: bool = False) -> bytes:
    datum = datum_of(event, keep_xml=keep_xml)
    schema = voevent_schema()
    packet = Packet(datum, 0, len(datum), schema, Origin("event", 0))
    return ocf_header(schema) + ocf_block(packet)


def _json(event: Event, *, keep_xml: bool = False) -> bytes:
    record = read_xml(event.xml)
    if keep_xml:
        record["xml"] = event.xml
    return write_json(without_empty(record)) + b"\n"


def _xml(event: Event) -> bytes:
    return event.xml


FORMS = {
    "voevent": Form("voevent", ".xml", _xml),
    "avro": Form("avro", ".avro", _avro),
    "json": Form("json", ".json", _json),
}
_KEEPING: dict[str, Callable[[Event], bytes]] = {
    "avro": lambda event: _avro(event, keep_xml=True),
    "json": lambda event: _json(event, keep_xml=True),
}
