"""A million frames of noise through each end of VTP, with everything that parsers stumble over.

Run it as ``voevent-bridge bench fuzz``. No end may raise an exception that its caller does not expect, or say
something that does not add up. What is found is told with the round in which it can be found again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from benchmarks.common import describe_machine, versions
from benchmarks.feed_events import origin_of_events
from benchmarks.fuzz_frames import Noise, own_messages, real_events
from benchmarks.fuzz_roles import ROLES

__all__ = ["measure", "report"]

_EVENTS = 400
_TOLD = 5


def measure(
    *,
    rounds: int = 10,
    frames: int = 100_000,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _said: None,
) -> dict[str, Any]:
    """Measure.

    Parameters
    ----------
    rounds
        How often; each round has noise of its own.
    frames
        Frames of a round, for each end.
    seed
        Of the noise.
    progress
        Is told what goes on.

    Returns
    -------
    Plain data: machine, versions, input, and for each end its counts, CPU seconds and exceptions.
    """
    messages, events = own_messages(), real_events(_EVENTS)
    ends: dict[str, dict[str, Any]] = {}
    for name in ROLES:
        end = ends[name] = dict.fromkeys(("frames", "bytes", "connections", "exceptions"), 0)
        end |= {"cpu_s": 0.0, "found": []}
        for number in range(rounds):
            progress(f"{name}: round {number + 1} of {rounds}")
            _run_round(name, Noise(seed + number, messages, events), frames, end)
        end["frames_per_s"] = round(end["frames"] / end["cpu_s"])
        end["cpu_s"] = round(end["cpu_s"], 3)
    return {
        "benchmark": "fuzz",
        "machine": describe_machine(),
        "versions": versions("lxml"),
        "input": f"{len(messages)} messages, and {origin_of_events()}",
        "seed": seed,
        "rounds": rounds,
        "frames_per_round": frames,
        "ends": ends,
        "exceptions": sum(end["exceptions"] for end in ends.values()),
    }


def _run_round(name: str, noise: Noise, frames: int, end: dict[str, Any]) -> None:
    chance = random.Random(name)
    role = ROLES[name](chance)
    end["connections"] += 1
    took = 0.0
    for ended, data in noise.chunks(frames):
        end["frames"] += ended
        end["bytes"] += len(data)
        began = time.process_time()
        try:
            role.feed(data)
        except Exception as error:
            role.alive = False
            end["exceptions"] += 1
            if len(end["found"]) < _TOLD:
                end["found"].append(f"{type(error).__name__}: {str(error)[:200]}, at {data[:200]!r}")
        took += time.process_time() - began
        if not role.alive:
            role = ROLES[name](chance)
            end["connections"] += 1
    end["cpu_s"] += took


def report(result: dict[str, Any]) -> str:
    """The result as text for people."""
    machine = result["machine"]
    lines = [
        f"{result['rounds'] * result['frames_per_round']:,} frames of noise through each end of VTP "
        "(CPU time, one core, checks included)",
        f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}; "
        + ", ".join(f"{name} {version}" for name, version in result["versions"].items()),
        f"{result['input']}: whole, damaged, and noise; seed {result['seed']}",
        "",
        f"{'':12}{'frames':>11}{'MB':>8}{'connections':>13}{'frames/s':>10}{'uncaught':>10}",
    ]
    for name, end in result["ends"].items():
        lines.append(
            f"{name:12}{end['frames']:>11,}{end['bytes'] / 1e6:>8,.0f}{end['connections']:>13,}"
            f"{end['frames_per_s']:>10,}{end['exceptions']:>10}"
        )
    lines += ["", f"uncaught exceptions: {result['exceptions']}"]
    lines += [f"  {name}: {found}" for name, end in result["ends"].items() for found in end["found"]]
    return "\n".join(lines)
