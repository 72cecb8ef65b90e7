"""Alerts that wait in line: each lane gives them away in the order in which they came.

An alert that is not decided yet keeps those behind it waiting, so that everything before one place of a lane
is done and nothing behind it: that place is where the next run goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.filters import Held

__all__ = ["Lanes"]


@dataclass(slots=True)
class _Lane:
    """Alerts by the offset of their message, and the offset of the next message to come."""

    waiting: deque[tuple[int, list[Held]]] = field(default_factory=deque)
    reached: int | None = None

    @property
    def position(self) -> int | None:
        return self.waiting[0][0] if self.waiting else self.reached


class Lanes:
    """All lanes of a stream."""

    def __init__(self) -> None:
        self._lanes: dict[str, _Lane] = {}

    def add(self, name: str, offset: int, held: Held) -> None:
        """Put an alert at the end of a lane.

        Parameters
        ----------
        name
            The lane.
        offset
            Of its message; a message may hold several alerts.
        held
            The alert.
        """
        if not held.pending and not held.passed:
            return
        waiting = self._lanes.setdefault(name, _Lane()).waiting
        if waiting and waiting[-1][0] == offset:
            waiting[-1][1].append(held)
        else:
            waiting.append((offset, [held]))

    def reach(self, positions: Mapping[str, int]) -> None:
        """Note how far lanes have been read: the offset of the next message of each."""
        for name, offset in positions.items():
            self._lanes.setdefault(name, _Lane()).reached = offset

    def take(self) -> list[Held]:
        """What can go on now, in the order of each lane."""
        ready: list[Held] = []
        for lane in self._lanes.values():
            waiting = lane.waiting
            while waiting and not any(held.pending for held in waiting[0][1]):
                ready += [held for held in waiting.popleft()[1] if held.passed]
        return ready

    def positions(self) -> dict[str, int]:
        """Where the next run goes on, by lane."""
        places = ((name, lane.position) for name, lane in self._lanes.items())
        return {name: place for name, place in places if place is not None}

    @property
    def blocked_bytes(self) -> int:
        """Size of the alerts that cannot go on yet, undecided or behind one that is."""
        size = 0
        for lane in self._lanes.values():
            blocked = False
            for _, together in lane.waiting:
                blocked = blocked or any(held.pending for held in together)
                if blocked:
                    size += sum(len(held.packet.data) for held in together if held.packet is not None)
        return size

    def clear(self) -> None:
        """Forget everything."""
        self._lanes.clear()
