"""What a night of a survey costs in each encoding and transport, by arithmetic from measured sizes and rates.

Run it as ``voevent-bridge bench night --survey lsst``. It measures for some seconds, says what it assumes,
and multiplies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.common import describe_machine, lsst_alerts, ztf_alerts
from benchmarks.delivery import delivery_us
from benchmarks.encodings.codecs import available
from benchmarks.encodings.content import alert_contents
from benchmarks.encodings.run import Study, measure_content
from benchmarks.encodings.timing import REAL_CLOCK, Clock, Plan, time_in_turns
from bridge.alerts.packet import Packet
from bridge.alerts.store import open_store
from bridge.filters import Filter, FilterSet
from bridge.mapping import choose_mapping, compile_translator

__all__ = ["SURVEYS", "Night", "measure", "report"]

CODECS = ("avro-wire", "avro-ocf", "avro-ocf-zstd", "msgpack-zstd", "json-zstd", "xml-gzip", "voevent")
FILTERS = 100
KEPT_PER_VISIT = 20
REPLICAS = 3
OVERHEAD = 0.05
LSST_ID = 1000
OURS = "VOEvent by this bridge"
DATE = "2026-01-01T00:00:00"


@dataclass(frozen=True, slots=True)
class Night:
    """How a survey observes: alerts a visit, seconds from visit to visit, and a condition to filter by."""

    name: str
    alerts: int
    interval_s: float
    condition: str


SURVEYS = {
    "lsst": Night("LSST", 10_000, 39.0, "diaSource.snr > {}"),
    "ztf": Night("ZTF", 1_000, 45.0, "candidate.magpsf < {}"),
}


def measure(
    survey: str,
    *,
    hours: float = 10.0,
    link_mbit_s: float = 1000.0,
    rounds: int | None = None,
    clock: Clock = REAL_CLOCK,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure and multiply.

    Parameters
    ----------
    survey
        A key of `SURVEYS`.
    hours
        Length of the night.
    link_mbit_s
        What the network takes, in Mbit/s.
    rounds, clock, progress
        As ``benchmarks.encodings.measure``.

    Returns
    -------
    Plain data: assumptions in words, what was measured, and the costs.
    """
    night = SURVEYS[survey]
    packets, _ = ztf_alerts() if survey == "ztf" else lsst_alerts(lambda: open_store().by_id(LSST_ID))
    content = next(content for content in alert_contents() if content.key == survey)
    codecs = [codec for codec in available().codecs if codec.key in CODECS]
    plan = Plan(budget_s=1.0) if rounds is None else Plan(exactly=rounds)
    measured = measure_content(Study(codecs, plan, clock, progress), content, codecs, timed=True)
    progress("translating and filtering")
    event_bytes, translate_us, filter_us = _events(packets, night, plan, clock)
    deliver_us = delivery_us(b"x" * round(event_bytes), clock)
    use = _Use(night, hours * 3600 / night.interval_s, link_mbit_s, filter_us / 1e6)
    lines = []
    for kept in (night.alerts, KEPT_PER_VISIT):
        for row in measured["encodings"]:
            encode_s, decode_s = (row[way]["cpu"]["median_us"] / 1e6 for way in ("encode", "decode"))
            lines.append(use.line(row["name"], "Kafka", kept, row["bytes"], encode_s, decode_s))
        line = use.line(OURS, "VTP", kept, event_bytes, translate_us / 1e6, None)
        by_cpu = int(1e6 / (deliver_us * kept / night.interval_s))
        lines.append({**line, "subscribers_by_cpu": by_cpu, "readers": min(line["readers"], by_cpu)})
    return {
        "benchmark": "night",
        "survey": night.name,
        "machine": describe_machine(),
        "input": content.origin,
        "alerts_per_visit": night.alerts,
        "interval_s": night.interval_s,
        "hours": hours,
        "link_mbit_s": link_mbit_s,
        "measured": {
            "event_bytes": round(event_bytes),
            "translate_us": round(translate_us, 1),
            "filter_us": round(filter_us, 2),
            "deliver_us": round(deliver_us, 2),
        },
        "assumptions": _assumptions(night, hours, link_mbit_s, content.origin),
        "lines": lines,
    }


