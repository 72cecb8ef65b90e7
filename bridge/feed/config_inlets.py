"""The part of a feed's configuration that says what comes in over VTP: authors, and upstream brokers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import ConfigError
from bridge.feed.config_access import DoorConfig, door_config
from bridge.units import parse_duration
from bridge.voevent.acceptance import KNOWN_VERSIONS
from bridge.vtp.address import BROADCAST_PORT, parse_address
from bridge.vtp.receiver_settings import ReceiverSettings
from bridge.vtp.since import check_since
from bridge.vtp.subscriber_connection import SubscriberSettings
from bridge.vtp.tls import client_tls
from bridge.vtp.upstream_settings import UpstreamSettings
from bridge.vtp.xpath import xpath_fault

__all__ = ["ReceiveConfig", "receive_config", "upstream_settings"]


@dataclass(frozen=True, slots=True)
class ReceiveConfig:
    """How authors are received.

    Parameters
    ----------
    port, interface
        Where they connect; port 0 takes a free one.
    versions
        Versions of VOEvent that are taken.
    settings
        Limits and timings.
    door
        Who may connect.
    """

    port: int
    interface: str
    versions: tuple[str, ...]
    settings: ReceiverSettings
    door: DoorConfig = field(default_factory=DoorConfig)


def receive_config(values: Mapping[str, Any], local_ivo: str) -> ReceiveConfig | None:
    """What ``[receive]`` says; None when it names no port, and so no authors are received.

    Raises
    ------
    ConfigError
        If a value is wrong.
    """
    port = values.get("receive.port")
    if port is None:
        return None
    if not 0 <= port <= 65_535:
        raise ConfigError(f"receive.port is {port}; give one between 1 and 65535, or 0 for a free one.")
    versions = tuple(dict.fromkeys(values.get("receive.versions", ("2.0",))))
    unknown = [version for version in versions if version not in KNOWN_VERSIONS]
    if unknown or not versions:
        named = repr(unknown[0]) if unknown else "empty"
        raise ConfigError(f"receive.versions is {named}; give one or more of {', '.join(KNOWN_VERSIONS)}.")
    timing: dict[str, Any] = {}
    if "receive.idle_timeout" in values:
        timing["idle_timeout_s"] = parse_duration(values["receive.idle_timeout"], "idle_timeout")
    if "receive.max_rate" in values:
        timing["max_rate"] = values["receive.max_rate"]
    interface = values.get("receive.interface", values.get("broadcast.interface", ""))
    settings = ReceiverSettings(local_ivo, **timing)
    return ReceiveConfig(port, interface, versions, settings, door_config(values, "receive"))


def upstream_settings(values: Mapping[str, Any], local_ivo: str) -> tuple[UpstreamSettings, ...]:
    """The brokers that ``[[upstream]]``, ``--upstream`` and ``--from vtp://`` name.

    Raises
    ------
    UsageError
        If a value is wrong, or one broker is named twice.
    """
    tables: list[Mapping[str, Any]] = list(values.get("upstream", ()))
    source = values.get("feed.from") or ""
    if source.startswith("vtp://"):
        tables.append({"host": source})
    found = [_upstream(table, local_ivo) for table in tables]
    found += [_upstream({"host": text}, local_ivo) for text in values.get("upstreams", ())]
    addresses = [each.address for each in found]
    for address in addresses:
        if addresses.count(address) > 1:
            raise ConfigError(f"The upstream broker {address} is named twice; name it once.")
    return tuple(found)


def _upstream(table: Mapping[str, Any], local_ivo: str) -> UpstreamSettings:
    if "host" not in table:
        raise ConfigError("An [[upstream]] has no host; give the broker's name or host:port.")
    filters = tuple(table.get("filters", ()))
    for text in filters:
        reason = xpath_fault(text)
        if reason is not None:
            raise ConfigError(
                f"The filter {text!r} of the upstream {table['host']} cannot be used: {reason}."
            )
    since = table.get("since")
    return UpstreamSettings(
        parse_address(table["host"], table.get("port", BROADCAST_PORT)),
        SubscriberSettings(local_ivo, filters),
        None if since is None else check_since(since),
        tls=client_tls(
            f"The upstream {table['host']}",
            table.get("tls"),
            table.get("tls_ca"),
            table.get("tls_certificate"),
            table.get("tls_key"),
        ),
    )
