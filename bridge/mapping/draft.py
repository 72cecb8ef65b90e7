"""A first mapping for what a file shows: the schema of alerts, or one JSON notice for all of its kind."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from bridge.alerts.packet import Document, Origin
from bridge.alerts.user_schemas import schema_from_file
from bridge.errors import PacketError, SourceError
from bridge.mapping.documents import choose_for_notice, notice_of_document, write_notice_scaffold
from bridge.mapping.library import choose_mapping
from bridge.mapping.scaffold import write_scaffold
from bridge.small_files import read_small
from bridge.voevent.event_shape import is_voevent_schema
from bridge.voevent.json_text import FORMAT

__all__ = ["Draft", "draft_mapping"]

_AVRO_TYPES = ("record", "error", "enum", "fixed", "array", "map")


@dataclass(frozen=True, slots=True)
class Draft:
    """A mapping file to edit.

    Parameters
    ----------
    text
        The file.
    subject
        What it is for, in words.
    before
        Name of the mapping that this had so far.
    """

    text: str
    subject: str
    before: str


def draft_mapping(path: Path) -> Draft:
    """Write a first mapping.

    Parameters
    ----------
    path
        A schema (``.avsc``), an alert in an Avro container, or a notice in JSON.

    Raises
    ------
    SchemaError
        If it is none of these, or cannot be read.
    SourceError
        If it is a VOEvent, which needs no mapping, or a notice without content.
    """
    data = _json_object(path)
    if data is not None:
        return _for_notice(data, path)
    schema = schema_from_file(path)
    if is_voevent_schema(schema.name):
        raise _needs_none(path)
    return Draft(write_scaffold(schema), f"alerts of {schema.name}", choose_mapping(schema).key)


def _for_notice(data: bytes, path: Path) -> Draft:
    if FORMAT.encode() in data[:200]:
        raise _needs_none(path)
    try:
        notice = notice_of_document(Document(data, "json", Origin(str(path), 0)))
        text = write_notice_scaffold(notice)
    except PacketError as error:
        raise SourceError(f"{path} cannot be mapped: {error.reason}.") from error
    return Draft(text, "notices of this kind", choose_for_notice(notice).key)


def _json_object(path: Path) -> bytes | None:
    """The bytes of a JSON object that is no Avro schema; None for all else, which says itself what it is."""
    try:
        data = read_small(path)
        content = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None
    return data if isinstance(content, dict) and content.get("type") not in _AVRO_TYPES else None


def _needs_none(path: Path) -> SourceError:
    return SourceError(f"{path} is a VOEvent, which needs no mapping: convert takes it as it is.")
