"""When messages are due: one after the other at a rate, or in bursts, as a survey's visits come."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import UsageError

__all__ = ["VISIT_INTERVAL_S", "Pace", "parse_pace"]

VISIT_INTERVAL_S = 39.0
"""From one LSST visit to the next, in seconds (DMTN-028)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """So many messages at once, then a wait.

    Parameters
    ----------
    burst
        Messages that go together.
    interval_s
        From the beginning of one burst to that of the next, in seconds.
    """

    burst: int = 1
    interval_s: float = 0.0

    def due_s(self, index: int) -> float:
        """When a message is due, in seconds after the first.

        Parameters
        ----------
        index
            Of the message, from 0.
        """
        return (index // self.burst) * self.interval_s


def parse_pace(rate: float | None, visit: int | None, interval_s: float | None) -> Pace:
    """The pace that options ask for; without any, as fast as it goes.

    Parameters
    ----------
    rate
        Messages per second.
    visit, interval_s
        Messages per visit, and seconds from visit to visit.

    Raises
    ------
    UsageError
        If they contradict each other.
    """
    if rate is not None and (visit is not None or interval_s is not None):
        raise UsageError("Give either --rate, or --visit with --interval.")
    if interval_s is not None and visit is None:
        raise UsageError("--interval is the time from visit to visit; say how many alerts with --visit N.")
    if rate is not None:
        return Pace(1, 1.0 / rate)
    if visit is not None:
        return Pace(visit, VISIT_INTERVAL_S if interval_s is None else interval_s)
    return Pace()
