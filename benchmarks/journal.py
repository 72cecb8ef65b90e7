"""A large journal: searches around a position beside SQLite's R*Tree, and publishing while old events go.

Run it as ``voevent-bridge bench journal``. The searches take CPU time; publishing takes time by the clock,
because what counts there is how long others wait.
"""

from __future__ import annotations

import hashlib
import math
import random
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.common import describe_machine
from bridge.feed.retention import Bounds, Removed, keep_within
from bridge.journal import Cone, Journal, JournalReader, NewEntry, Search
from bridge.sky import separation

__all__ = ["measure", "report"]

DAY_S = 86_400.0
DAYS = 100
PACKET_BYTES = 400
BATCH = 250
RADII_DEG = {"1 arcmin": 1 / 60, "1 degree": 1.0, "10 degrees": 10.0}
LIMIT = 50
PAUSE_S = 0.02

Say = Callable[[str], None]


def measure(*, rounds: int = 20, events: int = 1_000_000, progress: Say | None = None) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        Cones of each radius, and so on.
    events
        How many events the journal holds, published over a hundred days, anywhere on the sky.
    progress
        Told now and then what is being done.

    Returns
    -------
    Plain data: machine, versions, times.

    Raises
    ------
    AssertionError
        If a search finds other events than its peer.
    """
    say = progress or (lambda _: None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal"
        now = time.time()
        clock = [now - DAYS * DAY_S]
        with Journal.open(path, durability="normal", clock=lambda: clock[0]) as journal:
            _fill(journal, clock, events, say)
            clock[0] = now
            say("searches")
            with journal.reader() as reader:
                searches = _searches(reader, Path(folder) / "peer", events, now, rounds)
            file_bytes = journal.space().file_bytes
        with Journal.open(path) as journal:
            publishing = _publishing(journal, events, now, max(50, 10 * rounds), say)
    return {
        "benchmark": "journal",
        "machine": describe_machine(),
        "versions": {"sqlite": sqlite3.sqlite_version},
        "input": f"{events} made-up events of {PACKET_BYTES} bytes anywhere on the sky",
        "events": events,
        "file_bytes": file_bytes,
        "rounds": rounds,
        "searches": searches,
        "publishing": publishing,
    }


def _fill(journal: Journal, clock: list[float], events: int, say: Say) -> None:
    chance = random.Random(1)
    step_s = DAYS * DAY_S / events
    for first in range(0, events, BATCH):
        count = min(BATCH, events - first)
        journal.append([_event(first + n, chance) for n in range(count)])
        clock[0] += count * step_s
        if first % 50_000 == 0:
            say(f"{first:,} of {events:,} events")


def _event(number: int, chance: random.Random) -> NewEntry:
    digest = hashlib.sha256(b"%d" % number).digest()
    return NewEntry(
        _ivorn(number),
        digest * (PACKET_BYTES // len(digest)),
        "authored",
        digest,
        "observation" if number % 100 else "test",
        object_key=f"object-{number // 4}",
        ra_deg=chance.uniform(0, 360),
        dec_deg=math.degrees(math.asin(chance.uniform(-1, 1))),
    )


def _ivorn(number: int) -> str:
    return f"ivo://org.example/feed/{('ztf', 'lsst')[number % 2]}#{number}"


def _searches(
    reader: JournalReader, peer: Path, events: int, now: float, rounds: int
) -> list[dict[str, Any]]:
    chance = random.Random(2)
    rtree = _rtree(reader.path, peer)
    done = []
    for name, radius_deg in RADII_DEG.items():
        ours, theirs = [], []
        for _ in range(rounds):
            cone = Cone(chance.uniform(30, 330), chance.uniform(-60, 60), radius_deg)
            taken, found = _timed(lambda cone=cone: reader.search(Search(cone=cone), LIMIT))
            ours.append(taken)
            taken, expected = _timed(lambda cone=cone: _around(rtree, cone))
            theirs.append(taken)
            if [event.seq for event in found] != expected:
                raise AssertionError(f"Our search and the R*Tree find different events in {cone}.")
        done.append({"search": f"cone of {name}", "ms": _ms(ours), "rtree_ms": _ms(theirs)})
    rtree.close()
    middle = events // 2
    for name, search in (
        ("IVORN", Search(ivorn=_ivorn(middle))),
        ("newest of a stream", Search(stream="ivo://org.example/feed/ztf")),
        ("newest of a rare role", Search(role="test")),
        ("an hour, a month ago", Search(since=now - 30 * DAY_S, until=now - 30 * DAY_S + 3600)),
        ("IVORNs that begin alike", Search(glob=f"{_ivorn(middle)}*")),
        ("IVORNs that end alike", Search(glob=f"*#{middle}")),
    ):
        times = [_timed(lambda search=search: reader.search(search, LIMIT))[0] for _ in range(rounds)]
        done.append({"search": name, "ms": _ms(times), "rtree_ms": None})
    return done


def _rtree(journal: Path, peer: Path) -> sqlite3.Connection:
    """The usual way in SQLite: a second table for the sky."""
    made = sqlite3.connect(peer)
    made.create_function("separation_deg", 4, separation, deterministic=True)
    made.execute("ATTACH ? AS journal", (str(journal),))
    made.execute("CREATE VIRTUAL TABLE sky USING rtree(seq, ra0, ra1, dec0, dec1)")
    made.execute("INSERT INTO sky SELECT seq, ra_deg, ra_deg, dec_deg, dec_deg FROM journal.event")
    made.commit()
    return made


def _around(rtree: sqlite3.Connection, cone: Cone) -> list[int]:
    # No cone of this benchmark meets a pole or the meridian. An R*Tree rounds to 32 bits: the box is larger.
    ratio = math.sin(math.radians(cone.radius_deg)) / math.cos(math.radians(cone.dec_deg))
    half_deg = math.degrees(math.asin(ratio)) + 1e-4
    reach_deg = cone.radius_deg + 1e-4
    rows = rtree.execute(
        "SELECT sky.seq FROM sky JOIN journal.event USING (seq) WHERE ra1 >= ? AND ra0 <= ? AND dec1 >= ? "
        "AND dec0 <= ? AND separation_deg(ra_deg, dec_deg, ?, ?) <= ? ORDER BY sky.seq DESC LIMIT ?",
        (
            *(cone.ra_deg - half_deg, cone.ra_deg + half_deg),
            *(cone.dec_deg - reach_deg, cone.dec_deg + reach_deg),
            *(cone.ra_deg, cone.dec_deg, cone.radius_deg, LIMIT),
        ),
    )
    return [seq for (seq,) in rows]


def _publishing(journal: Journal, events: int, now: float, rounds: int, say: Say) -> dict[str, Any]:
    """Appends of ten events, alone and while the oldest tenth of the journal is removed and forgotten."""
    chance = random.Random(3)
    numbers = iter(range(events, 100 * events))

    def append() -> float:
        batch = [_event(next(numbers), chance) for _ in range(10)]
        began = time.perf_counter()
        journal.append(batch)
        return time.perf_counter() - began

    alone = []
    for _ in range(rounds):
        alone.append(append())
        time.sleep(PAUSE_S)
    removed: list[Removed] = []
    keep_s = 0.9 * DAYS * DAY_S
    stop = threading.Event()
    upkeep = threading.Thread(
        target=lambda: removed.append(keep_within(Bounds(keep_s, keep_s), journal, stop, now=now))
    )
    began = time.perf_counter()
    upkeep.start()
    beside = []
    try:
        while upkeep.is_alive():
            beside.append(append())
            say(f"upkeep, {len(beside)} appends beside it")
            time.sleep(PAUSE_S)
    finally:
        stop.set()
        upkeep.join()
    (done,) = removed
    return {
        "removed_packets": done.expired,
        "forgotten_events": done.forgotten,
        "upkeep_s": round(time.perf_counter() - began, 1),
        "longest_step_ms": round(done.longest_s * 1e3, 1),
        "append_ms_alone": _spread(alone),
        "append_ms_beside": _spread(beside),
    }


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _ms(seconds: list[float]) -> float:
    return round(statistics.median(seconds) * 1e3, 3)


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    return {
        "median": _ms(ordered),
        "p99": round(ordered[int(0.99 * (len(ordered) - 1))] * 1e3, 1),
        "most": round(ordered[-1] * 1e3, 1),
    }


def report(result: dict[str, Any]) -> str:
    """The result as text for people."""
    machine, publishing = result["machine"], result["publishing"]
    lines = [
        f"A journal of {result['events']:,} events, {result['file_bytes']:,} bytes",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}, "
        f"SQLite {result['versions']['sqlite']}",
        "",
        f"{'search, the newest 50 (median CPU time)':42}{'ms':>9}{'R*Tree':>10}",
    ]
    for one in result["searches"]:
        peer = "" if one["rtree_ms"] is None else f"{one['rtree_ms']:10.2f}"
        lines.append(f"{one['search']:42}{one['ms']:9.2f}{peer}")
    lines += ["", f"{'ten events appended (ms by the clock)':42}{'median':>9}{'p99':>10}{'most':>10}"]
    for name, key in (("alone", "append_ms_alone"), ("while old events go", "append_ms_beside")):
        spread = publishing[key]
        lines.append(f"{name:42}{spread['median']:9.2f}{spread['p99']:10.1f}{spread['most']:10.1f}")
    lines.append(
        f"{publishing['removed_packets']:,} packets removed, {publishing['forgotten_events']:,} forgotten: "
        f"{publishing['upkeep_s']:.0f} s, the longest step {publishing['longest_step_ms']:.0f} ms"
    )
    return "\n".join(lines)
