"""Time for a feed that outlives mistakes of the machine's clock.

A clock is set while programs run: after a start without network, by a wrong time server, when a virtual
machine is moved. Waits must not notice that, and nothing must be removed for its age because a clock is ahead
for a while.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

__all__ = ["ClockWatch", "use_steady_time"]

_log = logging.getLogger(__name__)

SET_S = 60.0
"""Between two looks a clock that is only kept right moves less than this, in seconds."""

SETTLE_S = 600.0
"""A clock that was set is believed after so many seconds: a mistake is mostly mended soon."""

ABSENCE_S = 86_400.0
"""A clock that says at the start that nothing was published for so long may be wrong, in seconds."""


def use_steady_time(reactor: Any) -> None:
    """Have a reactor go by time that never jumps: Unix time at the start, and what has passed since.

    Twisted goes by the wall clock. When that is set back by an hour, every wait takes an hour longer: no sign
    of life goes out, and subscribers leave.
    """
    began = time.time() - time.monotonic()
    reactor.seconds = lambda: began + time.monotonic()


class ClockWatch:
    """Says whether the wall clock can be believed when something is removed for its age.

    Parameters
    ----------
    newest_at
        When the newest event was published, in Unix seconds; None if there is none.
    wall
        Unix seconds.
    steady
        Seconds that never jump.
    """

    def __init__(
        self,
        newest_at: float | None,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_s = wall() - steady()
        was_away = newest_at is not None and wall() - newest_at > ABSENCE_S
        self._settled_at = steady() + (SETTLE_S if was_away else 0.0)

    def is_settled(self) -> bool:
        """Look at the clock; to be called about once a minute. A clock that was set is named in the log."""
        steady = self._steady()
        ahead_s = self._wall() - steady
        moved_s, self._ahead_s = ahead_s - self._ahead_s, ahead_s
        if abs(moved_s) > SET_S:
            self._settled_at = steady + SETTLE_S
            _log.warning(
                "the clock of this machine was set %s by %.0f s; nothing is removed from the journal for its "
                "age in the next %.0f s, in case that was a mistake",
                "forward" if moved_s > 0 else "back",
                abs(moved_s),
                SETTLE_S,
                extra={"clock_moved_s": round(moved_s, 3)},
            )
        return steady >= self._settled_at
