"""One item in, what becomes of it out: the filter and the translator as one function without I/O."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.errors import MappingError, PacketError
from bridge.filters import load_filters, parse_filter
from bridge.mapping import choose_mapping, compile_translator, load_mapping
from bridge.pipeline.plan import Plan
from bridge.pipeline.selection import Selection
from bridge.voevent.event import Event
from bridge.voevent.headline import read_headline
from bridge.voevent.validate import find_faults

__all__ = ["Outcome", "Pipeline", "utc_now"]

Outcome = Event | Refusal | None
"""An event to publish, an item that cannot be used, or nothing: a filter dropped it."""


def utc_now() -> str:
    """Now, in UTC and ISO 8601 with whole seconds, as VOEvent's Date wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


class Pipeline:
    """Filters and translates items one by one.

    Parameters
    ----------
    plan
        What to do.
    previous
        Finds the IVORN of the latest event about an object, which a new one then cites.
    date
        Gives the time of authoring, UTC in ISO 8601.

    Raises
    ------
    UsageError
        If a filter or the mapping of the plan is wrong.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        previous: Callable[[str], str | None] | None = None,
        date: Callable[[], str] = utc_now,
    ) -> None:
        filters = [parse_filter(text) for text in plan.where]
        if plan.filters_file is not None:
            filters += load_filters(plan.filters_file).filters
        self.plan = plan
        self._selection = Selection(filters) if filters else None
        self._mapping = load_mapping(plan.mapping) if plan.mapping else None
        self._previous = previous
        self._date = date

    def __call__(self, item: Item) -> Outcome:
        """What becomes of an item.

        Raises
        ------
        UsageError
            If a filter does not fit the first schema that comes, or the mapping given by name any.
        """
        if isinstance(item, Refusal):
            return item
        try:
            if isinstance(item, Document):
                return self._relay(item)
            if self._selection is not None and not self._selection(item):
                return None
            return self._translate(item)
        except PacketError as error:
            return Refusal(item.origin, str(error), item.data)

    def _translate(self, packet: Packet) -> Event:
        mapping = self._mapping or choose_mapping(packet.schema)
        try:
            translate = compile_translator(mapping, packet.schema, self.plan.options)
        except MappingError as error:
            if self._mapping is not None:
                raise
            raise PacketError(str(error).rstrip(".")) from error
        return translate(packet, date=self._date(), cites=self._previous)

    def _relay(self, document: Document) -> Event:
        if document.kind != "voevent":
            raise PacketError(
                "JSON notices cannot be made into VOEvents yet; alerts (Avro) and VOEvents (XML) can"
            )
        headline = read_headline(document.data)
        if self.plan.strict:
            faults = find_faults(document.data)
            if faults:
                raise PacketError(
                    f"it is not a valid VOEvent 2.0 (line {faults[0].line}: {faults[0].message})"
                )
        return Event(
            ivorn=headline.ivorn,
            xml=document.data,
            role=headline.role,
            object_key="",
            ra_deg=headline.ra_deg,
            dec_deg=headline.dec_deg,
            observed_at=headline.observed_at,
            digest=hashlib.sha256(document.data).hexdigest(),
            relayed=True,
        )
