"""Removes packets that are older than the feed keeps them, in steps that let publishing go on."""

from __future__ import annotations

import logging
import threading
import time

from bridge.errors import SourceError
from bridge.journal import Journal

__all__ = ["prune_expired"]

_log = logging.getLogger(__name__)

PAUSE_S = 0.05


def prune_expired(
    journal: Journal, retention_s: float, stop: threading.Event, *, now: float | None = None
) -> int:
    """Remove all packets older than a retention time.

    Parameters
    ----------
    journal
        The journal.
    retention_s
        How long packets are kept, in seconds.
    stop
        Set to end early.
    now
        Unix seconds; None for the clock's.

    Returns
    -------
    How many packets went.
    """
    limit = (time.time() if now is None else now) - retention_s
    removed = 0
    try:
        while not stop.is_set():
            step = journal.prune(limit)
            removed += step.events
            if not step.events:
                break
            stop.wait(PAUSE_S)
    except SourceError as error:
        _log.error("%s Old packets stay for now.", error)
    if removed:
        _log.info("%d packets older than %g s removed", removed, retention_s, extra={"removed": removed})
    return removed
