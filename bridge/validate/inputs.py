"""Files, folders and archives through the validator, packet by packet."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from bridge.alerts.archive import read_path
from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.errors import PacketError, SourceError
from bridge.validate.finding import Finding
from bridge.validate.rules_packet import VERSION, XML
from bridge.validate.validate import Verdict, validate
from bridge.voevent.avro import xml_of_datum
from bridge.voevent.event_shape import is_voevent_schema
from bridge.voevent.json_text import is_voevent_json
from bridge.voevent.model import VOEvent

__all__ = ["Checked", "check_inputs"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A packet's place and verdict."""

    origin: Origin
    verdict: Verdict

    @property
    def name(self) -> str:
        """File, and the member of an archive."""
        return (
            f"{self.origin.partition} ({self.origin.member})" if self.origin.member else self.origin.partition
        )


def check_inputs(
    paths: Sequence[str], store: SchemaStore, *, ignore: Collection[str] = ()
) -> Iterator[Checked]:
    """Validate all that is in some paths.

    Parameters
    ----------
    paths
        Files, folders, archives, or ``-`` for standard input.
    store
        Where schemas of the wire format are looked up: alerts among the files are recognised as such.
    ignore
        Ids of rules that are not asked.

    Yields
    ------
    Checked
        Each packet; a path that cannot be read is one that fails.
    """
    for path in paths:
        try:
            for item in read_path(path, store):
                yield Checked(item.origin, _verdict(item, ignore))
        except SourceError as error:
            yield Checked(Origin(path, 0), _unreadable(str(error), ignore))


def _verdict(item: Item, ignore: Collection[str]) -> Verdict:
    try:
        xml = _xml_of(item)
    except PacketError as error:
        return _unreadable(error.reason, ignore)
    if xml is not None:
        return validate(xml, ignore=ignore)
    if isinstance(item, Document):
        finding = Finding(VERSION, 1, "", "It is a JSON document.")
    elif isinstance(item, Refusal):
        return _unreadable(item.reason, ignore)
    else:
        finding = Finding(
            VERSION, 1, "", "It is an alert in Avro; voevent-bridge convert makes a VOEvent of it."
        )
    return Verdict("", "", () if finding.rule.id in ignore else (finding,))


def _xml_of(item: Item) -> bytes | None:
    """A VOEvent in any of its forms as XML; None for what is none."""
    if isinstance(item, Document) and item.kind == "voevent":
        return item.data
    if isinstance(item, Document) and is_voevent_json(item.data):
        return VOEvent.from_json(item.data).to_xml()
    if isinstance(item, Packet) and is_voevent_schema(item.schema.name):
        return xml_of_datum(item.datum, item.schema.text)
    return None


def _unreadable(reason: str, ignore: Collection[str]) -> Verdict:
    finding = Finding(XML, 1, "", f"It cannot be read: {reason.rstrip('.')}.")
    return Verdict("", "", () if finding.rule.id in ignore else (finding,))
