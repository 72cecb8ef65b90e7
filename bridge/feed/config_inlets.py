"""The part of a feed's configuration that says what comes in over VTP: authors, and upstream brokers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.errors import ConfigError
from bridge.feed.units import parse_duration
from bridge.voevent.acceptance import KNOWN_VERSIONS
from bridge.vtp.receiver_settings import ReceiverSettings

__all__ = ["ReceiveConfig", "receive_config"]


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
    """

    port: int
    interface: str
    versions: tuple[str, ...]
    settings: ReceiverSettings


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
    interface = values.get("receive.interface", values.get("broadcast.interface", ""))
    return ReceiveConfig(port, interface, versions, ReceiverSettings(local_ivo, **timing))
