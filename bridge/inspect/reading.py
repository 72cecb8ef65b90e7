"""From a path to a report: take one item out of a file, folder or archive, and ask for its report."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.alerts.archive import read_path
from bridge.alerts.packet import Document, Item, Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.errors import PacketError, SourceError, UsageError
from bridge.inspect.alert import report_alert
from bridge.inspect.notice import is_notice, report_notice
from bridge.inspect.report import Report
from bridge.inspect.voevent import report_voevent
from bridge.voevent.avro import xml_of_datum
from bridge.voevent.event_shape import is_voevent_schema

__all__ = ["inspect_path", "pick_item"]

MOST_COUNTED = 1000


def inspect_path(path: str, *, index: int = 0, store: SchemaStore) -> Report:
    """Report on one alert, notice or VOEvent.

    Parameters
    ----------
    path
        File, folder, archive, or ``-`` for standard input.
    index
        Which one of several, counted from 0.
    store
        Where schemas of the wire format are looked up.

    Raises
    ------
    SourceError
        If the path cannot be read, holds nothing, or the item is neither an alert, a notice nor a VOEvent.
    UsageError
        If there are not so many items.
    PacketError
        If the item is damaged.
    """
    item, count = pick_item(read_path(path, store), index, path)
    if isinstance(item, Refusal):
        raise SourceError(f"{_name(item)} cannot be shown: {_sentence(item.reason)}")
    try:
        if is_notice(item):
            return report_notice(item, index=index, count=count)
        if isinstance(item, Packet) and is_voevent_schema(item.schema.name):
            item = Document(xml_of_datum(item.datum, item.schema.text), "voevent", item.origin)
        if isinstance(item, Document):
            return report_voevent(item, index=index, count=count)
        return report_alert(item, index=index, count=count)
    except PacketError as error:
        raise PacketError(f"{_name(item)} cannot be shown: {_sentence(error.reason)}") from None


def pick_item(items: Iterable[Item], index: int, path: str) -> tuple[Item, int | None]:
    """One item out of many.

    Parameters
    ----------
    items
        All of them, in order.
    index
        Which, counted from 0.
    path
        Where they come from, for messages.

    Returns
    -------
    tuple
        The item, and how many there are; None where there are more than 1,000 after it.

    Raises
    ------
    SourceError
        If there are none.
    UsageError
        If there are not so many.
    """
    found: Item | None = None
    count = 0
    for item in items:
        if count == index:
            found = item
        count += 1
        if count > index + MOST_COUNTED:
            break
    if not count:
        raise SourceError(f"{path} is empty: it holds neither an alert nor a VOEvent.")
    if found is None:
        few = "only one alert" if count == 1 else f"{count} alerts"
        raise UsageError(f"{path} holds {few}, counted from 0: --index {index} is not there.")
    return found, count if count <= index + MOST_COUNTED else None


def _name(item: Packet | Document | Refusal) -> str:
    origin = item.origin
    return f"{origin.partition} ({origin.member})" if origin.member else origin.partition


def _sentence(reason: str) -> str:
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."
