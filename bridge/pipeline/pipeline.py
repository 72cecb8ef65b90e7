"""One item in, what becomes of it out: the filter and the translator as one function.

Its only output beside what it returns are cutouts, where the plan wants them in a folder.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.errors import ConfigError, ExpressionError, MappingError, PacketError, SourceError
from bridge.mapping import choose_mapping, compile_translator, load_mapping
from bridge.pipeline.plan import Plan
from bridge.streams.naming import file_bytes
from bridge.voevent.event import Event, Past
from bridge.voevent.event_shape import is_voevent_schema

if TYPE_CHECKING:
    from bridge.alerts.schema import Schema
    from bridge.mapping import Mapping
    from bridge.pipeline.notices import Notices
    from bridge.pipeline.selection import Selection

__all__ = ["Outcome", "Pipeline", "refused", "utc_now"]

Outcome = Event | Refusal | None
"""An event to publish, an item that cannot be used, or nothing: a filter dropped it."""


def utc_now() -> str:
    """Now, in UTC and ISO 8601 with whole seconds, as VOEvent's Date wants it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())


def refused(item: Packet | Document, reason: str, findings: tuple[str, ...] = ()) -> Refusal:
    """An item as a refusal, with bytes that can be read again by themselves."""
    if isinstance(item, Document) or item.whole:
        return Refusal(item.origin, reason, item.data, findings)
    # Its bytes are the block of a container, which may hold many more packets.
    return Refusal(item.origin, reason, file_bytes(item), findings)


