"""The configuration of a feed: one TOML file, each key of which a flag of ``serve`` can override."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from bridge.errors import ConfigError, UsageError
from bridge.feed.config_access import DoorConfig, door_config
from bridge.feed.config_file import read_values
from bridge.feed.config_inlets import ReceiveConfig, receive_config, upstream_settings
from bridge.feed.retention import Bounds
from bridge.journal.journal import DEFAULT_PATH
from bridge.mapping import TranslateOptions
from bridge.pipeline import Plan
from bridge.units import parse_duration, parse_size
from bridge.vtp import BroadcasterSettings
from bridge.vtp.address import BROADCAST_PORT
from bridge.vtp.upstream_settings import UpstreamSettings

__all__ = ["DEFAULT_PORT", "FeedConfig", "load_config", "make_config", "parse_duration", "read_settings"]

DEFAULT_PORT = BROADCAST_PORT
"""VTP's port for subscribers (Comet's default)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedConfig:
    """All that a feed is told.

    Parameters
    ----------
    source
        URL that the alerts come from; None serves what the journal holds.
    kafka_config
        Settings of the Kafka client: a file, or the name of a preset.
    start
        ``earliest`` or ``latest``: where topics begin that the journal does not know.
    plan
        Filters, mapping and options of the translation.
    schemas
        Folder or registry that knows schemas of the wire format.
    follow
        Wait for new files in a folder.
    journal
        The journal's file.
    durability
        ``full``: a published event outlives a power failure; ``normal``: it outlives the process.
    bounds
        How much the journal keeps, and how long.
    dead_letters
        Folder for what cannot be used.
    port, interface
        Where subscribers connect; port 0 takes a free one.
    broadcaster
        How subscribers are served.
    door
        Who may connect as a subscriber.
    receive
        How authors are received; None: they are not.
    upstreams
        Brokers whose events are relayed.
    test_interval_s
        Time between test events, in seconds; 0 for none.
    http_port, http_interface
        Where the feed has its pages, and tells how it is; None: nowhere. Port 0 takes a free one.
    http_door
        Who may look.
    silent_after_s
        A source that has given nothing for so long is a problem; 0: it never is.
    once
        End when the source has ended and every connected subscriber has acknowledged all.
    log_format, log_level
        ``text`` or ``json``; the standard level names.
    """

    source: str | None
    plan: Plan
    schemas: str | None = None
    kafka_config: str | None = None
    start: str | None = None
    follow: bool = True
    journal: Path = DEFAULT_PATH
    durability: Literal["full", "normal"] = "full"
    bounds: Bounds = field(default_factory=Bounds)
    dead_letters: Path = Path("voevent-bridge.dead-letters")
    port: int = DEFAULT_PORT
    interface: str = ""
    broadcaster: BroadcasterSettings
    door: DoorConfig = field(default_factory=DoorConfig)
    receive: ReceiveConfig | None = None
    upstreams: tuple[UpstreamSettings, ...] = ()
    test_interval_s: float = 3600.0
    http_port: int | None = None
    http_interface: str = "127.0.0.1"
    http_door: DoorConfig = field(default_factory=DoorConfig)
    silent_after_s: float = 0.0
    once: bool = False
    log_format: Literal["text", "json"] = "text"
    log_level: str = "info"


def load_config(path: Path | None, flags: Mapping[str, Any]) -> FeedConfig:
    """Read a configuration file and put flags over it.

    Parameters
    ----------
    path
        The TOML file; None for flags alone. Relative paths in it are relative to its folder.
    flags
        ``table.key`` (as in the file) to value; None means not given. ``once`` is a flag only.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a key or value is wrong; the message names it.
    """
    return make_config(read_settings(path, flags))


def read_settings(path: Path | None, flags: Mapping[str, Any]) -> dict[str, Any]:
    """Values by ``table.key`` of a file, and flags over it; raises `ConfigError`. See `load_config`."""
    values = read_values(path) if path is not None else {}
    values.update({key: value for key, value in flags.items() if value is not None and value != ()})
    return values


def make_config(values: Mapping[str, Any]) -> FeedConfig:
    """The configuration that values by ``table.key`` mean; raises `ConfigError`."""
    try:
        return _build(values)
    except ConfigError:
        raise
    except UsageError as error:
        raise ConfigError(str(error)) from error


