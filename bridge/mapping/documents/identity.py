"""The identifier of a packet made of a notice, and its number among the packets about one object.

A notice seldom says which packet it is, so a mapping may ask for its number in the object's history or for a
digest of its content. Both give the same notice the same identifier again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from bridge.errors import PacketError
from bridge.mapping.documents.paths import first_value
from bridge.mapping.model import Mapping
from bridge.mapping.parts import HOLE
from bridge.voevent.event import Earlier
from bridge.voevent.ids import check_authority, local_id

__all__ = ["SERIAL", "Identifier", "object_key", "serial_number", "stream_of"]

SERIAL = "serial"
"""Name under which a mapping asks for the number of the packet, in its `id` and as a path."""

# The path of a schema's URL, from the version on: .../schema/v7.2.0/gcn/notices/fermi/gbm/trigger.schema.json
_SCHEMA_PATH = re.compile(r"(?:.*/schema/[^/]+/)?(.*?)(?:\.schema)?(?:\.json)?\Z")
_STREAM_SAFE = re.compile(r"[^A-Za-z0-9._-]+")
_EVENT_DAY = re.compile(r"[A-Za-z]*(\d\d)(\d\d)(\d\d)")
_SERIAL_IN_IVORN = re.compile(r"-(\d{1,9})-[A-Za-z]+\Z")


def stream_of(schema_url: str) -> str:
    """A dotted name for the kind of notice that a schema's URL describes: ``gcn.notices.swift.bat.Guano``."""
    match = _SCHEMA_PATH.match(schema_url)
    path = match[1] if match else schema_url
    return _STREAM_SAFE.sub("-", path.strip("/").replace("/", ".")).strip(".-") or "notice"


def object_key(mapping: Mapping, content: dict[str, Any]) -> str:
    """Name of the object that a notice is about; empty where it says none."""
    for path in mapping.object_key:
        value, _ = first_value(content, (path,))
        if value not in (None, "", 0) and not isinstance(value, (dict, list)):
            return str(value)
    return ""


def serial_number(earlier: Sequence[Earlier], known: str | None, name: str, created_at: str) -> int:
    """Number of the packet among those about its object, from 1.

    It follows the last one known. Where none is known but the object is older than today, the packets in
    between were not seen: then the days since the object's date are counted as packets, so that no number of
    those is given again.

    Parameters
    ----------
    earlier
        Earlier packets about the object.
    known
        Identifier of the packet if the very same notice has become one already.
    name
        Name of the object, which may hold its date (``S230518h``: 2023-05-18).
    created_at
        When the notice was made, ISO 8601; may be empty.
    """
    same = _number_in(known) if known is not None else None
    if same is not None:
        return same
    numbers = [number for item in earlier if (number := _number_in(item.ivorn)) is not None]
    if numbers:
        return max(numbers) + 1
    day = _EVENT_DAY.match(name)
    try:
        born = date(2000 + int(day[1]), int(day[2]), int(day[3])) if day is not None else None
        return max(1, (date.fromisoformat(created_at[:10]) - born).days) if born is not None else 1
    except ValueError:
        return 1


def _number_in(ivorn: str) -> int | None:
    match = _SERIAL_IN_IVORN.search(ivorn)
    return int(match[1]) if match is not None else None


class Identifier:
    """Writes the identifier of a packet.

    Parameters
    ----------
    mapping
        Whose template is filled in.
    local_ivo
        The author's identifier, unless the mapping names another authority.

    Raises
    ------
    UsageError
        If brokers would refuse the author's identifier.
    """

    def __init__(self, mapping: Mapping, local_ivo: str) -> None:
        self._author = check_authority(mapping.author or local_ivo)
        self._stream, _, self._local = mapping.event_id.partition("#")
        self.holes = tuple(name for hole in HOLE.findall(mapping.event_id) for name in hole.split("|"))

    def stream(self, value: Callable[[str], str]) -> str:
        """Everything before ``#``; `value` gives the text of a hole, or empty text."""
        stream = HOLE.sub(lambda match: _STREAM_SAFE.sub("-", _fill(match, value)), self._stream)
        return f"{self._author}/{stream}"

    def ivorn(self, value: Callable[[str], str]) -> str:
        """The identifier.

        Raises
        ------
        PacketError
            If a value that it needs is missing.
        """
        return f"{self.stream(value)}#{HOLE.sub(lambda match: local_id(_fill(match, value)), self._local)}"


def _fill(match: re.Match[str], value: Callable[[str], str]) -> str:
    for name in match[1].split("|"):
        text = value(name)
        if text:
            return text
    raise PacketError(
        f"identifier is missing: the notice has no {' or '.join(match[1].split('|'))}", field=match[1]
    )
