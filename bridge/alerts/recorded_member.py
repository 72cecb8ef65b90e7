"""What a member of our archives of topics says of its message: key, headers and time, beside its bytes.

It stands in the comment of the member's POSIX pax header, as JSON. Who reads alerts out of an archive needs
it, too: a bare datum's schema may be its message's key, and a message without a value is no empty alert.
"""

from __future__ import annotations

import base64
import tarfile
from functools import lru_cache

import orjson

from bridge.alerts.packet import Envelope
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import SchemaError, SourceError

__all__ = ["COMMENT", "MARK", "envelope_of", "schema_in_key"]

COMMENT = "comment"
MARK = "voevent-bridge"


def envelope_of(info: tarfile.TarInfo) -> tuple[Envelope, bool] | None:
    """What came with a message, and whether it is a tombstone; None for a member that was no message.

    Raises
    ------
    SourceError
        If the member's header is damaged.
    """
    comment = info.pax_headers.get(COMMENT, "")
    if not comment.startswith(f'{{"{MARK}":'):
        return None
    try:
        known = orjson.loads(comment)[MARK]
        key, time_ms = known.get("key"), known.get("timestamp_ms")
        envelope = Envelope(
            None if key is None else _bytes(key),
            tuple((name, None if data is None else _bytes(data)) for name, data in known.get("headers", ())),
            None if time_ms is None else int(time_ms),
        )
        is_tombstone = bool(known.get("tombstone"))
    except (AttributeError, TypeError, ValueError) as error:
        raise SourceError(
            f"The member {info.name} says of its message what cannot be read ({error})."
        ) from None
    return envelope, is_tombstone


@lru_cache(maxsize=64)
def schema_in_key(key: bytes | None) -> Schema | None:
    """The writer schema that a message's key is (Fink's are); None if the key is something else.

    Raises
    ------
    SchemaError
        If it looks like one and is unusable.
    """
    # Any JSON object may be a key; Fink's is a record.
    if key is None or key[:1] != b"{" or b'"fields"' not in key:
        return None
    try:
        return parse_schema(key)
    except SchemaError as error:
        raise SchemaError(f"The key of the message is no usable schema: {error}") from None


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