@dataclass(frozen=True, slots=True)
class _Use:
    """A night on a link, with the seconds that filtering one alert takes."""

    night: Night
    visits: float
    link_mbit_s: float
    filter_s: float

    def line(
        self, name: str, transport: str, kept: int, size_bytes: float, encode_s: float, decode_s: float | None
    ) -> dict[str, Any]:
        """Costs of so many alerts of each visit in one encoding."""
        per_second = kept / self.night.interval_s
        mbit_s = size_bytes * (1 + OVERHEAD) * 8 * per_second / 1e6
        cut = kept < self.night.alerts
        filtering = self.filter_s * self.night.alerts / self.night.interval_s if cut else 0.0
        return {
            "encoding": name,
            "transport": transport,
            "kept_per_visit": kept,
            "bytes": round(size_bytes),
            "alerts": round(kept * self.visits),
            "gigabytes": round(size_bytes * kept * self.visits / 1e9, 3),
            "mbit_s": round(mbit_s, 3),
            "cores_to_write": round(encode_s * per_second + filtering, 4),
            "cores_to_read": None if decode_s is None else round(decode_s * per_second, 4),
            "readers": int(self.link_mbit_s / mbit_s),
            "subscribers_by_cpu": None,
        }


def _events(packets: list[Packet], night: Night, plan: Plan, clock: Clock) -> tuple[float, float, float]:
    """Mean size of the VOEvents in bytes, and microseconds for translating and for filtering one alert."""
    work = [(compile_translator(choose_mapping(p.schema), p.schema), p) for p in packets]
    sizes = [len(translate(packet, date=DATE).xml) for translate, packet in work]
    filters = [Filter(night.condition.format(n), f"filter-{n}") for n in range(FILTERS)]
    select = {packet.schema: FilterSet(filters).compile(packet.schema) for packet in packets}
    times = time_in_turns(
        {
            "translate": lambda: [translate(packet, date=DATE) for translate, packet in work],
            "filter": lambda: [select[p.schema](p.data, p.start, p.stop) for p in packets],
        },
        plan=plan,
        clock=clock,
        calls=len(packets),
    )
    return sum(sizes) / len(sizes), times["translate"].cpu.median_us, times["filter"].cpu.median_us


def _assumptions(night: Night, hours: float, link_mbit_s: float, origin: str) -> list[str]:
    return [
        f"{night.alerts:,} alerts every {night.interval_s:g} s, all of a night of {hours:g} hours: "
        f"{hours * 3600 / night.interval_s:,.0f} visits.",
        f"Every alert has the mean size and cost of {origin}.",
        f"{OURS} is what `convert` and `serve` make: no cutouts, the history that fits into 100 kB.",
        f"The cut keeps {KEPT_PER_VISIT} alerts of a visit, chosen by {FILTERS} filters over all of them.",
        f"Traffic is spread evenly over the visit, with {OVERHEAD:.0%} for TCP/IP and framing.",
        "Cores are of this machine, at full use; writing is encoding (or translating) plus filtering where "
        "there "
        "is a cut, reading is decoding everything once for each reader.",
        f"GB are of one copy; a Kafka broker with {REPLICAS} replicas stores {REPLICAS} times as much.",
        f"Readers are what a link of {link_mbit_s:g} Mbit/s carries when each takes everything; with VTP "
        f"also no "
        "more than one core can serve, counting the protocol's work and not the kernel's.",
    ]


def report(result: dict[str, Any]) -> str:
    """The costs as a table for people."""
    machine, measured = result["machine"], result["measured"]
    lines = [
        f"A night of {result['survey']}, {result['hours']:g} hours",
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, Python {machine['python']}",
        "",
        "Assumed:",
        *(f"* {text}" for text in result["assumptions"]),
        "",
        "Measured for it: "
        f"a VOEvent has {measured['event_bytes']:,} bytes; {measured['translate_us']:,.0f} us to translate "
        f"an alert, "
        f"{measured['filter_us']:.2f} us for {FILTERS} filters, {measured['deliver_us']:.2f} us to deliver "
        f"an event.",
    ]
    for kept in dict.fromkeys(line["kept_per_visit"] for line in result["lines"]):
        lines += [
            "",
            f"{kept:,} alerts of each visit",
            f"{'encoding':26} {'over':6} {'bytes':>9} {'GB/night':>10} {'Mbit/s':>10} {'cores out':>9} "
            f"{'cores in':>9} {'readers':>9}",
        ]
        for line in result["lines"]:
            if line["kept_per_visit"] == kept:
                reading = "" if line["cores_to_read"] is None else f"{line['cores_to_read']:.3f}"
                lines.append(
                    f"{line['encoding']:26} {line['transport']:6} {line['bytes']:9,} "
                    f"{line['gigabytes']:10,.2f} "
                    f"{line['mbit_s']:10,.2f} {line['cores_to_write']:9.3f} {reading:>9} {line['readers']:9,}"
                )
    return "\n".join(lines)
