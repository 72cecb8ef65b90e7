"""Which filters an item meets, whatever it is: an Avro alert, a VOEvent in XML, Avro or JSON, a notice.

A `Selection` looks at packets of any schema; here documents get what filters read, and each keeps its bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import ExpressionError, PacketError
from bridge.filters import FilterSet
from bridge.mapping.documents import choose_for_notice, notice_of_document, top_names
from bridge.pipeline.notice_filters import NoticeFilters
from bridge.pipeline.pipeline import refused
from bridge.pipeline.selection import Selection
from bridge.pipeline.voevents import document_of, is_voevent_json, means_voevents, packet_of, voevent_schema
from bridge.voevent.event_shape import is_voevent_schema

__all__ = ["Judge", "is_notice"]


class Judge:
    """Asks the filters of a set about items.

    Parameters
    ----------
    filters
        The set.
    strict
        Refuse VOEvents that meet a filter and are not valid.
    takes_notices
        Whether notices can be kept where the packets go.
    """

    def __init__(self, filters: FilterSet, *, strict: bool = False, takes_notices: bool = True) -> None:
        self._filters = filters
        self._strict = strict
        self._takes_notices = takes_notices
        self._select = Selection(filters.filters)
        self._notices = NoticeFilters(filters.filters)
        self._means_voevents = any(means_voevents(getattr(each, "text", "")) for each in filters)

    def __call__(self, item: Item) -> tuple[Packet, Sequence[int]] | Refusal:
        """The item as a packet that can be kept, and the indices of the outputs to which it goes.

        Raises
        ------
        ExpressionError
            If a filter does not fit the first packet's schema.
        """
        if isinstance(item, Refusal):
            return item
        try:
            if isinstance(item, Packet):
                packet, met = item, self._select(item)
            elif item.kind == "voevent" or is_voevent_json(item):
                packet = self._voevent(item)
                met = self._select(packet)
            else:
                packet, met = self._notice(item)
            outputs = self._filters.outputs(met)
            if outputs and self._strict and is_voevent_schema(packet.schema.name):
                from bridge.pipeline.strict import demand_valid

                demand_valid(document_of(packet).data)
        except PacketError as error:
            return refused(item, str(error), error.findings)
        return packet, outputs

    def _voevent(self, document: Document) -> Packet:
        unfit = self._select.unfit(voevent_schema())
        if unfit is None:
            return packet_of(document)
        if self._means_voevents:
            raise ExpressionError(unfit)
        raise PacketError(f"it is a VOEvent, and no filter is for VOEvents: {unfit}")

    def _notice(self, document: Document) -> tuple[Packet, Sequence[int]]:
        if not self._takes_notices:
            raise PacketError(
                "it is a JSON document, and an Avro container has no place for it; a folder, a tar archive "
                "and a topic have"
            )
        notice = notice_of_document(document)
        met = self._notices.met(notice.content, top_names(choose_for_notice(notice)))
        if met is None:
            raise PacketError("it is a JSON document, and no filter names a value that it has")
        # The filters are not wrong as such, whatever alerts come after it.
        self._select.lenient = True
        for index in self._filters.outputs(met):
            if self._filters.caps[index] is not None:
                name = self._filters.names[index]
                raise PacketError(
                    f"it is a JSON document, which belongs to no visit, and filter {name!r} has a cap"
                )
        size = len(document.data)
        return Packet(document.data, size, size, _nothing(), document.origin, "json"), met


def is_notice(packet: Packet) -> bool:
    """Whether a packet that a `Judge` gave is a notice, of which only the bytes are left to look at."""
    return packet.schema is _nothing()


@cache
def _nothing() -> Schema:
    """The schema of what stands behind a notice: filters have read the notice itself."""
    return parse_schema({"type": "record", "name": "notice", "fields": []})
