"""Source positions as the journal keeps them: its keys are Unicode, and names of files need not be."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["from_journal", "to_journal"]

# Paths in positions are absolute, so none begins like this.
_BYTES = "bytes:"


def to_journal(positions: Mapping[str, int]) -> dict[str, int]:
    """Positions under keys that the journal can hold."""
    return {_encoded(name): value for name, value in positions.items()}


def from_journal(positions: Mapping[str, int]) -> dict[str, int]:
    """Positions under the names of the source's partitions."""
    return {_decoded(key): value for key, value in positions.items()}


def _encoded(name: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        return _BYTES + name.encode(errors="surrogateescape").hex()
    return name


def _decoded(key: str) -> str:
    if not key.startswith(_BYTES):
        return key
    return bytes.fromhex(key.removeprefix(_BYTES)).decode(errors="surrogateescape")
