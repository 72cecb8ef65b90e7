"""The feed as an operator runs it, a process of its own, with one subscriber at its end.

What the subscriber gets is compared with the feed's journal byte for byte before any number is given.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import SourceError
from bridge.journal import JournalReader

__all__ = ["Arrival", "Arrivals", "ended", "running_feed", "wait_until"]

PATIENCE_S = 120.0
BETWEEN_LOOKS_S = 0.005

_READY = re.compile(rb"^Ready on port (\d+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event at the subscriber.

    Parameters
    ----------
    unix_s
        When it was there in full, in Unix seconds.
    digest
        SHA-256 of its bytes.
    ivorn
        Its identifier.
    """

    unix_s: float
    digest: str
    ivorn: str


@dataclass
class Arrivals:
    """What has come so far; grows while the feed runs.

    Parameters
    ----------
    journal
        Of the feed.
    events
        In the order in which they came.
    """

    journal: Path
    events: list[Arrival] = field(default_factory=list)

    def compare(self, count: int) -> None:
        """Check that so many events came, each once and as the journal has it.

        Raises
        ------
        AssertionError
            If not.
        """
        assert len(self.events) == count, f"the subscriber has {len(self.events)} events and not {count}"
        came = {event.ivorn: event.digest for event in self.events}
        assert len(came) == count, "the subscriber got an event twice"
        with JournalReader.open(self.journal) as reader:
            known = {event.ivorn: event.data for event in reader.read(0, count + 1, max_bytes=1 << 40)}
        digests = {ivorn: hashlib.sha256(data).hexdigest() for ivorn, data in known.items()}
        assert came == digests, "the subscriber's events are not those of the journal"


@contextmanager
def running_feed(url: str, folder: Path, *options: object) -> Iterator[Arrivals]:
    """A feed that follows a topic from its beginning, and its subscriber; both end with the context.

    Parameters
    ----------
    url
        Of the topic.
    folder
        For journal, settings and log.
    options
        More options of ``serve``.

    Raises
    ------
    SourceError
        If the feed does not start.
    """
    config, log, journal = folder / "kafka.toml", folder / "feed.log", folder / "feed.journal"
    config.write_text('auto.offset.reset = "earliest"\n')
    serve = (
        *("serve", "--from", url, "--kafka-config", config, "--journal", journal),
        *("--interface", "127.0.0.1", "--broadcast", 0, "--newcomers", "start", *options),
    )
    command = [sys.executable, "-m", "bridge", *map(str, serve)]
    with (
        log.open("wb") as out,
        ended(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)) as feed,
    ):
        wait_until(lambda: _READY.search(log.read_bytes()) or feed.poll() is not None, "the feed", PATIENCE_S)
        found = _READY.search(log.read_bytes())
        if found is None:
            raise SourceError(f"The feed has not started: {log.read_text().strip()[-500:]}")
        arrivals = Arrivals(journal)
        program = [sys.executable, str(Path(__file__).with_name("stream_subscriber.py")), found[1].decode()]
        with ended(
            subprocess.Popen(program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        ) as subscriber:
            reading = threading.Thread(target=_read, args=(subscriber, arrivals), daemon=True)
            reading.start()
            yield arrivals
        reading.join(PATIENCE_S)


def wait_until(condition: Callable[[], object], what: str, seconds: float = PATIENCE_S) -> None:
    """Look again and again until a condition holds.

    Raises
    ------
    AssertionError
        If it does not in time.
    """
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds:g} s in vain for {what}"
        time.sleep(BETWEEN_LOOKS_S)


def _read(subscriber: subprocess.Popen[str], arrivals: Arrivals) -> None:
    assert subscriber.stdout is not None
    for line in subscriber.stdout:
        stamp, digest, ivorn = line.split()
        arrivals.events.append(Arrival(float(stamp), digest, ivorn))


@contextmanager
def ended(process: subprocess.Popen[Any]) -> Iterator[subprocess.Popen[Any]]:
    """End a process on the way out, by force if it does not listen."""
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
