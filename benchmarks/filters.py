"""A hundred filters over one visit of LSST alerts, beside a full decode with predicates by hand.

Run it as ``voevent-bridge bench filters``.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.common import describe_machine, lsst_alerts, versions
from bridge.alerts.decode import decode_datum
from bridge.alerts.store import open_store
from bridge.filters import Filter, FilterSet

__all__ = ["make_filters", "measure", "report"]

LSST_ID = 1000
# (path, bounds between which the drawn limits lie), of what brokers cut on
NUMBERS = {
    "diaSource.snr": (3.0, 50.0),
    "diaSource.reliability": (0.1, 0.99),
    "diaSource.psfFlux": (-5e3, 5e3),
    "diaSource.psfFluxErr": (50.0, 500.0),
    "diaSource.scienceFlux": (0.0, 1e5),
    "diaSource.extendedness": (0.0, 1.0),
    "diaSource.ra": (0.0, 360.0),
    "diaSource.dec": (-80.0, 20.0),
    "diaSource.apFlux": (-5e3, 5e3),
    "diaSource.midpointMjdTai": (60900.0, 61200.0),
}
PROTOTYPE_SECONDS = 15.8  # LSST's mini-broker prototype, 12 nodes, 100 filters, one visit of 10,000 alerts


def make_filters(count: int, seed: int) -> list[tuple[str, Callable[[dict[str, Any]], bool]]]:
    """Filters of three conditions each: the SQL, and the same by hand as a function of a decoded alert."""
    draw = random.Random(seed)
    made: list[tuple[str, Callable[[dict[str, Any]], bool]]] = []
    for _ in range(count):
        parts = []
        for path in draw.sample(sorted(NUMBERS), 3):
            low, high = NUMBERS[path]
            parts.append((path, draw.choice([">=", "<"]), round(draw.uniform(low, high), 4)))
        text = " AND ".join(f"{path} {operator} {limit}" for path, operator, limit in parts)
        made.append((text, by_hand(parts)))
    return made


def by_hand(parts: list[tuple[str, str, float]]) -> Callable[[dict[str, Any]], bool]:
    """The predicate that a person would write for a decoded alert."""
    names = [(path.split(".")[1], operator == ">=", limit) for path, operator, limit in parts]

    def accept(alert: dict[str, Any]) -> bool:
        source = alert["diaSource"]
        for name, at_least, limit in names:
            value = source[name]
            if value is None or not (value >= limit if at_least else value < limit):
                return False
        return True

    return accept


def measure(
    *, rounds: int = 5, alerts: int = 10_000, filters: int = 100, decode_alerts: int = 140, seed: int = 1
) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often the filters go over the visit.
    alerts
        How many packets, drawn in turn from those at hand, in memory.
    filters
        How many filters of three conditions.
    decode_alerts
        How many of the packets the peer (fastavro, full decode, predicates by hand) is given.
    seed
        Of the filters.

    Returns
    -------
    Plain data: machine, versions, input, CPU seconds and the ratio.

    Raises
    ------
    AssertionError
        If the filters and the predicates by hand keep different alerts.
    """
    distinct, origin = lsst_alerts(lambda: open_store().by_id(LSST_ID))
    packets = [distinct[index % len(distinct)] for index in range(alerts)]
    made = make_filters(filters, seed)
    began = time.process_time()
    named = [Filter(text, f"filter-{number}") for number, (text, _) in enumerate(made)]
    select = FilterSet(named).compile(distinct[0].schema)
    compile_s = time.process_time() - began
    times = []
    for _ in range(rounds):
        began = time.process_time()
        passed = [select(packet.data, packet.start, packet.stop) for packet in packets]
        times.append(time.process_time() - began)
    began = time.process_time()
    expected = []
    for packet in packets[:decode_alerts]:
        alert = decode_datum(packet.schema, packet.data, packet.start, packet.stop)
        expected.append([number for number, (_, accept) in enumerate(made) if accept(alert)])
    peer_us = (time.process_time() - began) / decode_alerts * 1e6
    if expected != passed[:decode_alerts]:
        raise AssertionError("The filters and the predicates by hand keep different alerts.")
    visit_s = statistics.median(times)
    return {
        "benchmark": "filters",
        "machine": describe_machine(),
        "versions": versions("fastavro", "sqlglot"),
        "input": f"{alerts} packets in memory, repeating {origin}",
        "mean_bytes": round(sum(packet.stop - packet.start for packet in packets) / alerts),
        "alerts": alerts,
        "filters": filters,
        "matches": sum(map(len, passed)),
        "rounds": rounds,
        "compile_s": round(compile_s, 3),
        "visit_s": round(visit_s, 4),
        "us_per_alert": round(visit_s / alerts * 1e6, 2),
        "peer": "fastavro, full decode, predicates by hand",
        "peer_alerts": decode_alerts,
        "peer_us_per_alert": round(peer_us, 1),
        "ratio": round(peer_us / (visit_s / alerts * 1e6), 1),
        "quoted_prototype_s": PROTOTYPE_SECONDS,
    }


def report(result: dict[str, Any]) -> str:
    """The result as text for people."""
    machine = result["machine"]
    return "\n".join(
        [
            f"{result['filters']} filters of 3 conditions over one visit (median CPU time, one core)",
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; "
            + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
            f"{result['input']}, {result['mean_bytes']} bytes each",
            "",
            f"whole visit     {result['visit_s']:9.3f} s   "
            f"(LSST's prototype: {result['quoted_prototype_s']} s on 12 nodes, as published)",
            f"per alert       {result['us_per_alert']:9.1f} us",
            f"peer, per alert {result['peer_us_per_alert']:9.0f} us  {result['ratio']:.0f}x  "
            f"{result['peer']}",
            f"compiling       {result['compile_s']:9.3f} s   once per schema",
        ]
    )
