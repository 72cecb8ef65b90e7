"""The part of a feed's configuration that says who may connect to a port, and by which doors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.vtp.access import AccessSettings, Network, parse_networks
from bridge.vtp.tls import ServerTls

__all__ = ["ACCESS_KEYS", "PORTS", "DoorConfig", "door_config"]

ACCESS_KEYS: dict[str, tuple[type, ...]] = {
    "allow": (list,),
    "deny": (list,),
    "max_connections": (int,),
    "max_per_address": (int,),
    "proxies": (list,),
    "tls_certificate": (str,),
    "tls_key": (str,),
    "tls_client_ca": (str,),
}
"""Keys that every table of a port has: key -> types that its value may have."""


PORTS = ("broadcast", "receive", "http")
"""Tables of ports."""


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """Who may connect to a port, and how.

    Parameters
    ----------
    access
        Networks and bounds.
    proxies
        Networks of load balancers that say by the PROXY protocol who connects.
    tls
        What the port proves itself with; None: it is not encrypted.
    """

    access: AccessSettings = field(default_factory=AccessSettings)
    proxies: tuple[Network, ...] = ()
    tls: ServerTls | None = None


def door_config(values: Mapping[str, Any], table: str) -> DoorConfig:
    """What the table of a port says of its door.

    Raises
    ------
    ConfigError
        If a value is wrong.
    """
    given = {key: values[f"{table}.{key}"] for key in ACCESS_KEYS if f"{table}.{key}" in values}
    networks = {
        key: parse_networks(given[key], f"{table}.{key}")
        for key in ("allow", "deny", "proxies")
        if key in given
    }
    bounds = {key: given[key] for key in ("max_connections", "max_per_address") if key in given}
    access = AccessSettings(allow=networks.get("allow", ()), deny=networks.get("deny", ()), **bounds)
    return DoorConfig(access, networks.get("proxies", ()), _server_tls(given, table))


def _server_tls(given: Mapping[str, Any], table: str) -> ServerTls | None:
    certificate = given.get("tls_certificate")
    if certificate is None:
        for key in ("tls_key", "tls_client_ca"):
            if key in given:
                raise ConfigError(f"[{table}] has {key} and no tls_certificate.")
        return None
    authority = given.get("tls_client_ca")
    return ServerTls(
        Path(certificate),
        Path(given.get("tls_key", certificate)),
        Path(authority) if authority is not None else None,
    )
