"""Tells a silent stream from a broken one: GCN sends a heartbeat a second beside its events."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["HeartbeatWatch"]

QUIET_S = 60.0


class HeartbeatWatch:
    """Says once when the heartbeat stops, and once when it is back.

    Parameters
    ----------
    log
        Takes a sentence and whether it is a trouble.
    started_s
        Now, on any clock in seconds that only goes forward.
    quiet_s
        Silence of this length is reported, in seconds.
    """

    def __init__(self, log: Callable[[str, bool], None], started_s: float, quiet_s: float = QUIET_S) -> None:
        self._log = log
        self._quiet_s = quiet_s
        self._last_s = started_s
        self.silent = False

    def beat(self, now_s: float) -> None:
        """A heartbeat has come."""
        if self.silent:
            self._log(f"The heartbeat is back after {now_s - self._last_s:.0f} s.", False)
        self._last_s = now_s
        self.silent = False

    def look(self, now_s: float) -> None:
        """See whether it has been quiet for too long."""
        if not self.silent and now_s - self._last_s > self._quiet_s:
            self.silent = True
            self._log(
                f"No heartbeat for {now_s - self._last_s:.0f} s: the stream is not just quiet but broken, "
                "here or at its origin. When it is back, reading goes on where it was.",
                True,
            )
