"""VOEvent in JSON: the dictionary of a packet, which leaves out what is empty."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import orjson

from bridge.errors import PacketError

__all__ = ["is_voevent_json", "read_json", "write_json"]

FORMAT = "org.voevent_bridge.voevent.v1"
"""Value of the key ``$schema``, by which such a document is known; the namespace of the Avro schema."""

_KEY = "$schema"


def is_voevent_json(data: bytes) -> bool:
    """Whether a JSON document is a VOEvent as this program writes it."""
    return FORMAT.encode() in data[:200]


def write_json(record: Mapping[str, Any], *, indent: bool = False) -> bytes:
    """A record, which may leave out what is empty, as JSON.

    Raises
    ------
    PacketError
        If a text is not Unicode, or a number does not fit 64 bits.
    """
    document = {_KEY: FORMAT, **record}
    if document.get("xml") is not None:
        document["xml"] = base64.b64encode(document["xml"]).decode()
    try:
        return orjson.dumps(document, option=orjson.OPT_INDENT_2 if indent else None)
    except (orjson.JSONEncodeError, TypeError) as error:
        raise PacketError(f"it cannot be written as JSON ({error})") from None


def read_json(text: bytes | str) -> dict[str, Any]:
    """The record that a JSON document holds; what is empty may be left out.

    Raises
    ------
    PacketError
        If it is not JSON, or no record of a VOEvent.
    """
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PacketError(f"it is not JSON ({error})") from None
    if not isinstance(document, dict):
        raise PacketError("it is JSON but no object, and so no VOEvent")
    known = document.pop(_KEY, FORMAT)
    if known != FORMAT:
        raise PacketError(f"its $schema is {known!r}, and that of a VOEvent is {FORMAT!r}", field=_KEY)
    if document.get("xml") is not None:
        try:
            document["xml"] = base64.b64decode(document["xml"], validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise PacketError("its xml is not base64", field="xml") from None
    return document
