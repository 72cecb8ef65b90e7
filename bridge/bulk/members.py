"""A message as a member of a tar archive: key, headers and time travel in the member's own header.

They stand in the comment of a POSIX pax header, the one record that every tar program passes over in silence,
so an archive that was moved away from its index still knows all that Kafka knew.
"""

from __future__ import annotations

import base64
import tarfile
from typing import Any

import orjson

from bridge.alerts.packet import Envelope
from bridge.alerts.recorded_member import COMMENT, MARK

__all__ = ["END", "member_bytes", "padding"]

END = bytes(2 * tarfile.BLOCKSIZE)
"""What stands at the end of a tar archive."""


def padding(size: int) -> int:
    """Zero bytes after a member's content of this size."""
    return -size % tarfile.BLOCKSIZE


def member_bytes(
    name: str, value: bytes | None, envelope: Envelope, *, place: tuple[str, int, int], mtime_s: float
) -> tuple[bytes, int]:
    """A message as tar has it: header, content, padding.

    Parameters
    ----------
    name
        Of the member.
    value
        The message; None for a tombstone.
    envelope
        What came with it.
    place
        Topic, partition, offset.
    mtime_s
        Time of the member where the message has none, in Unix seconds.

    Returns
    -------
    tuple
        The bytes, a multiple of 512, and where in them the content begins.
    """
    topic, partition, offset = place
    content = value or b""
    known: dict[str, Any] = {"topic": topic, "partition": partition, "offset": offset}
    if envelope.timestamp_ms is not None:
        known["timestamp_ms"] = envelope.timestamp_ms
        mtime_s = envelope.timestamp_ms / 1000
    if envelope.key is not None:
        known["key"] = _text(envelope.key)
    if envelope.headers:
        known["headers"] = [(key, None if data is None else _text(data)) for key, data in envelope.headers]
    if value is None:
        known["tombstone"] = True
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mtime = int(mtime_s)
    info.pax_headers = {COMMENT: orjson.dumps({MARK: known}).decode()}
    header = info.tobuf(tarfile.PAX_FORMAT)
    return b"".join((header, content, bytes(padding(len(content))))), len(header)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
