"""Who may connect, and how often: networks that are let in or kept out, and bounds on connections.

It is asked before anything is read or written. Refusals are logged once in a while and counted in between: a
flood of connections must not become a flood of log lines.
"""

from __future__ import annotations

import ipaddress
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.errors import ConfigError

__all__ = ["AccessSettings", "Gate", "Network", "parse_networks"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_log = logging.getLogger(__name__)

QUIET_S = 60.0
"""Refusals for one reason are logged once in so many seconds."""


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """Who may connect to one port.

    Parameters
    ----------
    allow
        Networks that are let in; empty lets everybody in.
    deny
        Networks that are kept out, even if they are allowed.
    max_connections
        Most connections at a time.
    max_per_address
        Most connections at a time from one address.
    """

    allow: tuple[Network, ...] = ()
    deny: tuple[Network, ...] = ()
    max_connections: int = 4_000
    max_per_address: int = 1_000

    def __post_init__(self) -> None:
        for name in ("max_connections", "max_per_address"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}; it must be at least 1.")


class Gate:
    """Lets connections in, and counts those that are there.

    Parameters
    ----------
    settings
        Who may connect.
    whom
        Who connects, for the log: subscribers, authors.
    clock
        Gives the time in seconds.

    Attributes
    ----------
    settings
        May be replaced while the gate is used; who is in stays in.
    refused
        Connections that were refused.
    """

    def __init__(self, settings: AccessSettings, whom: str, clock: Callable[[], float]) -> None:
        self.settings = settings
        self.refused = 0
        self._whom = whom
        self._clock = clock
        self._inside: Counter[str] = Counter()
        self._said: dict[str, tuple[float, int]] = {}

    def admit(self, host: str) -> bool:
        """Whether a connection from an address may stay; if so, it is counted until `release`."""
        reason = self._reason(host)
        if reason is None:
            self._inside[host] += 1
            return True
        self.refused += 1
        self._say(reason, host)
        return False

    def release(self, host: str) -> None:
        """A connection that was admitted has ended."""
        if self._inside[host] > 1:
            self._inside[host] -= 1
        else:
            del self._inside[host]

    def trusts(self, host: str, networks: Sequence[Network]) -> bool:
        """Whether an address is in one of some networks."""
        address = _address(host)
        return address is not None and _within(address, networks)

    def _reason(self, host: str) -> str | None:
        settings = self.settings
        if settings.allow or settings.deny:
            address = _address(host)
            if address is None or _within(address, settings.deny):
                return "is on the list of those kept out"
            if settings.allow and not _within(address, settings.allow):
                return "is not on the list of those let in"
        if self._inside.total() >= settings.max_connections:
            return f"is one too many: max_connections is {settings.max_connections}"
        if self._inside[host] >= settings.max_per_address:
            return f"has as many connections as one address may have ({settings.max_per_address})"
        return None

    def _say(self, reason: str, host: str) -> None:
        now = self._clock()
        last, silent = self._said.get(reason, (-QUIET_S, 0))
        if now - last < QUIET_S:
            self._said[reason] = (last, silent + 1)
            return
        more = f" ({silent} more in the last {now - last:.0f} s)" if silent else ""
        _log.warning("of %s, %s %s%s", self._whom, host, reason, more, extra={"address": host})
        self._said[reason] = (now, 0)


def parse_networks(texts: Sequence[str], key: str) -> tuple[Network, ...]:
    """Networks as people write them: ``192.0.2.7``, ``192.0.2.0/24``, ``2001:db8::/32``.

    Raises
    ------
    ConfigError
        If one is none; the message names `key`.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text))
        except ValueError as error:
            raise ConfigError(
                f"{key}: {text!r} is no network ({error}); write an address or, for example, 192.0.2.0/24."
            ) from error
    return tuple(networks)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # A socket for both families gives IPv4 peers as ::ffff:192.0.2.7.
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
