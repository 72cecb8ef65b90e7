"""Times are taken in turns, with medians and quartiles, by whatever clock is given."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.encodings.timing import ROUNDS_OF_SLOW, Clock, Plan, Spread, time_in_turns


class Stopped:
    """A clock that only moves when somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def work(self, seconds: float) -> None:
        self.now += seconds

    def clock(self) -> Clock:
        return Clock(lambda: self.now, lambda: self.now / 2)


def test_times_are_per_call_and_per_message() -> None:
    time = Stopped()
    timings = time_in_turns(
        {"quick": lambda: time.work(1e-4), "long": lambda: time.work(1e-2)},
        plan=Plan(exactly=4),
        clock=time.clock(),
        calls=10,
    )
    assert timings["quick"].repeats == 20
    assert timings["quick"].wall == Spread(10.0, 10.0, 10.0)
    assert timings["long"].repeats == 1
    assert timings["long"].cpu == Spread(500.0, 500.0, 500.0)


def test_functions_take_turns_in_another_order_each_round() -> None:
    time = Stopped()
    order: list[str] = []

    def worker(name: str) -> None:
        order.append(name)
        time.work(0.01)

    time_in_turns(
        {name: lambda name=name: worker(name) for name in "abc"},  # type: ignore[misc]
        plan=Plan(exactly=20),
        clock=time.clock(),
    )
    rounds = ["".join(order[at : at + 3]) for at in range(3, len(order), 3)]
    assert len(rounds) == 20
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len(Counter(rounds)) > 3


def test_one_busy_moment_does_not_move_the_median() -> None:
    time = Stopped()
    calls = 0

    def disturbed_once() -> None:
        nonlocal calls
        calls += 1
        time.work(5.0 if calls == 4 else 0.01)

    timing = time_in_turns({"x": disturbed_once}, plan=Plan(exactly=9), clock=time.clock())["x"]
    assert timing.wall.median_us == pytest.approx(10_000)
    assert timing.wall.q3_us == pytest.approx(10_000)


def test_slow_functions_take_part_in_the_first_rounds_only() -> None:
    time = Stopped()
    timings = time_in_turns(
        {"slow": lambda: time.work(1.0), "quick": lambda: time.work(0.01)}, plan=Plan(), clock=time.clock()
    )
    assert timings["slow"].rounds == ROUNDS_OF_SLOW
    assert timings["quick"].rounds == Plan().most


@pytest.mark.parametrize(
    ("plan", "round_s", "rounds"),
    [(Plan(), 10.0, 5), (Plan(), 1e-6, 11), (Plan(budget_s=2.0), 0.25, 8), (Plan(exactly=1), 10.0, 1)],
)
def test_rounds_fit_the_budget_within_bounds(plan: Plan, round_s: float, rounds: int) -> None:
    assert plan.rounds(round_s) == rounds


def test_quartiles_of_one_round_are_that_round() -> None:
    assert Spread.of([2e-6]) == Spread(2.0, 2.0, 2.0)
    assert Spread.of([4e-6, 1e-6, 2e-6, 3e-6, 5e-6]) == Spread(3.0, 2.0, 4.0)
