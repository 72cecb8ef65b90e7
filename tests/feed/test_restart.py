"""Killed at any moment, the feed loses nothing and says nothing twice."""

from __future__ import annotations

import random
import signal
import threading
from collections import Counter
from pathlib import Path

import pytest
from processes import (
    PlainSubscriber,
    bridge_command,
    comet_command,
    free_port,
    ready_port,
    received_by_comet,
    running,
    saved_by_comet,
    wait_for,
)

from bridge.journal import JournalReader
from bridge.simulate import simulate
from bridge.streams import open_sink

KILLS = 20
ALERTS = 900
# Alerts that lie ready for the feed: it is never idle, and never done with all.
AHEAD = 25


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_killed_twenty_times_in_mid_stream_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    inbox = tmp_path / "alerts"
    inbox.mkdir()
    log = tmp_path / "feed.log"
    log.touch()
    port = free_port()
    feed = bridge_command(
        *("serve", "--from", inbox, "--journal", tmp_path / "feed.journal", "--broadcast", port),
        *("--interface", "127.0.0.1", "--newcomers", "start"),
    )
    subscriber = PlainSubscriber(port, "ivo://subscriber.test/plain")
    writer = _Writer(inbox, subscriber)
    comet = comet_command(port, tmp_path / "comet", "ivo://subscriber.test/comet")
    dice = random.Random(7)
    published_at_kill = []
    with running(comet, tmp_path / "comet.log"):
        subscriber.start()
        writer.start()
        for _ in range(KILLS):
            skip = log.stat().st_size
            with running(feed, log) as process:
                ready_port(process, log, skip)
                target = len(set(subscriber.events)) + dice.randrange(1, 20)
                wait_for(lambda target=target: len(set(subscriber.events)) >= target, "events to come in")
                writer.hurry.wait(dice.uniform(0.0, 0.05))
                process.send_signal(signal.SIGKILL)
                process.wait()
            with JournalReader.open(tmp_path / "feed.journal") as journal:
                published_at_kill.append(journal.last_seq())
    assert len(set(published_at_kill)) > KILLS / 2, "most kills came while the feed was at work"
    assert published_at_kill[-1] < ALERTS
    writer.hurry.set()
    writer.join()
    skip = log.stat().st_size
    # Comet waits longer after each lost connection, up to an hour; started again it comes at once.
    with running(feed, log) as process:
        ready_port(process, log, skip)
        with running(comet, tmp_path / "comet.log"):
            with JournalReader.open(tmp_path / "feed.journal") as journal:
                wait_for(
                    lambda: journal.last_seq() == ALERTS, f"all alerts in the journal, {journal.last_seq()}"
                )
                entries = journal.read(0, 10 * ALERTS, max_bytes=1 << 40)
            wait_for(lambda: len(set(subscriber.events)) == ALERTS, "the plain subscriber to have all")
            wait_for(lambda: saved_by_comet(tmp_path / "comet") >= ALERTS, "Comet to have all", 90)
    subscriber.stop()

    identifiers = [entry.ivorn.rpartition("#")[2] for entry in entries]
    assert sorted(identifiers) == sorted(writer.identifiers), "each alert is one event, no more, no less"
    assert len(set(identifiers)) == ALERTS
    assert Counter(received_by_comet(tmp_path / "comet")) == Counter(entry.data for entry in entries)
    # After the last saved cursor a subscriber may be sent an event again, but never another content.
    assert set(subscriber.events) == {(entry.ivorn, entry.data) for entry in entries}
    assert subscriber.connections > KILLS / 2


class _Writer(threading.Thread):
    """A survey: alerts appear in the inbox as fast as the feed keeps up, while it is killed and started."""

    def __init__(self, inbox: Path, subscriber: PlainSubscriber) -> None:
        super().__init__(daemon=True)
        self.inbox = inbox
        self.subscriber = subscriber
        self.identifiers: list[str] = []
        self.hurry = threading.Event()

    def run(self) -> None:
        with open_sink(self.inbox) as sink:
            for visit in simulate("ztf", visits=6, alerts=ALERTS // 6, seed=5):
                for alert in visit:
                    sink.write(alert.packet)
                    self.identifiers.append(str(alert.identifier))
                    while len(self.identifiers) - len(set(self.subscriber.events)) >= AHEAD:
                        if self.hurry.wait(0.005):
                            break
