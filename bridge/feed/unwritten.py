"""What is known of events that have been made and are not in the journal yet.

The next event about an object cites the one before it, which may still be waiting for the disk.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from bridge.journal import NewEntry
from bridge.voevent.event import Earlier, Event

__all__ = ["Unwritten"]


class Unwritten:
    """Events by their objects, oldest first; for the thread that makes them and the one that writes."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self._lock = threading.Lock()

    def add(self, event: Event) -> None:
        """Note an event that has been made."""
        if event.object_key:
            with self._lock:
                self._events.setdefault(event.object_key, []).append(event)

    def forget(self, entries: Iterable[NewEntry]) -> None:
        """The journal knows these, the oldest that were noted of their objects."""
        with self._lock:
            for entry in entries:
                if not entry.object_key:
                    continue
                events = self._events[entry.object_key]
                del events[0]
                if not events:
                    del self._events[entry.object_key]

    def newest(self, object_key: str) -> str | None:
        """IVORN of the newest event about an object; None where there is none."""
        with self._lock:
            events = self._events.get(object_key)
            return events[-1].ivorn if events else None

    def about(self, object_key: str) -> list[Earlier]:
        """All events about an object."""
        with self._lock:
            events = tuple(self._events.get(object_key, ()))
        return [Earlier(event.ivorn, event.digest, event.observed_at) for event in events]
