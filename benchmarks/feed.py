"""The broker beside Comet: events in, events out, to one subscriber and to a thousand.

Both run as users start them, with a load that knows every byte that has to come: an event that is lost,
doubled or changed ends the benchmark. Run it as ``voevent-bridge bench feed``.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import describe_machine, versions
from benchmarks.feed_authors import AUTHORS, Upstream, send_each, send_paced, send_together
from benchmarks.feed_brokers import Broker, comet, fast_dbm, ours
from benchmarks.feed_events import BenchEvent, make_events, origin_of_events
from benchmarks.feed_report import report
from bridge.errors import SourceError
from bridge.journal import Journal, NewEntry

__all__ = ["measure", "report"]

DEADLINE_S = 120.0
# Events of one round, by subscribers: so many that it takes about a second.
JOURNALLED = {1: 20_000, 10: 10_000, 100: 2_000, 1_000: 200}
FROM_SOURCE = {1: 10_000, 10: 5_000, 100: 1_000, 1_000: 100}
FOR_COMET = {1: 600, 10: 300, 100: 60, 1_000: 6}
TOGETHER, EACH, EACH_COMET = 10_000, 2_000, 300
PACED, PACE_HZ, PACED_SUBSCRIBERS = 200, 50.0, 10

Feed = Callable[[Sequence[BenchEvent]], Any]


def measure(
    *,
    rounds: int = 2,
    share: float = 1.0,
    subscribers: Sequence[int] = (1, 10, 100, 1_000),
    progress: Callable[[str], object] | None = None,
) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often each way is measured; the best round counts, because others use the machine, too.
    share
        Part of the usual number of events.
    subscribers
        How many there are, in turn: of 1, 10, 100 and 1,000.
    progress
        Is told what goes on.

    Returns
    -------
    Plain data: machine, versions, inputs; per way and number of subscribers events and deliveries a second
    and CPU time of both brokers, with the ratio; latency; memory per subscriber.

    Raises
    ------
    SystemExit
        In a load process, which ends the benchmark, when an event is lost, doubled or changed.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * max(subscribers) + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    busy = round(os.getloadavg()[0], 1)
    run = _Run(rounds, share, tuple(subscribers))
    tell = progress or (lambda _text: None)
    with tempfile.TemporaryDirectory(prefix="bench-feed-") as folder:
        tell("journal to subscribers")
        journalled = run.journalled(Path(folder) / "journalled")
        tell("source and authors to subscribers")
        with _stopping(ours(Path(folder) / "ours")) as broker:
            our_ways = run.ways(broker, _dropping_into(broker.folder / "in"), FROM_SOURCE, EACH, ordered=True)
            our_ways["together"] = run.best(
                broker, 1, run.scaled(TOGETHER), lambda events: send_together(broker.receive_port, events)
            )
            our_latency = run.latency(broker)
        tell("upstream broker and authors to subscribers of Comet")
        upstream = Upstream()
        with closing(upstream), _stopping(comet(Path(folder) / "comet", upstream.port)) as broker:
            comets_ways = run.ways(broker, upstream.send, FOR_COMET, EACH_COMET, ordered=False)
            comets_latency = run.latency(broker, ordered=False)
    rows = [_row("journal", n, journalled[n], None) for n in run.subscribers]
    rows += [_row("source", n, our_ways[n], comets_ways[n]) for n in run.subscribers]
    rows.append(_row("authors, a connection for each event", 1, our_ways["each"], comets_ways["each"]))
    rows.append(_row("an author, one connection", 1, our_ways["together"], comets_ways["each"]))
    return {
        "benchmark": "feed",
        "machine": describe_machine(),
        "versions": versions("Comet", "Twisted", "lxml") | {"SQLite": sqlite3.sqlite_version},
        "events": origin_of_events(),
        "journal": "synchronous = FULL: an event is on the disk before it goes out",
        "comets_database": fast_dbm()[1],
        "busy_before": busy,
        "authors": AUTHORS,
        "rounds": rounds,
        "ways": rows,
        "latency": {"ours": our_latency, "comet": comets_latency},
        "latency_conditions": f"{PACE_HZ:g} events/s, a connection each, {PACED_SUBSCRIBERS} subscribers",
        "kb_per_subscriber": {
            "ours": our_ways[max(run.subscribers)]["kb_per_subscriber"],
            "comet": comets_ways[max(run.subscribers)]["kb_per_subscriber"],
        },
    }


class _Run:
    """Measures one broker after the other in the same ways."""

    def __init__(self, rounds: int, share: float, subscribers: tuple[int, ...]) -> None:
        self.rounds = rounds
        self.share = share
        self.subscribers = subscribers
        self._tags = 0

    def scaled(self, events: int) -> int:
        return max(4, round(events * self.share))

    def ways(
        self, broker: Broker, feed: Feed, counts: dict[int, int], each: int, *, ordered: bool
    ) -> dict[Any, dict[str, float]]:
        found: dict[Any, dict[str, float]] = {}
        for number in self.subscribers:
            found[number] = self.best(broker, number, self.scaled(counts[number]), feed, ordered=ordered)
        found["each"] = self.best(
            broker, 1, self.scaled(each), lambda events: send_each(broker.receive_port, events), ordered=False
        )
        return found

    def best(
        self, broker: Broker, subscribers: int, count: int, feed: Feed, *, ordered: bool = True
    ) -> dict[str, float]:
        rounds = [self._round(broker, subscribers, count, feed, ordered=ordered) for _ in range(self.rounds)]
        return max(rounds, key=lambda one: one["events_hz"])

    def _round(
        self, broker: Broker, subscribers: int, count: int, feed: Feed, *, ordered: bool
    ) -> dict[str, float]:
        tag = self._tag()
        events = make_events(count, tag)
        alone_kb = broker.resident_kb
        with _listeners(broker, subscribers, count, tag, ordered=ordered) as results:
            cpu_s = broker.cpu_s
            began = feed(events)
            rates = _rates(broker, subscribers, count, next(results)["last"] - began, cpu_s)
            return rates | {"kb_per_subscriber": round((broker.resident_kb - alone_kb) / subscribers, 1)}

    def latency(self, broker: Broker, *, ordered: bool = True) -> dict[str, float]:
        tag, count = self._tag(), self.scaled(PACED)
        with _listeners(broker, PACED_SUBSCRIBERS, count, tag, ordered=ordered, timed=True) as results:
            sent = send_paced(broker.receive_port, make_events(count, tag), PACE_HZ)
            arrivals = next(results)["arrivals"]
        waits = [1e3 * (at - left) for one in arrivals for at, left in zip(one, sent, strict=True)]
        cuts = statistics.quantiles(waits, n=100, method="inclusive")
        return {"p50_ms": round(cuts[49], 2), "p99_ms": round(cuts[98], 2)}

    def journalled(self, folder: Path) -> dict[int, dict[str, float]]:
        """What is in the journal already, to subscribers that come back for it."""
        counts = {number: self.scaled(JOURNALLED[number]) for number in self.subscribers}
        total = max(counts.values())
        tag = self._tag()
        folder.mkdir()
        with Journal.open(folder / "journal") as journal:
            events = make_events(total, tag)
            for start in range(0, total, 256):
                journal.append([_entry(event) for event in events[start : start + 256]])
            for number, count in counts.items():
                for turn in range(self.rounds):
                    group = _name(f"{number}.{turn}")
                    journal.save_cursors({f"{group}-{each}": total - count for each in range(number)})
        found = {}
        with _stopping(ours(folder)) as broker:
            for number, count in counts.items():
                rounds = []
                for turn in range(self.rounds):
                    cpu_s = broker.cpu_s
                    with _listeners(
                        broker, number, count, tag, first=total - count, name=f"{number}.{turn}"
                    ) as results:
                        done = next(results)
                        rounds.append(_rates(broker, number, count, done["last"] - done["first"], cpu_s))
                found[number] = max(rounds, key=lambda one: one["events_hz"])
        return found

    def _tag(self) -> str:
        self._tags += 1
        return f"r{self._tags}-"


def _entry(event: BenchEvent) -> NewEntry:
    return NewEntry(event.ivorn, event.data, "relayed", hashlib.sha256(event.data).digest(), "observation")


def _name(label: str) -> str:
    return f"ivo://org.example/listener/{label}"


@contextmanager
def _stopping(broker: Broker) -> Iterator[Broker]:
    try:
        yield broker
    finally:
        broker.stop()


@contextmanager
def _listeners(
    broker: Broker,
    subscribers: int,
    count: int,
    tag: str,
    *,
    ordered: bool = True,
    timed: bool = False,
    first: int = 0,
    name: str = "",
) -> Iterator[Iterator[dict[str, Any]]]:
    """Subscribers in a process of their own, connected and ready; gives their result when they have all."""
    asked = {
        "port": broker.port,
        "subscribers": subscribers,
        "events": count,
        "first": first,
        "tag": tag,
        "response": _name(name or tag.rstrip("-")),
        "ordered": ordered,
        "timed": timed,
        "deadline_s": DEADLINE_S,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.feed_listeners", json.dumps(asked)],
        cwd=Path(__file__).resolve().parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        results = _said(process.stdout)
        next(results)  # They are there.
        yield results
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(DEADLINE_S)
        process.stdout.close()


def _said(lines: Iterable[bytes]) -> Iterator[Any]:
    """What the subscribers' process says, line by line; that it ends is never expected."""
    for line in lines:
        yield json.loads(line)
    raise SourceError(
        "The subscribers of the benchmark ended before they had all events; their process says why above. "
        "Comet drops who owes it ten answers at its tick of a minute: run it again on a quieter machine."
    )


