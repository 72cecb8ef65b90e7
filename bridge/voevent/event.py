"""A finished VOEvent with what the journal and the feed need to know about it without parsing XML."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from typing import Any

__all__ = ["Earlier", "Event", "Past", "sha256"]

# From 2,048 bytes on hashlib lets other threads run, and then waits for its turn: under load that takes
# longer than to digest a small packet.
_AT_ONCE = 2_047
_SMALL = 8 * _AT_ONCE


@dataclass(frozen=True, slots=True)
class Earlier:
    """What is known of a packet that was published about an object before.

    Parameters
    ----------
    ivorn
        Its identifier.
    digest
        Digest (hex) of what it was made of; see `Event.digest`.
    observed_at
        Time of the observation as it has it; empty where it has none.
    """

    ivorn: str
    digest: str
    observed_at: str = ""


Past = Callable[[str], Sequence[Earlier]]
"""Gives all earlier events about an object by its key, oldest first."""


@dataclass(frozen=True, slots=True)
class Event:
    """One VOEvent 2.0 packet.

    Parameters
    ----------
    ivorn
        The packet's identifier: one IVORN, one content for ever.
    xml
        The packet, UTF-8, from the XML declaration to the last tag.
    role
        observation, prediction, utility or test.
    object_key
        Survey name or number of the sky object that the packet is about; empty where it has none.
    ra_deg, dec_deg
        Position, ICRS or FK5 J2000, degrees; None where it has none.
    observed_at
        UTC of the observation, ISO 8601 with milliseconds, without zone.
    content
        What the packet was made of: the source datum, or of a relayed packet its bytes; or their digest.
    shed
        What had to go so that the packet fits the size limit, as short sentences; empty if nothing.
    relayed
        Whether somebody else wrote the packet, and we only pass its bytes on.
    lost
        What the packet said before it was converted to another version, which has no place for it.
    """

    ivorn: str
    xml: bytes
    role: str
    object_key: str
    ra_deg: float | None
    dec_deg: float | None
    observed_at: str
    content: memoryview | str
    shed: tuple[str, ...] = ()
    relayed: bool = False
    lost: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of `content`: by it a second translation of one alert is recognised as the same."""
        return self.content if isinstance(self.content, str) else sha256(self.content).hex()

    @property
    def digest_bytes(self) -> bytes:
        """The same as bytes."""
        return bytes.fromhex(self.content) if isinstance(self.content, str) else sha256(self.content)

    def __reduce__(self) -> tuple[Any, ...]:
        values = (getattr(self, each.name) for each in fields(self) if each.name != "content")
        before, after = tuple(islice(values, 7)), tuple(values)
        return Event, (*before, self.digest, *after)


def sha256(data: bytes | memoryview) -> bytes:
    """The SHA-256 digest of a packet; of a small one without letting another thread come between."""
    if len(data) > _SMALL:
        return hashlib.sha256(data).digest()
    digest = hashlib.sha256()
    for start in range(0, len(data), _AT_ONCE):
        digest.update(data[start : start + _AT_ONCE])
    return digest.digest()
