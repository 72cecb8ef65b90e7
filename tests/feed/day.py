"""A day of a feed in simulated time: real journal, intake, retention and broadcaster; no sockets, no waiting.

Only the clock, the wires and the upstream topic are made up. A crash leaves to the next life what ``kill -9``
leaves: the journal's files as they are, and nothing else.
"""

from __future__ import annotations

import math
import random
import shutil
import threading
from pathlib import Path

from at_once import AtOnce
from calling import relayable
from listener import Listener
from twisted.internet.task import Clock

from bridge.alerts.packet import Document, Origin
from bridge.feed.intake import Intake
from bridge.feed.retention import Bounds, keep_within
from bridge.journal import Journal
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.streams import Batch
from bridge.vtp import BroadcasterSettings
from bridge.vtp.server import Broadcaster

__all__ = ["HOUR", "RETENTION_S", "Day"]

HOUR = 3600
RETENTION_S = 6 * HOUR
DAWN = 1_700_000_000
TOPIC = "kafka://upstream/events/0"


class Crash(BaseException):
    """The feed's process is killed; nothing may catch it."""


class Hurry(threading.Event):
    """Pauses between steps of retention are real time, of which a simulated day has none."""

    def wait(self, timeout: float | None = None) -> bool:
        return False


class Upstream:
    """A topic that keeps what it was given: new events, some again, new editions, garbage."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.messages: list[bytes] = []
        self.events: list[bytes] = []
        self.again = self.editions = self.garbage = 0

    def write(self) -> None:
        kind = self.chance.random()
        if kind < 0.05 and self.messages:
            self.again += 1
            self.messages.append(self.chance.choice(self.messages[-50:]))
            return
        if kind < 0.07:
            self.garbage += 1
            self.messages.append(b"<garbage %d" % self.garbage)
            return
        # Each event carries its number among all events, which is to be its place in the journal.
        seq = len(self.events) + 1
        name = seq
        if kind < 0.1 and seq > 1:
            self.editions += 1
            name = seq - 1
        self.events.append(relayable(name, f"{seq} " + "x" * self.chance.choice((10, 300, 3_000))))
        self.messages.append(self.events[-1])

    def read(self, position: int) -> Batch:
        found = self.messages[position : position + self.chance.randint(1, 60)]
        items = [
            Document(data, "voevent", Origin(TOPIC, place)) for place, data in enumerate(found, position)
        ]
        return Batch(items, {TOPIC: position + len(found)} if found else {})


class Day:
    """The feed and all around it; `run` lets time pass."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.clock = Clock()
        self.clock.advance(DAWN)
        self.upstream = Upstream(self.chance)
        self.outage_until = self.down_until = 0.0
        self.crash_at = math.inf
        self.killed_in_append: str | None = None
        self.crashes = self.outages = self.removed = 0
        self.listeners: list[Listener] = []
        self.settings = BroadcasterSettings(
            local_ivo="ivo://org.example/feed", newcomers="start", durable_max_age_s=RETENTION_S, window=30
        )
        self.file = folder / "life-0"
        self._start()

    def now(self) -> float:
        return self.clock.seconds()

    def first_kept(self) -> int:
        return self.reader.first_kept_seq() or self.reader.last_seq() + 1

    def packet(self, seq: int) -> bytes:
        return self.upstream.events[seq - 1]

    def _start(self) -> None:
        self.journal = Journal.open(self.file, durability="normal", clock=self.now)
        self.reader = self.journal.reader()
        self.position = self.journal.positions().get(TOPIC, 0)
        self.broadcaster = Broadcaster(
            self.reader, self.settings, save_cursors=self.journal.save_cursors, clock=self.clock
        )

    def close(self) -> None:
        self.reader.close()
        self.journal.close()

    def _crash(self) -> None:
        """Copy the journal's files as a killed process leaves them; no timer of the old life goes on."""
        self.crashes += 1
        dead = self.file
        self.file = self.folder / f"life-{self.crashes}"
        for end in ("", "-wal"):
            shutil.copyfile(f"{dead}{end}", f"{self.file}{end}")
        self.close()
        for left in self.folder.glob(f"{dead.name}*"):
            left.unlink()
        self.clock.calls.clear()
        for listener in self.listeners:
            listener.cut_off(saved_before=self.now() - self.settings.cursor_interval_s)
        self.crash_at = math.inf
        self.down_until = self.now() + self.chance.choice((1, 5, 90))

    def _take_in(self) -> None:
        batch = self.upstream.read(self.position)
        if not batch:
            return
        append = self.journal.append

        def deadly(*arguments: object) -> object:
            if self.killed_in_append == "before":
                raise Crash
            done = append(*arguments)  # type: ignore[arg-type]
            if self.killed_in_append == "after":
                raise Crash
            return done

        self.journal.append = deadly  # type: ignore[method-assign, assignment]
        try:
            Intake(
                [batch], lambda previous, past: Pipeline(Plan(), previous=previous, past=past),
                AtOnce(self.journal, self.broadcaster.wake), self.journal,
                DeadLetters(self.folder / "dead"), Hurry(), now=self.now,
            ).run()  # fmt: skip
        except Crash:
            self._crash()
        else:
            self.position += len(batch)
            self.journal.append = append  # type: ignore[method-assign]
        self.killed_in_append = None

    def run(self, seconds: int, *, peaceful: bool = False) -> None:
        """Let time pass; in peace nothing fails, and nothing new comes."""
        for _ in range(seconds):
            self.clock.advance(1)
            now = self.now()
            if self.down_until:
                if now < self.down_until:
                    continue
                self.down_until = 0.0
                self._start()
            if not peaceful:
                self._weather(now)
            if not self.down_until and now >= self.outage_until and now % 2 == 0:
                self._take_in()
            if self.down_until:
                continue
            if now % 300 == 0:
                bounds = Bounds(RETENTION_S, 100 * HOUR)
                self.removed += keep_within(bounds, self.journal, Hurry(), now=now).expired
            for listener in self.listeners:
                listener.second(self.chance)

    def _weather(self, now: float) -> None:
        """What happens by chance: alerts, bursts, outages upstream, crashes."""
        roll = self.chance.random()
        if roll < 0.015:
            self.upstream.write()
        elif roll < 0.0152:
            for _ in range(self.chance.randint(20, 80)):
                self.upstream.write()
            # The worst moment is when much is under way.
            if self.chance.random() < 0.7:
                self.crash_at = now + self.chance.randint(2, 4)
        elif roll < 0.0153:
            self.outages += 1
            self.outage_until = now + self.chance.choice((30, 600, HOUR))
        elif roll < 0.0155:
            self.killed_in_append = self.chance.choice(("before", "after"))
        elif roll < 0.0156 or now >= self.crash_at:
            self._crash()
