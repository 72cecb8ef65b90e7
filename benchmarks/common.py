"""What every benchmark needs: the machine in words, the real alerts, and times that can be compared."""

from __future__ import annotations

import gc
import importlib.metadata
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bridge.alerts.ocf import single_packet
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.simulate import simulate

__all__ = [
    "alerts_folder",
    "describe_machine",
    "in_turns",
    "lsst_alerts",
    "median_us",
    "simulated",
    "versions",
    "ztf_alerts",
]


def describe_machine() -> dict[str, Any]:
    """Processor, cores, operating system, Python."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def versions(*packages: str) -> dict[str, str]:
    """Versions of installed distributions."""
    return {name: importlib.metadata.version(name) for name in packages}


def ztf_alerts(schema_origin: str = "ztf") -> tuple[list[Packet], str]:
    """ZTF alerts (container files) and where they are from: the real ones, else simulated ones."""
    folder = alerts_folder()
    messages = [path.read_bytes() for path in sorted(folder.glob("ztf-*.avro"))] if folder else []
    packets = [single_packet(message, Origin(schema_origin, n)) for n, message in enumerate(messages)]
    found = [packet for packet in packets if packet is not None]
    return (found, f"{len(found)} real alerts") if found else simulated("ztf", 3)


def lsst_alerts(schema: Callable[[], Schema]) -> tuple[list[Packet], str]:
    """LSST alerts (wire format, schema 10.0) and where they are from: the real ones, else simulated ones."""
    folder = alerts_folder()
    files = sorted((folder / "lsst-v10.0-framed").glob("*.bin")) if folder else []
    if not files:
        return simulated("lsst", 7)
    writer = schema()
    packets = [
        Packet(message, 5, len(message), writer, Origin(file.name, 0), "confluent", whole=True)
        for file in files
        for message in [file.read_bytes()]
    ]
    return packets, f"{len(packets)} real alerts"


def in_turns(functions: Sequence[Callable[[], object]], rounds: int, warm_up: int = 2) -> list[list[float]]:
    """CPU seconds of each function, round after round, so that a busy moment slows all of them alike.

    A function that is quick is repeated within a round until it has run for at least 20 ms: what is measured
    is a stream, not a first call.
    """
    # What a long-running process does too: modules and compiled code are no concern of the collector.
    gc.collect()
    gc.freeze()
    repeats = []
    for function in functions:
        for _ in range(warm_up):
            function()
        began = time.perf_counter()
        function()
        repeats.append(max(1, round(20e-3 / max(time.perf_counter() - began, 1e-7))))
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, repeat, taken in zip(functions, repeats, times, strict=True):
            began = time.process_time()
            for _ in range(repeat):
                function()
            taken.append((time.process_time() - began) / repeat)
    return times


def median_us(seconds: Sequence[float]) -> float:
    """Median in microseconds."""
    return statistics.median(seconds) * 1e6


def alerts_folder() -> Path | None:
    """Folder of the real alerts, or None where there are none."""
    given = os.environ.get("SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    return folder / "alerts" if (folder / "alerts").is_dir() else None


def simulated(survey: Any, count: int, *, of: int = 200) -> tuple[list[Packet], str]:
    """The largest so many of a simulated visit, and words for where they are from."""
    version = {"ztf": "3.3", "lsst": "10.0"}[survey]
    visit = next(simulate(survey, visits=1, alerts=of, seed=1, version=version))
    packets = sorted((alert.packet for alert in visit), key=lambda packet: packet.stop - packet.start)
    return packets[-count:], f"{count} SIMULATED alerts (no real ones at hand: set SHARED_DATA)"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
