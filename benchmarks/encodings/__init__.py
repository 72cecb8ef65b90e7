"""Avro beside XML, JSON, MessagePack and Parquet: one content, its sizes and times, and what papers say.

Run it as ``voevent-bridge bench encodings``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from os import getloadavg
from typing import Any

from benchmarks.common import describe_machine, versions
from benchmarks.encodings.claims import judge
from benchmarks.encodings.codecs import GZIP_LEVEL, ZSTD_LEVEL, available
from benchmarks.encodings.content import alert_contents, simulated_batch
from benchmarks.encodings.plots import figures
from benchmarks.encodings.report import markdown, report
from benchmarks.encodings.run import Study, batches, contents, history
from benchmarks.encodings.timing import REAL_CLOCK, Clock, Plan
from benchmarks.encodings.transport import send_and_receive
from benchmarks.encodings.voevents import voevent_content
from bridge.errors import UsageError

__all__ = ["FORMAT", "figures", "files", "markdown", "measure", "report"]

FORMAT = 1
"""Version of the JSON document, which ``result.schema.json`` describes."""
BATCHES = (1, 10, 100, 1000)
# Distribution and the module by which it is known to be there.
DISTRIBUTIONS = {
    "fastavro": "fastavro",
    "avro": "avro",
    "lxml": "lxml",
    "voevent-parse": "voeventparse",
    "orjson": "orjson",
    "msgpack": "msgpack",
    "pyarrow": "pyarrow",
    "numpy": "numpy",
}


def measure(
    *,
    rounds: int | None = None,
    counts: tuple[int, ...] = BATCHES,
    kinds: tuple[str, ...] | None = None,
    most: int | None = None,
    clock: Clock = REAL_CLOCK,
    load: Callable[[], float] = lambda: getloadavg()[0],
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often each encoding is timed; by default as often as fits into a few seconds.
    counts
        Alerts in a file, for the batches; the last is also the number that goes over TCP.
    kinds
        Keys of the contents to measure ("ztf", "lsst", "fink-ztf", "fink-lsst", "voevent"); default all.
    most
        Messages of each content at most; default all.
    clock
        Where the time is from.
    load
        Says how busy the machine is: processes that want to run, in the mean of a minute.
    progress
        Is told what goes on.

    Returns
    -------
    Plain data as ``result.schema.json`` describes it.

    Raises
    ------
    ContentError
        If an encoding gives back something else than was put in.
    """
    progress("reading the alerts")
    load_before = load()
    codecs = available()
    plan = Plan() if rounds is None else Plan(exactly=rounds)
    study = Study(codecs.codecs, plan, clock, progress)
    found = [
        replace(content, messages=content.messages[:most])
        for content in (*alert_contents(), voevent_content())
        if kinds is None or content.key in kinds
    ]
    simulated = simulated_batch(counts[-1])
    ocf = next(codec for codec in codecs.codecs if codec.key == "avro-ocf")
    result: dict[str, Any] = {
        "benchmark": "encodings",
        "format": FORMAT,
        "machine": describe_machine(),
        "load_average": round(load_before, 1),
        "versions": versions(*(name for name in DISTRIBUTIONS if find_spec(DISTRIBUTIONS[name]))),
        "left_out": list(codecs.missing),
        "levels": {"gzip": GZIP_LEVEL, "zstd": ZSTD_LEVEL},
        "contents": list(contents(study, found)),
        "history": list(history(study, found)),
        "batches": batches(study, simulated, counts),
        "transport": send_and_receive(ocf, simulated, clock, min(plan.fewest, 3), progress),
    }
    return {**result, "claims": judge(result)}


def files(result: dict[str, Any]) -> dict[str, bytes]:
    """What is written beside the result: the page in Markdown, and figures where there is matplotlib."""
    try:
        drawn = {f"figures/{name}": data for name, data in figures(result).items()}
    except UsageError:
        drawn = {}
    page = markdown(result, "figures" if drawn else None)
    return {"encodings.md": page.encode(), **drawn}
