"""Alerts through a real Kafka broker: the whole loop, a visit of LSST, the feed's latency, many processes.

Run it as ``voevent-bridge bench stream``. What arrives is compared with what was sent before any number is
given. Times are wall times, because waiting is what they are about; broker, senders and receivers share the
machine, so the best round says most about it, and the spread how quiet it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.common import describe_machine, versions
from benchmarks.kafka_at_hand import broker_at_hand
from benchmarks.stream_latency import measure_latency
from benchmarks.stream_loop import measure_loop
from benchmarks.stream_scale import measure_scale
from benchmarks.stream_visit import measure_visit

__all__ = ["measure", "report"]


def measure(
    *,
    rounds: int = 3,
    loop_alerts: int = 1000,
    visit_alerts: int = 10_000,
    scale_alerts: int = 2400,
    peer_alerts: int = 320,
    filters: int = 100,
    members: Sequence[int] = (1, 2, 3, 4),
    rates: Sequence[int] = (10, 100, 1000),
    seconds: float = 5.0,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often loop and visit are run.
    loop_alerts
        ZTF alerts of a round of the loop.
    visit_alerts
        LSST alerts of a visit.
    scale_alerts
        LSST alerts that the processes of a group share.
    peer_alerts
        LSST alerts that the peers are given of these, because they decode each in full.
    filters
        How many filters of three conditions.
    members
        Numbers of processes.
    rates, seconds
        Alerts per second at which the latency is measured, and for how long each.
    progress
        Told what is being done.

    Returns
    -------
    Plain data: machine, versions, broker, wall times (s), rates (1/s), latencies (ms) and ratios.

    Raises
    ------
    UsageError
        If there is no broker and none can be started.
    AssertionError
        If what arrives is not what was sent.
    """
    with broker_at_hand() as (bootstrap, broker):
        loop = measure_loop(bootstrap, alerts=loop_alerts, rounds=rounds, progress=progress)
        latency = measure_latency(bootstrap, rates=rates, seconds=seconds, progress=progress)
        visit = measure_visit(
            bootstrap,
            alerts=visit_alerts,
            filters=filters,
            rounds=rounds,
            peer_alerts=min(peer_alerts, visit_alerts),
            progress=progress,
        )
        scale = measure_scale(
            bootstrap,
            alerts=scale_alerts,
            peer_alerts=min(peer_alerts, scale_alerts),
            filters=filters,
            members=members,
            progress=progress,
        )
    return {
        "benchmark": "stream",
        "machine": describe_machine(),
        "versions": versions("confluent-kafka", "fastavro"),
        "broker": broker,
        "rounds": rounds,
        "loop": loop,
        "visit": visit,
        "scale": scale,
        "latency": latency,
    }


def report(result: dict[str, Any]) -> str:
    """The result as text for people."""
    machine, loop, visit = result["machine"], result["loop"], result["visit"]
    scale, latency = result["scale"], result["latency"]
    return "\n".join(
        [
            f"Alerts through Kafka (wall time, best of {result['rounds']} rounds, worst in brackets)",
            f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; "
            + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
            f"broker: {result['broker']}",
            "",
            f"Serialised, sent, received, decoded: {loop['input']}",
            f"ours        {loop['ours_s']:9.3f} s  [{loop['ours_worst_s']:.3f}]",
            f"peer        {loop['plain_s']:9.3f} s  [{loop['plain_worst_s']:.3f}]  {loop['ratio']:.2f}x  "
            f"{loop['peer']}",
            f"published   {loop['quoted_s']:9.1f} s  for 1,000 alerts, by LSST's note DMTN-028, elsewhere",
            "",
            f"A visit: {visit['input']}; {visit['bytes'] / 1e6:,.0f} MB",
            f"sent        {visit['sent_s']:9.2f} s",
            f"all done    {visit['done_s']:9.2f} s  [{visit['worst_s']:.2f}]  {visit['filters']} filters, "
            f"{visit['kept']} alerts kept and received over VTP; the survey's beat is {visit['beat_s']:g} s",
            f"peer        {visit['peer_visit_s']:9.1f} s  {visit['ratio']:.1f}x  {visit['peer']} "
            f"({visit['peer_alerts']} alerts)",
            "",
            f"Processes that share {scale['partitions']} partitions: {scale['input']}, "
            f"{scale['mean_bytes']} bytes, {scale['filters']} filters",
            f"peer: {scale['peer']}",
            f"{'processes':>9} {'alerts/s':>9} {'peer':>9} {'ratio':>7}",
            *(
                f"{line['processes']:9} {line['ours_per_s']:9} {line['plain_per_s']:9} {line['ratio']:6.1f}x"
                for line in scale["members"]
            ),
            "",
            f"Kafka timestamp to VTP subscriber, through serve: {latency['input']}, "
            f"{latency['mean_bytes']} bytes",
            f"peer: {latency['peer']}",
            f"{'alerts/s':>8} {'alerts':>7} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} "
            f"{'peer p50':>9} {'peer p99':>9}",
            *(
                f"{line['rate']:8} {line['alerts']:7} {line['p50_ms']:8.1f} {line['p99_ms']:8.1f} "
                f"{line['max_ms']:8.1f} {line['peer_p50_ms']:9.1f} {line['peer_p99_ms']:9.1f}"
                for line in latency["rates"]
            ),
        ]
    )
