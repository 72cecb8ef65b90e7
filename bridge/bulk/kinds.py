"""What kind of message it is, by its first bytes alone: cheap enough to count every message of a stream."""

from __future__ import annotations

from bridge.alerts.ocf_header import MAGIC

__all__ = ["kind_of"]


def kind_of(value: bytes | None, key: bytes | None = None) -> str:
    """Name of the kind: "schema 1001" (wire format), container, keyed, xml, json, gzip, bare or none.

    Parameters
    ----------
    value
        The message; None for a tombstone.
    key
        Its key, which may be the schema of a bare datum.
    """
    if value is None:
        return "none"
    if value.startswith(MAGIC):
        return "container"
    if key is not None and key[:1] == b"{" and b'"fields"' in key:
        return "keyed"
    if value[:1] == b"\0" and len(value) >= 5:
        return f"schema {int.from_bytes(value[1:5], 'big')}"
    if value.startswith(b"\x1f\x8b"):
        return "gzip"
    head = value[:64].lstrip()[:1]
    return {b"<": "xml", b"{": "json", b"[": "json"}.get(head, "bare")
