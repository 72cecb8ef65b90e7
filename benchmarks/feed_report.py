"""The feed's benchmark as a table for people."""

from __future__ import annotations

from typing import Any

__all__ = ["report"]


def report(result: dict[str, Any]) -> str:
    """The result as tables for people."""
    machine = result["machine"]
    memory = result["kb_per_subscriber"]
    lines = [
        f"The broker beside Comet (best of {result['rounds']} rounds, wall time)",
        f"{machine['processor']}, {machine['cores']} cores for broker and load, on which "
        f"{result['busy_before']:g} processes were busy before; Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        result["events"],
        f"Journal: {result['journal']}. Comet's event database: {result['comets_database']}.",
        "",
        f"{'from':37} {'to':>5} {'events/s':>10} {'deliv./s':>10} {'CPU us':>7} "
        f"{'Comet: ev/s':>12} {'CPU us':>7} {'ratio':>7}",
    ]
    for row in result["ways"]:
        mine, peer = row["ours"], row["comet"]
        line = f"{row['way']:37} {row['subscribers']:5} {mine['events_hz']:10.0f}"
        line += f" {mine['deliveries_hz']:10.0f} {mine['delivery_cpu_us']:7.1f}"
        if peer:
            line += f" {peer['events_hz']:12.1f} {peer['delivery_cpu_us']:7.1f} {row['ratio']:6.1f}x"
        lines.append(line)
    mine, peer = result["latency"]["ours"], result["latency"]["comet"]
    lines += [
        "",
        f"latency ({result['latency_conditions']}): p50 {mine['p50_ms']} ms, p99 {mine['p99_ms']} ms; "
        f"Comet {peer['p50_ms']} and {peer['p99_ms']} ms",
        "CPU us: CPU time of the broker for each delivery, in microseconds.",
        "journal: subscribers come back for what they have missed; Comet keeps nothing for them.",
        "source: a tar archive for us, an upstream broker for Comet, which takes nothing else so fast.",
        f"authors: {result['authors']} at once; Comet takes one event a connection.",
        f"memory per subscriber, with the most of them: {memory['ours']} kB; Comet {memory['comet']} kB",
    ]
    return "\n".join(lines)