def _dropping_into(folder: Path) -> Feed:
    """A feed that puts events as one tar archive into a folder that is followed."""

    def feed(events: Sequence[BenchEvent]) -> float:
        half = folder / ".events.tmp"
        with tarfile.open(half, "w") as archive:
            for number, event in enumerate(events):
                member = tarfile.TarInfo(f"{number:06}.xml")
                member.size = len(event.data)
                archive.addfile(member, io.BytesIO(event.data))
        began = time.monotonic()
        half.rename(folder / f"{hashlib.sha256(events[0].data).hexdigest()[:16]}.tar")
        return began

    return feed


def _rates(
    broker: Broker, subscribers: int, count: int, seconds: float, cpu_s_before: float
) -> dict[str, float]:
    deliveries = subscribers * count
    return {
        "events": count,
        "events_hz": round(count / seconds, 1),
        "deliveries_hz": round(deliveries / seconds, 1),
        "event_us": round(seconds / count * 1e6, 1),
        "delivery_cpu_us": round((broker.cpu_s - cpu_s_before) / deliveries * 1e6, 1),
    }


def _row(way: str, subscribers: int, mine: dict[str, float], peer: dict[str, float] | None) -> dict[str, Any]:
    row = {
        "name": f"{way} to {subscribers}",
        "way": way,
        "subscribers": subscribers,
        "ours": mine,
        "comet": peer,
    }
    return row | {"ratio": round(mine["events_hz"] / peer["events_hz"], 1)} if peer else row
