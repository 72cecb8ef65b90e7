"""What a feed does on SIGHUP: reads its configuration again, goes by it if it is right, and says so.

Apart from the feed's wiring, which only knows how to try a configuration out and how to go by it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from twisted.internet.defer import DeferredLock
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure

from bridge.errors import BridgeError
from bridge.feed.config import FeedConfig
from bridge.feed.logs import set_level
from bridge.feed.reload import Reloaded, Reloader

__all__ = ["Hangup"]

_log = logging.getLogger(__name__)


class Hangup:
    """Called in the network's thread when the signal has come.

    Parameters
    ----------
    reloader
        Reads the configuration.
    try_out
        Called in another thread with what is to hold from now on; raises what is wrong with it.
    adopt
        Called in the network's thread: go by it.
    """

    def __init__(
        self,
        reloader: Reloader,
        try_out: Callable[[FeedConfig], None],
        adopt: Callable[[FeedConfig], None],
    ) -> None:
        self._reloader = reloader
        self._try_out = try_out
        self._adopt = adopt
        # One after the other, so that the last one wins.
        self._turns = DeferredLock()

    def __call__(self) -> None:
        """Read the configuration again."""
        # In a thread, because filters are compiled.
        reading = self._turns.run(deferToThread, self._reloader.read, self._try_out)
        reading.addCallbacks(self._go_by, self._stay)

    def _go_by(self, new: Reloaded) -> None:
        self._adopt(new.config)
        changed = f"new are {', '.join(new.changed)}" if new.changed else "nothing that can change now is new"
        _log.info("SIGHUP: the configuration is read again; %s", changed)
        if new.waiting:
            _log.warning("SIGHUP: a restart is needed for %s", ", ".join(new.waiting))
        # Last, so that a log that becomes quieter still says so.
        set_level(new.config.log_level)

    def _stay(self, failure: Failure) -> None:
        error = failure.value
        if isinstance(error, BridgeError):
            _log.error("SIGHUP: %s The configuration stays as it was.", error)
        else:
            _log.error("SIGHUP: the configuration cannot be read; this is a bug.", exc_info=error)
