"""Alert bytes to VOEvent bytes, all history that fits: ours against fastavro and voevent-parse.

Run it as ``python -m benchmarks.translate``. The content of both packets is compared before any time is
taken; times are medians, five in a row and in turns so that a busy machine slows both, without garbage
collection (as timeit does).
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree

from bridge.alerts.ocf import single_packet
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.alerts.store import open_store
from bridge.mapping import choose_mapping, compile_translator

__all__ = ["measure", "report"]

DATE = "2026-11-20T00:00:00"
PEER_DATE = datetime(2026, 11, 20, tzinfo=UTC).replace(tzinfo=None)
LSST_ID = 1000
IN_A_ROW = 5
PACKAGES = ("fastavro", "lxml", "numpy", "orjson", "voevent-parse")


def measure(data: Path | None = None, *, rounds: int = 10) -> dict[str, Any]:
    """Measure all real alerts.

    Parameters
    ----------
    data
        Folder with ``alerts/``; None for $SHARED_DATA or ../shared/data beside the checkout.
    rounds
        How often each alert is translated by each side, five times in a row.

    Returns
    -------
    Plain data: machine, versions, and per survey the inputs, median times (us) and the ratio.

    Raises
    ------
    AssertionError
        If a packet of ours and the peer's do not have the same content.
    """
    given = os.environ.get("SHARED_DATA")
    folder = data or Path(given or Path(__file__).resolve().parent.parent.parent / "shared" / "data")
    ztf = [path.read_bytes() for path in sorted((folder / "alerts").glob("ztf-*.avro"))]
    lsst = [path.read_bytes() for path in sorted((folder / "alerts" / "lsst-v10.0-framed").glob("*.bin"))]
    schema = open_store().by_id(LSST_ID)
    surveys = [
        _survey("ZTF, OCF", ztf, _unwrap_ocf, rounds, ocf=True),
        _survey("LSST, framed", lsst, lambda data: _unwrap_framed(data, schema), rounds, ocf=False),
    ]
    return {
        "benchmark": "translate",
        "peer": "fastavro + voevent-parse",
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "surveys": [survey for survey in surveys if survey["alerts"]],
    }


def _unwrap_ocf(data: bytes) -> Packet:
    packet = single_packet(data, Origin("ztf", 0))
    if packet is None:
        raise ValueError("a ZTF message holds one alert")
    return packet


def _unwrap_framed(data: bytes, schema: Schema) -> Packet:
    return Packet(data, 5, len(data), schema, Origin("lsst", 0), "confluent", whole=True)


def _survey(
    name: str, messages: list[bytes], unwrap: Callable[[bytes], Packet], rounds: int, *, ocf: bool
) -> dict[str, Any]:
    from benchmarks.peer_translate import Peer, differences

    ours_us, peer_us, lines = [], [], []
    for message in messages:
        packet = unwrap(message)
        mapping = choose_mapping(packet.schema)
        peer = Peer(mapping, packet.schema, ocf=ocf)
        event = _ours(message, unwrap)
        rows = {
            table.get("name"): len(table.findall("Data/TR"))
            for table in etree.fromstring(event).iter("Table")
        }
        found = differences(event, peer(message, rows, PEER_DATE))
        assert not found, f"{name}: the packets differ: {found[:3]}"
        times = _in_turns(
            lambda m=message: _ours(m, unwrap), lambda m=message, p=peer, r=rows: p(m, r, PEER_DATE), rounds
        )
        ours_us.append(times[0])
        peer_us.append(times[1])
        lines.append(
            {
                "input_bytes": len(message),
                "output_bytes": len(event),
                "rows": sum(rows.values()),
                "ours_us": round(times[0]),
                "peer_us": round(times[1]),
                "ratio": round(times[1] / times[0], 1),
            }
        )
    return {
        "name": name,
        "alerts": lines,
        "ours_us": round(sum(ours_us)),
        "peer_us": round(sum(peer_us)),
        "ratio": round(sum(peer_us) / sum(ours_us), 1) if ours_us else None,
    }


def _ours(message: bytes, unwrap: Callable[[bytes], Packet]) -> bytes:
    packet = unwrap(message)
    translator = compile_translator(choose_mapping(packet.schema), packet.schema)
    return translator(packet, date=DATE).xml


def _in_turns(ours: Callable[[], bytes], peer: Callable[[], bytes], rounds: int) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    try:
        for _ in range(rounds):
            for function, taken in zip((ours, peer), times, strict=True):
                # A feed translates one alert after the other, so a few in a row are what counts.
                for _ in range(IN_A_ROW):
                    start = time.perf_counter()
                    function()
                    taken.append(time.perf_counter() - start)
    finally:
        gc.enable()
    return statistics.median(times[0]) * 1e6, statistics.median(times[1]) * 1e6


def report(result: dict[str, Any]) -> str:
    """The result as a table for people."""
    machine = result["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    lines = [
        f"Alert to VOEvent against {result['peer']}",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; {versions}",
        "",
        f"{'input':14} {'bytes in':>9} {'bytes out':>9} {'rows':>6} "
        f"{'ours us':>9} {'peer us':>9} {'ratio':>7}",
    ]
    for survey in result["surveys"]:
        lines += [
            f"{survey['name']:14} {alert['input_bytes']:9} {alert['output_bytes']:9} {alert['rows']:6} "
            f"{alert['ours_us']:9} {alert['peer_us']:9} {alert['ratio']:6.1f}x"
            for alert in survey["alerts"]
        ]
        total = f"{survey['ours_us']:9} {survey['peer_us']:9} {survey['ratio']:6.1f}x"
        lines.append(f"{survey['name'] + ', all':41} {total}")
    return "\n".join(lines)


if __name__ == "__main__":
    outcome = measure()
    print(json.dumps(outcome, indent=1) if "--json" in sys.argv else report(outcome))
