"""Waiting for a schema registry: a feed must not refuse a night's alerts because a server is away.

A command that converts files says so and goes on with the next; a feed has time, and its source keeps
the alerts meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

__all__ = ["Patience"]

_log = logging.getLogger(__name__)

PAUSE_S = 10.0
"""Between two questions to a registry that does not answer, in seconds."""

NAP_S = 0.5
"""So soon a stop is noticed, in seconds."""


class Patience:
    """Waits until a registry answers, or until a stop is asked for.

    Parameters
    ----------
    stop
        Says whether to wait no longer.
    sleep
        Waits for seconds.

    Attributes
    ----------
    trouble
        What is being waited for, as a sentence; None while nothing is.
    """

    def __init__(self, stop: Callable[[], bool], sleep: Callable[[float], None]) -> None:
        self.trouble: str | None = None
        self._stop = stop
        self._sleep = sleep

    def goes_on(self, trouble: str) -> bool:
        """Wait for a while; False if that has to end."""
        if self.trouble is None:
            _log.error("%s Alerts wait for it: it is asked again every %g s.", trouble, PAUSE_S)
        self.trouble = trouble
        for _ in range(round(PAUSE_S / NAP_S)):
            if self._stop():
                return False
            self._sleep(NAP_S)
        return True

    def over(self) -> None:
        """What was waited for is there."""
        if self.trouble is not None:
            self.trouble = None
            _log.info("The schema registry answers again; no alert was lost.")
