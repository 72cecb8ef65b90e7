"""When each message is due: at a steady rate, with the beat of a survey, or as fast as it goes.

A schedule is counted from its beginning, not from the last message, so delays do not add up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.errors import UsageError

__all__ = ["Clock", "Pace", "keep_pace"]

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """A schedule of messages.

    Parameters
    ----------
    rate_hz
        Messages per second; 0 for no limit.
    visit
        Messages of a visit, which are due together; 0 where there are no visits.
    interval_s
        Seconds from the beginning of one visit to that of the next.

    Raises
    ------
    UsageError
        If a number is negative, or both a rate and visits are asked for.
    """

    rate_hz: float = 0.0
    visit: int = 0
    interval_s: float = 0.0

    def __post_init__(self) -> None:
        if self.rate_hz < 0 or self.visit < 0 or self.interval_s < 0:
            raise UsageError("Rates, numbers of alerts and intervals must not be negative.")
        if self.rate_hz and self.visit:
            raise UsageError("Give either a rate or visits: alerts of a visit come as fast as they can.")

    def due_s(self, index: int) -> float:
        """When the message with this index (from 0) is due, in seconds from the beginning."""
        if self.visit:
            return index // self.visit * self.interval_s
        return index / self.rate_hz if self.rate_hz else 0.0


def keep_pace(due_s: float, clock: Clock, wait: Callable[[float], None], stop: Callable[[], bool]) -> float:
    """Wait until a moment, at most half a second at a time, unless told to stop.

    Parameters
    ----------
    due_s
        The moment on the clock.
    clock
        Seconds, only going forward.
    wait
        Waits for seconds.
    stop
        Asked between waits.

    Returns
    -------
    float
        How late it was when this was called, in seconds; 0 if it was in time.
    """
    late_s = max(0.0, clock() - due_s)
    while not stop() and (rest_s := due_s - clock()) > 0:
        wait(min(rest_s, 0.5))
    return late_s