def _build(values: Mapping[str, Any]) -> FeedConfig:
    options = {
        name: values[f"feed.{name}"]
        for name in ("local_ivo", "role", "history", "cutouts", "cutouts_url")
        if f"feed.{name}" in values
    }
    cutouts = options.get("cutouts")
    if cutouts is not None and cutouts not in ("omit", "embed") and "://" not in cutouts:
        options["cutouts"] = Path(cutouts)
    history = options.get("history")
    if isinstance(history, str) and history.isdecimal() and history.isascii():
        options["history"] = int(history)
    translate = TranslateOptions(**options)
    where = values.get("feed.where", ())
    filters = values.get("feed.filters")
    broadcaster: dict[str, Any] = {"local_ivo": translate.local_ivo}
    if "broadcast.newcomers" in values:
        newcomers = values["broadcast.newcomers"]
        given = newcomers in ("now", "start")
        broadcaster["newcomers"] = newcomers if given else parse_duration(newcomers, "newcomers")
    if "broadcast.window" in values:
        broadcaster["window"] = values["broadcast.window"]
    for name in ("durable_max_age", "ack_timeout", "iamalive_interval", "drain"):
        if f"broadcast.{name}" in values:
            broadcaster[f"{name}_s"] = parse_duration(values[f"broadcast.{name}"], name)
    plain = {
        "feed.schemas": "schemas",
        "feed.kafka_config": "kafka_config",
        "feed.start": "start",
        "feed.follow": "follow",
        "journal.durability": "durability",
        "broadcast.port": "port",
        "broadcast.interface": "interface",
        "http.port": "http_port",
        "http.interface": "http_interface",
        "log.format": "log_format",
        "log.level": "log_level",
        "once": "once",
    }
    settings = {target: values[key] for key, target in plain.items() if key in values}
    for key, target in (
        ("broadcast.test_interval", "test_interval_s"),
        ("feed.silent_after", "silent_after_s"),
    ):
        if key in values:
            settings[target] = parse_duration(values[key], key.partition(".")[2])
    for name in ("port", "http_port"):
        if not 0 <= settings.get(name, 0) <= 65_535:
            raise ConfigError(
                f"{name} is {settings[name]}; give one between 1 and 65535, or 0 for a free one."
            )
    source = values.get("feed.from")
    if source == "":
        raise ConfigError("from is empty; give a folder, a file, a tar archive or '-'.")
    journal = Path(values.get("journal.file", DEFAULT_PATH))
    _check_choice(settings, "log_format", ("text", "json"))
    _check_choice(settings, "log_level", ("debug", "info", "warning", "error"))
    _check_choice(settings, "durability", ("full", "normal"))
    _check_choice(settings, "start", ("earliest", "latest"))
    return FeedConfig(
        source=None if source is None or source.startswith("vtp://") else source,
        plan=Plan(
            where=(where,) if isinstance(where, str) else tuple(where),
            filters_file=Path(filters) if filters else None,
            mapping=values.get("feed.mapping"),
            options=translate,
            strict=values.get("feed.strict", False),
        ),
        journal=journal,
        bounds=_bounds(values),
        dead_letters=Path(values.get("feed.dead_letters", journal.with_suffix(".dead-letters"))),
        broadcaster=BroadcasterSettings(**broadcaster),
        door=door_config(values, "broadcast"),
        http_door=door_config(values, "http"),
        receive=receive_config(values, translate.local_ivo),
        upstreams=upstream_settings(values, translate.local_ivo),
        **settings,
    )


def _bounds(values: Mapping[str, Any]) -> Bounds:
    given: dict[str, Any] = {
        f"{name}_s": parse_duration(values[f"journal.{name}"], name)
        for name in ("retention", "remember")
        if f"journal.{name}" in values
    }
    if "journal.max_size" in values:
        given["max_bytes"] = parse_size(values["journal.max_size"], "max_size")
    retention_s = given.get("retention_s", Bounds.retention_s)
    given.setdefault("remember_s", max(retention_s, Bounds.remember_s))
    if given["remember_s"] < retention_s:
        raise ConfigError(
            f"remember ({given['remember_s']:g} s) is shorter than retention ({retention_s:g} s): an event "
            "whose packet is kept cannot be forgotten. Give remember the longer time."
        )
    return Bounds(**given)


def _check_choice(settings: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> None:
    if name in settings and settings[name] not in choices:
        raise ConfigError(f"{name} is {settings[name]!r}; it must be one of {', '.join(choices)}.")
