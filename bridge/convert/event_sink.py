"""What every place for events has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bridge.streams.sink import BaseSink
from bridge.voevent.event import Event

__all__ = ["EventSink"]


class EventSink(BaseSink, ABC):
    """Takes events one by one. As a context manager it is closed, or after an error discarded."""

    @abstractmethod
    def write(self, event: Event) -> None:
        """Keep an event; raises `SourceError` if that fails."""

    def write_edition(self, event: Event) -> None:
        """Keep an event beside another one that has the same IVORN."""
        self.write(event)
