"""The file that an event becomes: a name from its IVORN that every file system takes."""

from __future__ import annotations

import hashlib
import re

__all__ = ["event_file_name"]

_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")
# Of such an identifier the name says all, so no two have the same.
_TELLING = re.compile(r"ivo://[A-Za-z0-9-][A-Za-z0-9./-]*#[A-Za-z0-9._+-]*[A-Za-z0-9_-]")
_LONGEST = 200


def event_file_name(ivorn: str, edition: str = "", suffix: str = ".xml") -> str:
    """Name of an event's file: its IVORN without ``ivo://``, ``/`` as ``_`` and ``#`` as ``+``.

    A checksum is added where the name would be too long, or where another IVORN could have the same.

    Parameters
    ----------
    ivorn
        The event's identifier.
    edition
        Digest (hex) of its content, to tell two events of one IVORN apart.
    suffix
        What the name ends in.
    """
    key, _, local = ivorn.removeprefix("ivo://").partition("#")
    stem = f"{_UNSAFE.sub('_', key)}+{_UNSAFE.sub('_', local)}".strip(".+")
    if edition or len(stem) > _LONGEST or not _TELLING.fullmatch(ivorn):
        mark = hashlib.sha256(f"{ivorn}{edition}".encode(errors="backslashreplace")).hexdigest()[:8]
        stem = f"{stem[:_LONGEST] or 'event'}-{mark}"
    return f"{stem}{suffix}"
