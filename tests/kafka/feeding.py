"""Runs feeds on a broker as processes, and fills topics while they run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from processes import bridge_command

from bridge.journal import JournalReader
from bridge.journal.entry import Entry
from bridge.simulate import simulate

__all__ = ["Survey", "entries_of", "feed_command", "identifiers"]


def feed_command(url: str, folder: Path, name: str, config: Path, *more: object) -> list[str]:
    """A feed with a journal of its own in `folder`."""
    return bridge_command(
        *("serve", "--from", url, "--kafka-config", config, "--journal", folder / f"{name}.journal"),
        *("--interface", "127.0.0.1", "--newcomers", "start", *more),
    )


def entries_of(folder: Path, name: str) -> list[Entry]:
    """All events in a feed's journal."""
    with JournalReader.open(folder / f"{name}.journal") as journal:
        return journal.read(0, 1_000_000, max_bytes=1 << 40)


def identifiers(entries: list[Entry]) -> list[str]:
    """The alerts' own identifiers, from the events' IVORNs."""
    return [entry.ivorn.rpartition("#")[2] for entry in entries]


class Survey(threading.Thread):
    """Simulated alerts: as a thread they come into a topic one by one, at a pace until `hurry` is set."""

    def __init__(self, topics: Any, topic: str, alerts: int, pause_s: float = 0.03) -> None:
        super().__init__(daemon=True)
        self.topics = topics
        self.topic = topic
        self.pause_s = pause_s
        self.hurry = threading.Event()
        self._next = 0
        self.alerts = [
            (str(alert.identifier), alert.packet.data)
            for visit in simulate("ztf", visits=6, alerts=alerts // 6, seed=5)
            for alert in visit
        ]
        self.identifiers = [identifier for identifier, _ in self.alerts]

    def run(self) -> None:
        while self._next < len(self.alerts):
            self.send(1)
            self.hurry.wait(self.pause_s)
        self.topics.flush()

    def send(self, count: int) -> None:
        """Send the next alerts at once."""
        for identifier, data in self.alerts[self._next : self._next + count]:
            self.topics.send(self.topic, data, key=identifier)
        self._next += count
