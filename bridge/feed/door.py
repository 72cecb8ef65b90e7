"""A port's door as the configuration wants it."""

from __future__ import annotations

import resource
from typing import Any

from twisted.internet.protocol import ServerFactory

from bridge.errors import ConfigError
from bridge.feed.config_access import DoorConfig
from bridge.vtp.access import Gate
from bridge.vtp.door import Door
from bridge.vtp.tls import TlsContext, server_options

__all__ = ["allow_many_files", "open_door", "renew_door", "try_door"]


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


def try_door(old: DoorConfig, new: DoorConfig, table: str) -> None:
    """Check that a door can be renewed while its port is open.

    Raises
    ------
    ConfigError
        If a certificate cannot be used, or TLS would begin or end.
    """
    if (old.tls is None) != (new.tls is None):
        raise ConfigError(f"Whether [{table}] speaks TLS cannot change while its port is open; restart.")
    if new.tls is not None:
        server_options(new.tls)


def renew_door(door: Door, config: DoorConfig) -> None:
    """Let a door go by new rules, and read its certificates again; who is inside stays."""
    door.gate.settings = config.access
    door.proxies = config.proxies
    if door.tls is not None and config.tls is not None:
        door.tls.replace(config.tls)


def allow_many_files() -> int:
    """Raise the soft limit of open files to the hard one; a connection is one. Gives the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
