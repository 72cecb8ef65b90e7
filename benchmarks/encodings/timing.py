"""Times that can be believed on a busy machine: warm-up, rounds in a shuffled order, median with quartiles.

Wall and CPU time are taken together. The clock is an argument, so that tests know what comes out.
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

__all__ = ["REAL_CLOCK", "Clock", "Plan", "Spread", "Timing", "time_in_turns"]

Key = TypeVar("Key", bound=Hashable)
SHORTEST_S = 2e-3
"""A function is repeated within a round until it has run about so long: clocks have their grain."""
SLOW_S = 0.05
ROUNDS_OF_SLOW = 3
"""What is slower than `SLOW_S` has so few rounds, the first call among them: it is its own warm-up."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of wall time and of this process's CPU time."""

    wall: Callable[[], float]
    cpu: Callable[[], float]


REAL_CLOCK = Clock(time.perf_counter, time.process_time)


@dataclass(frozen=True, slots=True)
class Plan:
    """How many rounds: as many as fit into `budget_s` seconds, within the bounds; or `exactly` so many."""

    fewest: int = 5
    most: int = 11
    budget_s: float = 1.0
    exactly: int | None = None

    def rounds(self, round_s: float) -> int:
        """Rounds for a case of which one round takes so many seconds."""
        if self.exactly is not None:
            return self.exactly
        return max(self.fewest, min(self.most, int(self.budget_s / max(round_s, 1e-9))))


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles, in microseconds."""

    median_us: float
    q1_us: float
    q3_us: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """From single times in seconds."""
        ordered = sorted(seconds)
        q1, median, q3 = (
            statistics.quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else ordered * 3
        )
        return cls(round(median * 1e6, 2), round(q1 * 1e6, 2), round(q3 * 1e6, 2))


@dataclass(frozen=True, slots=True)
class Timing:
    """What one function took, per call."""

    rounds: int
    repeats: int
    cpu: Spread
    wall: Spread

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def time_in_turns(
    functions: Mapping[Key, Callable[[], object]],
    *,
    plan: Plan,
    clock: Clock = REAL_CLOCK,
    seed: int = 1,
    calls: int = 1,
) -> dict[Key, Timing]:
    """Time functions round after round, each round in another order, so that a busy moment hits all alike.

    Parameters
    ----------
    functions
        What is timed, by name. Each is called once before anything counts, if that does not take long.
    plan
        How many rounds.
    clock
        Where the time is from.
    seed
        Of the order.
    calls
        What one call of a function counts for (alerts in it): times are divided by it.
    """
    with _collector_at_rest():
        repeats = {}
        round_s = 0.0
        times: dict[Key, list[tuple[float, float]]] = {name: [] for name in functions}
        for name, function in functions.items():
            first = _time(function, 1, clock)
            took = first[1]
            repeats[name] = max(1, round(SHORTEST_S / max(took, 1e-7)))
            if took > SLOW_S:
                times[name].append(first)
            else:
                round_s += took * repeats[name]
        rounds = plan.rounds(round_s)
        most = {name: min(rounds, ROUNDS_OF_SLOW) if taken else rounds for name, taken in times.items()}
        order = list(functions)
        draw = random.Random(seed)
        for _ in range(rounds):
            draw.shuffle(order)
            for name in order:
                if len(times[name]) < most[name]:
                    times[name].append(_time(functions[name], repeats[name], clock))
    return {
        name: Timing(
            rounds=len(taken),
            repeats=repeats[name],
            cpu=Spread.of([cpu / calls for cpu, _ in taken]),
            wall=Spread.of([wall / calls for _, wall in taken]),
        )
        for name, taken in times.items()
    }


def _time(function: Callable[[], object], repeat: int, clock: Clock) -> tuple[float, float]:
    """Seconds of CPU and wall time of one call."""
    wall, cpu = clock.wall(), clock.cpu()
    for _ in range(repeat):
        function()
    cpu, wall = clock.cpu() - cpu, clock.wall() - wall
    return cpu / repeat, wall / repeat


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    # What lives long (modules, the inputs) is no concern of the garbage collector, in a service either.
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
