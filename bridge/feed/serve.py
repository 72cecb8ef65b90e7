"""Opens all that a feed needs (journal, gates, ports), and runs it until it is told to stop."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable
from typing import Any, cast

from bridge.feed.clock import use_steady_time
from bridge.feed.config import FeedConfig
from bridge.feed.door import allow_many_files, open_door
from bridge.feed.intake import Counts
from bridge.feed.reload import Reloader
from bridge.feed.run import Run
from bridge.feed.telling import Telling
from bridge.feed.watch import without_credentials
from bridge.journal import Journal
from bridge.vtp.access import Gate
from bridge.vtp.port import listen
from bridge.vtp.server import Broadcaster

__all__ = ["serve"]

_log = logging.getLogger(__name__)

# An event passes through three threads; a busy one lets go of the interpreter no sooner than this (seconds).
_SWITCH_S = 0.001
# A new subscriber costs a millisecond before it is served: events do not wait for thousands of them.
_SUBSCRIBERS_HZ = 250.0


def serve(
    config: FeedConfig,
    *,
    reactor: Any = None,
    ready: Callable[[int], None] | None = None,
    reloader: Reloader | None = None,
) -> Counts:
    """Run a feed; returns when a signal (SIGTERM, SIGINT) or the end of a ``once`` run ends it.

    Parameters
    ----------
    config
        What to feed to whom.
    reactor
        Twisted's reactor; None for the installed one.
    ready
        Called with the port when subscribers can connect.
    reloader
        Reads the configuration again on SIGHUP; None where there is no file: then SIGHUP ends the process.

    Returns
    -------
    What the intake has done.

    Raises
    ------
    BridgeError
        If the source, journal or port cannot be opened; or if the source breaks, or a filter or mapping
        does not fit it, while the feed runs.
    """
    if reactor is None:
        from twisted.internet import reactor as installed

        reactor = installed
        use_steady_time(reactor)
    with (
        Journal.open(config.journal, durability=config.durability) as journal,
        journal.reader() as reader,
        journal.reader() as known,
    ):
        allow_many_files()
        sys.setswitchinterval(_SWITCH_S)
        gate = Gate(config.door.access, "subscribers", reactor.seconds)
        broadcaster = Broadcaster(
            reader, config.broadcaster, save_cursors=journal.save_cursors, released=gate.release
        )
        feed = Run(config, journal, reader, known, broadcaster, reactor, reloader)
        feed.door = open_door(broadcaster, gate, config.door, reactor)
        port = listen(feed.door, config.port, config.interface, reactor, most_hz=_SUBSCRIBERS_HZ)
        number: int = cast("Any", port.getHost()).port
        feed.inlets.listen(config)
        if config.http_port is not None:
            feed.telling = Telling(config, feed.watch, reactor)
        if config.source is not None:
            source = without_credentials(config.source)
            _log.info("reading %s", source, extra={"source": source})
        _log.info(
            "serving subscribers on port %d as %s; the journal %s holds %d events",
            number,
            config.broadcaster.local_ivo,
            config.journal,
            journal.last_seq(),
            extra={"port": number},
        )
        # What is there now stays: to look through it for garbage again would stop everything for a while.
        gc.collect()
        gc.freeze()
        feed.run(port, lambda: ready(number) if ready else None)
    if feed.failure is not None:
        raise feed.failure
    return feed.counts
