"""The HTTP port of a feed, behind a door as its other ports have one: who may connect, how many, TLS.

The pages themselves are the business of `bridge.web`, which knows nothing of configurations.
"""

from __future__ import annotations

import logging
from typing import Any, cast

from twisted.internet.threads import deferToThread

from bridge.feed.config import FeedConfig
from bridge.feed.door import open_door, renew_door, try_door
from bridge.feed.watch import Watch
from bridge.vtp.access import Gate
from bridge.vtp.port import listen

__all__ = ["Telling"]

_log = logging.getLogger(__name__)


class Telling:
    """An open HTTP port.

    Parameters
    ----------
    config
        What the feed is told; it has an HTTP port.
    watch
        Knows how the feed is.
    reactor
        Twisted's reactor.

    Raises
    ------
    BridgeError
        If the port is taken, or a certificate cannot be used.
    """

    def __init__(self, config: FeedConfig, watch: Watch, reactor: Any) -> None:
        # Loaded here, because most feeds of a test or an afternoon have no such port.
        from bridge.web.front import Front
        from bridge.web.server import site

        assert config.http_port is not None
        self._config = config.http_door
        gate = Gate(config.http_door.access, "visitors over HTTP", reactor.seconds)
        front = Front(watch.status, config.journal, deferToThread, reactor)
        pages = cast("Any", site(watch.status, front, gate.release))
        self._door = open_door(pages, gate, config.http_door, reactor)
        port = listen(
            self._door, config.http_port, config.http_interface, reactor, whom="HTTP", flag="--http"
        )
        # When its threads have ended.
        reactor.addSystemEventTrigger("after", "shutdown", front.close)
        number = cast("Any", port.getHost()).port
        scheme = "http" if config.http_door.tls is None else "https"
        host = f"[{config.http_interface}]" if ":" in config.http_interface else config.http_interface
        _log.info("telling how it is on %s://%s:%d", scheme, host or "*", number, extra={"http_port": number})

    def try_out(self, config: FeedConfig) -> None:
        """Check that the door can be renewed; raises `ConfigError`."""
        try_door(self._config, config.http_door, "http")

    def adopt(self, config: FeedConfig) -> None:
        """Let in who may connect now; who is inside stays."""
        self._config = config.http_door
        renew_door(self._door, config.http_door)
