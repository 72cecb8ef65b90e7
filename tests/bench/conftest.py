"""What the tests of the benchmarks share: a clock that always goes on alike, and one short run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.encodings import figures, measure
from benchmarks.encodings.timing import Clock

PEERS = ("avro", "msgpack", "pyarrow", "voeventparse", "matplotlib")


class TickingClock:
    """Each look at it finds it a little later: whatever is timed took one tick."""

    def __init__(self, tick_s: float = 4e-3) -> None:
        self.now = 0.0
        self.tick_s = tick_s

    def __call__(self) -> float:
        self.now += self.tick_s
        return self.now


@pytest.fixture(scope="session")
def ticking() -> Callable[[], Clock]:
    return lambda: Clock(TickingClock(), TickingClock())


@pytest.fixture(scope="session")
def peers() -> None:
    for name in PEERS:
        pytest.importorskip(name, reason=f"a peer of the benchmarks is not installed: {name}")


@pytest.fixture(scope="session")
def measured(
    shared_data: Path, lsst_distribution: Path, peers: None, ticking: Callable[[], Clock]
) -> dict[str, Any]:
    return measure(
        rounds=1, counts=(1, 4), kinds=("ztf", "voevent"), most=1, clock=ticking(), load=lambda: 0.0
    )


@pytest.fixture(scope="session")
def drawn(measured: dict[str, Any]) -> dict[str, bytes]:
    return figures(measured)
