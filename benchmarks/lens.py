"""The lens beside fastavro: head fields, a field behind the arrays, and a light curve to NumPy.

Each task is done by both on the same alert, and the values are compared before any time is taken. Run it
as ``voevent-bridge bench lens``.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import fastavro
import numpy as np

from benchmarks.common import describe_machine, in_turns, lsst_alerts, median_us, versions, ztf_alerts
from bridge.alerts.column import Column
from bridge.alerts.lens import Lens
from bridge.alerts.packet import Packet
from bridge.alerts.store import open_store

__all__ = ["measure", "report"]

LSST_ID = 1000
COLUMNS = ("midpointMjdTai", "band", "psfFlux", "psfFluxErr", "reliability")


def measure(*, rounds: int = 15) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often each side does each task.

    Returns
    -------
    Plain data: machine, versions, inputs, and per task the median CPU times (us) and the ratio.

    Raises
    ------
    AssertionError
        If the lens and fastavro read different values.
    """
    lsst, lsst_origin = lsst_alerts(lambda: open_store().by_id(LSST_ID))
    ztf, ztf_origin = ztf_alerts()
    longest = max(lsst, key=lambda packet: packet.stop - packet.start)
    ztf_alert = max(ztf, key=lambda packet: packet.stop - packet.start)
    head = ("diaSource.midpointMjdTai", "diaSource.ra", "diaSource.psfFlux")
    tasks = [
        _task("LSST: three head fields", longest, head, _full(longest), "fastavro, full decode", rounds),
        _task(
            "LSST: a diaObject field",
            longest,
            ("diaObject.nDiaSources",),
            _projected(longest, "diaObject", "nDiaSources"),
            "fastavro, reader-schema projection",
            rounds,
        ),
        _task(
            f"LSST: {len(COLUMNS)} light-curve columns to NumPy",
            longest,
            tuple(f"prvDiaSources.{name}" for name in COLUMNS),
            _full(longest),
            "fastavro, full decode (columns not made)",
            rounds,
        ),
        _task(
            "LSST: to the end, checked",
            longest,
            (),
            _full(longest),
            "fastavro, full decode",
            rounds,
            to_end=True,
        ),
        _task(
            "ZTF: five head fields",
            ztf_alert,
            tuple(f"candidate.{name}" for name in ("jd", "ra", "dec", "magpsf", "rb")),
            _full(ztf_alert),
            "fastavro, full decode",
            rounds,
        ),
        _task(
            "ZTF: 3 light-curve columns to NumPy",
            ztf_alert,
            tuple(f"prv_candidates.{name}" for name in ("jd", "magpsf", "fid")),
            _full(ztf_alert),
            "fastavro, full decode (columns not made)",
            rounds,
        ),
    ]
    return {
        "benchmark": "lens",
        "machine": describe_machine(),
        "versions": versions("fastavro", "numpy"),
        "inputs": {
            "LSST": f"the longest of {lsst_origin}, {longest.stop - longest.start} bytes",
            "ZTF": f"the longest of {ztf_origin}, {ztf_alert.stop - ztf_alert.start} bytes",
        },
        "rounds": rounds,
        "tasks": tasks,
    }


def report(result: dict[str, Any]) -> str:
    """The result as a table for people."""
    machine = result["machine"]
    lines = [
        "Fields of an alert: the lens beside fastavro (median CPU time)",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        *(f"{survey}: {text}" for survey, text in result["inputs"].items()),
        "",
        f"{'task':41} {'lens us':>9} {'peer us':>10} {'ratio':>9}  peer",
    ]
    lines += [
        f"{task['task']:41} {task['lens_us']:9.1f} {task['peer_us']:10.0f} {task['ratio']:8.0f}x  "
        + task["peer"]
        for task in result["tasks"]
    ]
    return "\n".join(lines)


def _task(
    name: str,
    packet: Packet,
    paths: Sequence[str],
    peer: Callable[[], Any],
    peer_name: str,
    rounds: int,
    *,
    to_end: bool = False,
) -> dict[str, Any]:
    lens = Lens(packet.schema, paths, to_end=to_end)
    _check(lens.read(packet), [_follow(peer(), path) for path in paths], name)
    ours, theirs = in_turns([lambda: lens(packet.data, packet.start, packet.stop), peer], rounds)
    lens_us, peer_us = median_us(ours), median_us(theirs)
    return {
        "task": name,
        "paths": list(paths),
        "peer": peer_name,
        "lens_us": round(lens_us, 2),
        "peer_us": round(peer_us, 1),
        "ratio": round(peer_us / lens_us, 1),
    }


def _full(packet: Packet) -> Callable[[], Any]:
    """What a user of fastavro does: the parsed schema is kept, the datum is decoded whole."""
    datum, parsed = packet.datum, packet.schema.parsed
    return lambda: fastavro.schemaless_reader(io.BytesIO(datum), parsed)


def _projected(packet: Packet, record: str, field: str) -> Callable[[], Any]:
    """What a careful user of fastavro does: a reader schema of the one field that is wanted."""
    node, _ = packet.schema.root.fields[record][0].without_null()
    inner = node.fields[field][0].to_json()
    wanted = {"type": "record", "name": node.name, "fields": [{"name": field, "type": inner}]}
    reader = fastavro.parse_schema(
        {
            "type": "record",
            "name": packet.schema.name,
            "fields": [{"name": record, "type": ["null", wanted]}],
        }
    )
    datum, parsed = packet.datum, packet.schema.parsed
    return lambda: fastavro.schemaless_reader(io.BytesIO(datum), parsed, reader)


def _follow(record: Any, path: str) -> Any:
    for name in path.split("."):
        record = [row[name] for row in record] if isinstance(record, list) else record[name]
    return record


def _check(ours: Sequence[Any], theirs: Sequence[Any], task: str) -> None:
    for mine, other in zip(ours, theirs, strict=True):
        value = mine.tolist() if isinstance(mine, Column) else mine
        same = value == other or np.array_equal(
            np.array(value, dtype=float), np.array(other, dtype=float), equal_nan=True
        )
        assert same, f"{task}: the lens and fastavro read different values"
