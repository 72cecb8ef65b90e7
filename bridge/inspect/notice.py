"""A notice for a person: what its VOEvent says, and which mapping made that of it.

A notice has hundreds of fields under names of its mission. The mapping knows which of them is what, so
the report is that of the packet that receivers would get.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.alerts.packet import Document, Packet
from bridge.inspect.report import Report, Section
from bridge.inspect.voevent import report_voevent
from bridge.mapping import choose_mapping
from bridge.mapping.documents import (
    choose_for_notice,
    document_translator,
    notice_of_document,
    notice_of_packet,
)

__all__ = ["is_notice", "report_notice"]

EPOCH = "1970-01-01T00:00:00"
"""Stands for the time of writing in a packet that nobody gets."""
UNSAID = frozenset({"version", "bytes", "author_ivorn", "date", "title"})


def is_notice(item: Packet | Document) -> bool:
    """Whether an item is read as a whole: JSON, or Avro of a schema whose mapping says so."""
    if isinstance(item, Document):
        return item.kind == "json"
    return choose_mapping(item.schema).reads_documents


def report_notice(item: Packet | Document, *, index: int = 0, count: int | None = 1) -> Report:
    """Report on a notice.

    Parameters
    ----------
    item
        The JSON document or Avro packet.
    index, count
        Which one of how many in its file or archive, counted from 0.

    Raises
    ------
    PacketError
        If it is not JSON, or cannot become a VOEvent.
    """
    if isinstance(item, Packet):
        notice, mapping = notice_of_packet(item), choose_mapping(item.schema)
    else:
        notice = notice_of_document(item)
        mapping = choose_for_notice(notice)
    event = document_translator(mapping)(notice, date=EPOCH)
    document = Document(event.xml, "voevent", item.origin)
    report = report_voevent(document, index=index, count=count)
    note = (
        f"Shown as the VOEvent that mapping {mapping.key} makes of it, {event.ivorn} for the default author."
    )
    return replace(
        report,
        kind="notice",
        survey=mapping.title,
        title=f"{mapping.title}: {event.object_key or event.ivorn.rsplit('#', 1)[1]}",
        sections=tuple(_said(section) for section in report.sections),
        notes=(*report.notes, note),
    )


def _said(section: Section) -> Section:
    """A section without what is the bridge's own."""
    facts = tuple(fact for fact in section.facts if fact.key not in UNSAID)
    return Section(section.key, section.title, facts)
