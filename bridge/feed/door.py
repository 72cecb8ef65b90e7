"""A port's door as the configuration wants it."""

from __future__ import annotations

import resource
from typing import Any

from twisted.internet.protocol import ServerFactory

from bridge.feed.config_access import DoorConfig
from bridge.vtp.access import Gate
from bridge.vtp.door import Door
from bridge.vtp.tls import TlsContext

__all__ = ["allow_many_files", "open_door"]


def open_door(inner: ServerFactory, gate: Gate, config: DoorConfig, reactor: Any) -> Door:
    """The factory for a port.

    Parameters
    ----------
    inner
        Builds the protocols.
    gate
        Who may connect.
    config
        What was configured; its networks are the gate's.
    reactor
        Twisted's reactor.

    Raises
    ------
    ConfigError
        If a certificate or key cannot be used.
    """
    tls = TlsContext(config.tls) if config.tls is not None else None
    return Door(inner, gate, reactor, proxies=config.proxies, tls=tls)


def allow_many_files() -> int:
    """Raise the soft limit of open files to the hard one; a connection is one. Gives the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
