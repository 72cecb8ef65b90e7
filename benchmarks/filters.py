"""How fast a hundred filters go over one visit of LSST alerts, beside a full decode with Python predicates.

Run as a module (`python -m benchmarks.filters`) for a table, or call `run` for the numbers.
"""

from __future__ import annotations

import os
import platform
import random
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastavro
import sqlglot

from bridge.alerts.decode import decode_datum
from bridge.alerts.framing import items_from_message
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.store import open_store
from bridge.filters import Filter, FilterSet

__all__ = ["FilterTimes", "find_alerts", "make_filters", "run"]

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


@dataclass(frozen=True, slots=True)
class FilterTimes:
    """What a run measured; all times are wall-clock seconds of one core."""

    machine: str
    python: str
    versions: dict[str, str]
    alerts: int
    distinct_alerts: int
    mean_bytes: float
    filters: int
    passed: int
    compile_seconds: float
    filter_seconds: float
    microseconds_per_alert: float
    decode_alerts: int
    decode_microseconds_per_alert: float
    ratio_to_decode: float
    prototype_seconds_quoted: float = PROTOTYPE_SECONDS


def find_alerts() -> list[Packet]:
    """The real LSST alerts in wire format, from $SHARED_DATA or ../shared/data beside the checkout."""
    given = os.environ.get("SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    store = open_store()
    packets: list[Packet] = []
    for file in sorted((folder / "alerts" / "lsst-v10.0-framed").glob("*.bin")):
        items = items_from_message(file.read_bytes(), Origin(file.name, 0), store)
        packets += [item for item in items if isinstance(item, Packet)]
    if not packets:
        raise SystemExit(
            "The benchmark wants real LSST alerts: set SHARED_DATA, or put them in ../shared/data."
        )
    return packets


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


def run(alerts: int = 10_000, filters: int = 100, decode_alerts: int = 140, seed: int = 1) -> FilterTimes:
    """Measure.

    Parameters
    ----------
    alerts
        How many packets, drawn in turn from the real ones, in memory.
    filters
        How many filters of three conditions.
    decode_alerts
        How many of the packets the peer (fastavro, full decode, predicates by hand) is given.
    seed
        Of the filters.
    """
    real = find_alerts()
    packets = [real[index % len(real)] for index in range(alerts)]
    made = make_filters(filters, seed)

    start = time.perf_counter()
    select = FilterSet([Filter(text, f"filter-{n}") for n, (text, _) in enumerate(made)]).compile(
        real[0].schema
    )
    compile_seconds = time.perf_counter() - start

    start = time.perf_counter()
    passed = [select(packet.data, packet.start, packet.stop) for packet in packets]
    filter_seconds = time.perf_counter() - start

    start = time.perf_counter()
    expected = []
    for packet in packets[:decode_alerts]:
        alert = decode_datum(packet.schema, packet.data, packet.start, packet.stop)
        expected.append([n for n, (_, accept) in enumerate(made) if accept(alert)])
    decode_each = (time.perf_counter() - start) / decode_alerts
    if expected != passed[:decode_alerts]:
        raise AssertionError("The filters and the predicates by hand disagree.")

    filter_each = filter_seconds / alerts
    return FilterTimes(
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        python=sys.version.split()[0],
        versions={"fastavro": fastavro.__version__, "sqlglot": sqlglot.__version__},
        alerts=alerts,
        distinct_alerts=len(real),
        mean_bytes=sum(packet.stop - packet.start for packet in packets) / alerts,
        filters=filters,
        passed=sum(map(len, passed)),
        compile_seconds=compile_seconds,
        filter_seconds=filter_seconds,
        microseconds_per_alert=filter_each * 1e6,
        decode_alerts=decode_alerts,
        decode_microseconds_per_alert=decode_each * 1e6,
        ratio_to_decode=decode_each / filter_each,
    )


def main() -> None:
    """Print one run as a table."""
    for name, value in asdict(run()).items():
        shown = f"{value:,.6g}" if isinstance(value, float) else value
        print(f"{name.replace('_', ' '):32} {shown}")


if __name__ == "__main__":
    main()
