"""How long to wait before connecting again: longer each time, and never all subscribers at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff", "Patience"]


@dataclass(frozen=True, slots=True)
class Patience:
    """The waits between attempts.

    Parameters
    ----------
    first_s, longest_s
        The first wait and the longest, in seconds; each is twice the one before.
    jitter
        Each wait is made longer by up to this part of it, by chance: a broker that comes back after a failure
        must not meet all its subscribers in the same second.
    steady_s
        A connection that has lasted so long was a good one: the next wait is the first again.
    """

    first_s: float = 1.0
    longest_s: float = 60.0
    jitter: float = 0.5
    steady_s: float = 5.0


class Backoff:
    """Counts attempts; tells the waits.

    Parameters
    ----------
    patience
        The waits.
    chance
        Gives numbers from 0 to 1.
    """

    def __init__(self, patience: Patience, chance: Callable[[], float] = random.random) -> None:
        self._patience = patience
        self._chance = chance
        self._wait_s = patience.first_s

    def lasted(self, seconds: float) -> None:
        """Note how long a connection has lasted."""
        if seconds >= self._patience.steady_s:
            self._wait_s = self._patience.first_s

    def next_wait_s(self) -> float:
        """How long to wait now, in seconds."""
        wait = self._wait_s
        self._wait_s = min(2 * wait, self._patience.longest_s)
        return wait * (1 + self._patience.jitter * self._chance())
