"""Reads the configuration again while a feed runs: what takes effect now, what waits for a restart.

Compared is what the file and the flags say, key by key, so that the log can name keys as people write them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.feed.config import FeedConfig, make_config, read_settings
from bridge.feed.config_access import ACCESS_KEYS, PORTS

__all__ = ["LIVE", "Reloaded", "Reloader"]

LIVE = frozenset(
    [
        *("feed.where", "feed.filters", "feed.mapping", "feed.strict", "feed.role", "feed.history"),
        *("feed.cutouts", "feed.cutouts_url", "feed.silent_after"),
        *("journal.retention", "journal.max_size", "journal.remember"),
        *("broadcast.newcomers", "broadcast.durable_max_age", "broadcast.window", "broadcast.ack_timeout"),
        *("broadcast.iamalive_interval", "broadcast.drain", "broadcast.test_interval"),
        *(f"{table}.{key}" for table in PORTS for key in ACCESS_KEYS),
        "receive.max_rate",
        "log.level",
    ]
)
"""Keys that take effect in a running feed. The others are about what is open: ports, files, connections."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """A configuration that was read again.

    Parameters
    ----------
    config
        What holds from now on: the new values of live keys, the old ones of all others.
    changed
        Live keys whose values are new.
    waiting
        Other keys whose values are new; they hold after a restart.
    """

    config: FeedConfig
    changed: tuple[str, ...]
    waiting: tuple[str, ...]


class Reloader:
    """Knows what a feed was told, and from where.

    Parameters
    ----------
    path
        The configuration file.
    flags
        As for `bridge.feed.load_config`; they go over the file each time it is read.

    Raises
    ------
    ConfigError
        If something in it is wrong.
    """

    def __init__(self, path: Path, flags: Mapping[str, Any]) -> None:
        self._path = path
        self._flags = dict(flags)
        self._values = read_settings(path, self._flags)

    def read(self, try_out: Callable[[FeedConfig], None]) -> Reloaded:
        """Read the file again.

        Parameters
        ----------
        try_out
            Given what is to hold from now on; raises what is wrong with it.

        Raises
        ------
        UsageError
            If something in the file is wrong, or when it is tried out; then all stays as it was.
        """
        new = read_settings(self._path, self._flags)
        # All of it must be right, not only what can be changed: the next restart wants to succeed.
        make_config(new)
        old = self._values
        different = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        values = {key: value for key, value in old.items() if key not in LIVE}
        values |= {key: value for key, value in new.items() if key in LIVE}
        config = make_config(values)
        try_out(config)
        self._values = values
        return Reloaded(
            config,
            changed=tuple(key for key in different if key in LIVE),
            waiting=tuple(key for key in different if key not in LIVE),
        )
