"""A notice as a value: the JSON object or decoded Avro record, its digest, and what its source says about it.

The digest is that of the content and not of the bytes, so one notice that comes as JSON by one way and in
Avro by another is one notice.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from typing import Any

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Document, Origin, Packet
from bridge.errors import PacketError

__all__ = ["Notice", "notice_of_document", "notice_of_packet", "topic_of"]

TRUE = (b"true", b"True", b"1")
DEEPEST = 100


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice.

    Parameters
    ----------
    content
        The JSON object; images as base64 text (JSON) or bytes (Avro).
    digest
        SHA-256 (hex) of the content.
    topic
        Kafka topic that it came from; empty where it came from a file.
    is_test
        Whether the source marks it as a test, beside its content (Hopskotch's header ``_test``).
    """

    content: dict[str, Any]
    digest: str
    topic: str = ""
    is_test: bool = False


def notice_of_document(document: Document) -> Notice:
    """Read a JSON notice.

    Raises
    ------
    PacketError
        If it is not JSON, or not one JSON object.
    """
    try:
        content = json.loads(document.data, parse_constant=_constant)
    except UnicodeDecodeError:
        raise PacketError("it is not JSON: its text is not UTF-8") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise PacketError(
                "it holds more than one JSON value; give each notice a file of its own"
            ) from None
        raise PacketError(f"it is not JSON ({error})") from None
    except RecursionError:
        raise PacketError("it is nested too deeply") from None
    except ValueError as error:
        raise PacketError(f"it holds a number that is none ({error})") from None
    if not isinstance(content, dict):
        kind = "an array" if isinstance(content, list) else "a single value"
        raise PacketError(f"it is {kind} in JSON, and a notice is one object ({{...}})")
    return _notice(content, document.origin)


def notice_of_packet(packet: Packet) -> Notice:
    """Read an Avro alert as a whole.

    Raises
    ------
    PacketError
        If it does not fit its schema.
    """
    content = decode_packet(packet)
    if not isinstance(content, dict):
        raise PacketError(f"schema {packet.schema.name} is not that of a record")
    return _notice(_without_nan(content), packet.origin)


def topic_of(origin: Origin) -> str:
    """The Kafka topic of an item, or empty text."""
    return origin.partition.rsplit("/", 2)[-2] if "://" in origin.partition else ""


def _notice(content: dict[str, Any], origin: Origin) -> Notice:
    text = json.dumps(_canonical(content), sort_keys=True, separators=(",", ":"), default=str)
    headers = origin.envelope.headers if origin.envelope is not None else ()
    is_test = any(name == "_test" and value in TRUE for name, value in headers)
    # Lone surrogates are legal in JSON's escapes and cannot be encoded.
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
    return Notice(content, digest, topic_of(origin), is_test)


def _constant(name: str) -> float | None:
    """Infinities and NaN, which JSON has not and Python writes all the same; NaN is no value."""
    return None if name == "NaN" else float(name)


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without_nan(inner) for inner in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _canonical(value: Any, depth: int = 0) -> Any:
    """The value as JSON and Avro have it alike: null is the same as nothing, 1.0 as 1, bytes are base64."""
    if depth > DEEPEST:
        raise PacketError(f"it is nested more than {DEEPEST} deep")
    if isinstance(value, dict):
        return {key: _canonical(inner, depth + 1) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_canonical(inner, depth + 1) for inner in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return int(value) if isinstance(value, float) and value.is_integer() else value
