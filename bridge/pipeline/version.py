"""Events in another version of VOEvent than they came in or were made in."""

from __future__ import annotations

from dataclasses import replace

from bridge.voevent.event import Event
from bridge.voevent.versions import to_version

__all__ = ["in_version"]


def in_version(event: Event, version: str) -> Event:
    """An event in another version.

    Parameters
    ----------
    event
        The event. Its identity stays, so it is known again in whatever version it comes.
    version
        2.0 or 2.1.

    Returns
    -------
    The event, with what the other version has no place for in `Event.lost`.

    Raises
    ------
    PacketError
        If it is not a VOEvent of a known version.
    """
    conversion = to_version(event.xml, version)
    return replace(event, xml=conversion.xml, lost=tuple(change.message for change in conversion.lost))
