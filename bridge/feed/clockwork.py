"""What a feed does at intervals beside its work: one list, started and stopped together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.task import LoopingCall

__all__ = ["Chore", "Clockwork"]


class Chore(NamedTuple):
    """Something to be done again and again.

    Parameters
    ----------
    function
        What; it may give a Deferred, and is not called again before that has fired.
    interval_s
        How often, in seconds.
    at_once
        Whether it is done at the start, too.
    """

    function: Callable[[], Any]
    interval_s: float
    at_once: bool = False


class Clockwork:
    """Does chores in a reactor's time."""

    def __init__(self, chores: list[Chore], reactor: Any) -> None:
        self._chores = chores
        self._loops = [LoopingCall(chore.function) for chore in chores]
        for loop in self._loops:
            loop.clock = reactor

    def start(self) -> None:
        """Begin; called when the reactor runs."""
        for loop, chore in zip(self._loops, self._chores, strict=True):
            loop.start(chore.interval_s, now=chore.at_once)

    def stop(self) -> None:
        """Do nothing more; what is under way in a thread comes to its end."""
        for loop in self._loops:
            if loop.running:
                loop.stop()
