"""Which night a message belongs to.

A night begins at 15:00 UTC and is named by that date. At this hour it is day at Cerro Pachón and at Palomar,
so neither survey's night is cut in two, and the date is that of the evening on which observing began (for
Rubin the same as its ``dayObs``). Counted is the time that the topic gives the message.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["NIGHT_BEGINS_H", "night_of"]

NIGHT_BEGINS_H = 15.0
"""Hour of the UTC day at which a new night begins."""


def night_of(time_unix_s: float, begins_h: float = NIGHT_BEGINS_H) -> str:
    """Name of the night that a moment belongs to, ``yyyymmdd``.

    Parameters
    ----------
    time_unix_s
        Unix seconds (UTC).
    begins_h
        Hour of the UTC day at which a night begins, 0 to 24.
    """
    return (datetime.fromtimestamp(time_unix_s, UTC) - timedelta(hours=begins_h)).strftime("%Y%m%d")
