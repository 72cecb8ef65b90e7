"""Notices through the pipeline: which mapping each gets, and what is remembered of those that went before.

Kept apart from the pipeline because only notices look back: a retraction cites what it takes back, and a
packet about a gravitational wave has its number in the series.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bridge.alerts.packet import Document, Packet
from bridge.errors import SourceError
from bridge.mapping import Mapping, TranslateOptions, choose_mapping
from bridge.mapping.documents import (
    choose_for_notice,
    document_translator,
    notice_of_document,
    notice_of_packet,
    top_names,
)
from bridge.voevent.event import Earlier, Event, Past

__all__ = ["Notices"]


class Notices:
    """Translates notices one by one.

    Parameters
    ----------
    mapping
        The mapping that the user asks for; one for alerts is passed over. None chooses by the notice.
    options
        How to translate.
    past
        Finds all earlier events about an object; None remembers those of this run.
    date
        Gives the time of authoring, UTC in ISO 8601.
    passes
        Whether a JSON notice passes the filters, given the names that its mapping knows; alerts in Avro have
        passed theirs already.
    """

    def __init__(
        self,
        mapping: Mapping | None,
        options: TranslateOptions,
        past: Past | None,
        date: Callable[[], str],
        passes: Callable[[dict[str, Any], frozenset[str]], bool] = lambda _content, _names: True,
    ) -> None:
        self._mapping = mapping if mapping is not None and mapping.reads_documents else None
        self._options = options
        self._past = past
        self._date = date
        self._passes = passes
        self._seen: dict[str, list[Earlier]] = {}

    def __call__(self, item: Document | Packet) -> Event | None:
        """The event that a notice becomes; None where the filters drop it.

        Parameters
        ----------
        item
            A JSON document, or an Avro alert whose schema a mapping for documents claims.

        Raises
        ------
        PacketError
            If it cannot become one.
        SourceError
            If a sky map cannot be saved.
        """
        if isinstance(item, Packet):
            notice, claimed = notice_of_packet(item), choose_mapping(item.schema)
        else:
            notice = notice_of_document(item)
            claimed = choose_for_notice(notice)
        mapping = self._mapping or claimed
        if isinstance(item, Document) and not self._passes(notice.content, top_names(mapping)):
            return None
        translate = document_translator(mapping, self._options)
        try:
            event = translate(notice, date=self._date(), past=self._past or self._remembered)
        except OSError as error:
            folder = self._options.cutouts
            raise SourceError(
                f"Images of notices cannot be written to {folder} ({error.strerror or error})."
            ) from error
        if self._past is None and translate.wants_past and event.object_key:
            self._remember(event)
        return event

    def _remembered(self, object_key: str) -> Sequence[Earlier]:
        return self._seen.get(object_key, ())

    def _remember(self, event: Event) -> None:
        about = self._seen.setdefault(event.object_key, [])
        if all(item.ivorn != event.ivorn for item in about):
            about.append(Earlier(event.ivorn, event.digest, event.observed_at))
