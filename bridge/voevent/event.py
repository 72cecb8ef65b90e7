"""A finished VOEvent with what the journal and the feed need to know about it without parsing XML."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Event"]


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
    digest
        SHA-256 (hex) of the source datum, so a second translation of one alert is recognised as the same;
        of a relayed packet, of its bytes.
    shed
        What had to go so that the packet fits the size limit, as short sentences; empty if nothing.
    relayed
        Whether somebody else wrote the packet, and we only pass its bytes on.
    """

    ivorn: str
    xml: bytes
    role: str
    object_key: str
    ra_deg: float | None
    dec_deg: float | None
    observed_at: str
    digest: str
    shed: tuple[str, ...] = ()
    relayed: bool = False