class Pipeline:
    """Filters and translates items one by one.

    Parameters
    ----------
    plan
        What to do.
    previous
        Finds the IVORN of the latest event about an object, which a new one then cites.
    past
        Finds all earlier events about an object, for notices that count or cite them; None remembers those of
        this pipeline.
    date
        Gives the time of authoring, UTC in ISO 8601.
    lenient
        The plan is known to fit some schema of the stream; see `proven`.

    Attributes
    ----------
    proven
        Whether the plan's filters and mapping have fitted a schema, so that they are not wrong as such.

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
        past: Past | None = None,
        date: Callable[[], str] = utc_now,
        lenient: bool = False,
    ) -> None:
        self.plan = plan
        self.proven = lenient or not (plan.where or plan.filters_file or plan.mapping)
        self._selection = _selection(plan, lenient) if plan.where or plan.filters_file else None
        self._mapping = load_mapping(plan.mapping) if plan.mapping else None
        self._previous = previous
        self._past = past
        self._date = date
        self._notices: Notices | None = None

    def __call__(self, item: Item) -> Outcome:
        """What becomes of an item.

        Raises
        ------
        UsageError
            If the filters or the mapping of the plan do not fit the first schema that comes: then it is the
            plan that is wrong. A later schema that they do not fit costs its packets only.
        SourceError
            If the folder for cutouts cannot be written.
        """
        if isinstance(item, Refusal):
            return item
        try:
            event = self._event(item)
            if event is not None and self.plan.version is not None:
                from bridge.pipeline.version import in_version

                event = in_version(event, self.plan.version)
        except PacketError as error:
            return refused(item, str(error), error.findings)
        return event

    def _event(self, item: Packet | Document) -> Event | None:
        if isinstance(item, Document):
            return self._document(item)
        if not self.proven:
            self.prove(item.schema)
        if self._selection is not None and not self._selection(item):
            return None
        return self._translate(item)

    def _document(self, item: Document) -> Event | None:
        if item.kind == "json":
            from bridge.pipeline.voevents import document_of, is_voevent_json

            if not is_voevent_json(item):
                return self._notice(item)
            item = document_of(item)
        return self._relay(item) if self._selects(item) else None

    def _selects(self, document: Document) -> bool:
        """Whether a VOEvent meets the filters; one to which none of them applies passes as it is."""
        if self._selection is None:
            return True
        from bridge.pipeline.voevents import packet_of, voevent_schema

        unfit = self._selection.unfit(voevent_schema())
        if unfit is None:
            self.proven = self.proven or self._mapping is None
            return bool(self._selection(packet_of(document)))
        self.prove_documents()
        return True

    def prove_documents(self) -> None:
        """See that filters that are meant for VOEvents fit them; raises `UsageError` if they do not."""
        if self._selection is None:
            return
        from bridge.pipeline.voevents import means_voevents, voevent_schema

        unfit = self._selection.unfit(voevent_schema())
        if unfit is not None and any(means_voevents(text) for text in self.plan.where):
            raise ExpressionError(unfit)

    def prove(self, schema: Schema) -> None:
        """See that the plan's filters and mapping fit a schema; raises `UsageError` if they do not."""
        if self._selection is not None:
            self._selection.fit(schema)
        if self._mapping is not None and not (
            self._mapping.reads_documents or is_voevent_schema(schema.name)
        ):
            compile_translator(self._mapping, schema, self.plan.options)
        self.proven = True

    def keeps_order(self, item: Item) -> bool:
        """Whether what becomes of an item depends on those before it: a notice may cite an earlier one."""
        if isinstance(item, Document):
            return item.kind == "json"
        if not isinstance(item, Packet) or is_voevent_schema(item.schema.name):
            return False
        return self._mapping_of(item.schema).reads_documents

    def _mapping_of(self, schema: Schema) -> Mapping:
        return self._mapping or choose_mapping(schema)

    def _notice(self, item: Document | Packet) -> Event | None:
        if self._notices is None:
            # Most runs see no notice.
            from bridge.pipeline.notices import Notices

            self._notices = Notices(
                self._mapping, self.plan.options, self._past, self._date, self._notice_filter()
            )
        return self._notices(item)

    def _notice_filter(self) -> Callable[[dict[str, Any], frozenset[str]], bool]:
        if self._selection is None:
            return lambda _content, _names: True
        from bridge.pipeline.notice_filters import NoticeFilters

        return NoticeFilters(self._selection.filters)

    def _translate(self, packet: Packet) -> Event | None:
        if is_voevent_schema(packet.schema.name):
            from bridge.pipeline.voevents import document_of

            return self._relay(document_of(packet))
        mapping = self._mapping_of(packet.schema)
        if mapping.reads_documents:
            return self._notice(packet)
        try:
            translate = compile_translator(mapping, packet.schema, self.plan.options)
        except MappingError as error:
            raise PacketError(str(error).rstrip(".")) from error
        try:
            return translate(packet, date=self._date(), cites=self._previous)
        except OSError as error:
            folder = self.plan.options.cutouts
            raise SourceError(
                f"Cutouts cannot be written to {folder} ({error.strerror or error})."
            ) from error

    def _relay(self, document: Document) -> Event:
        # lxml is only wanted by who relays.
        from bridge.voevent.relayed import headline_of_relayed

        headline = headline_of_relayed(document.data)
        if self.plan.strict:
            from bridge.pipeline.strict import demand_valid

            demand_valid(document.data)
        return Event(
            ivorn=headline.ivorn,
            xml=document.data,
            role=headline.role,
            object_key="",
            ra_deg=headline.ra_deg,
            dec_deg=headline.dec_deg,
            observed_at=headline.observed_at,
            content=memoryview(document.data),
            relayed=True,
        )


def _selection(plan: Plan, lenient: bool) -> Selection:
    # The SQL parser takes a third of a second to import, and most runs have no filter.
    from bridge.filters import load_filters, parse_filter
    from bridge.pipeline.selection import Selection

    filters = [parse_filter(text) for text in plan.where]
    if plan.filters_file is not None:
        loaded = load_filters(plan.filters_file)
        capped = [name for name, cap in zip(loaded.names, loaded.caps, strict=True) if cap is not None]
        if capped:
            raise ConfigError(
                f"Filter {capped[0]!r} in {plan.filters_file} has a cap, which only voevent-bridge filter "
                "applies; run it first, and read what it keeps."
            )
        filters += loaded.filters
    return Selection(filters, lenient=lenient)
