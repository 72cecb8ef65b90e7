"""Reads the configuration file of a feed: which keys there are, of what type, and where paths in it begin.

What the values mean is said in `config`; here is only what a file can get wrong.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.feed.config_access import ACCESS_KEYS, PORTS
from bridge.small_files import read_small_text

__all__ = ["KEYS", "REPEATED", "read_values"]

KEYS: dict[str, dict[str, tuple[type, ...]]] = {
    "feed": {
        "from": (str,),
        "kafka_config": (str,),
        "start": (str,),
        "where": (str, list),
        "filters": (str,),
        "mapping": (str,),
        "local_ivo": (str,),
        "role": (str,),
        "history": (str, int),
        "cutouts": (str,),
        "cutouts_url": (str,),
        "schemas": (str,),
        "follow": (bool,),
        "silent_after": (str,),
        "strict": (bool,),
        "dead_letters": (str,),
    },
    "journal": {
        "file": (str,),
        "retention": (str,),
        "max_size": (str,),
        "remember": (str,),
        "durability": (str,),
    },
    "broadcast": {
        "port": (int,),
        "interface": (str,),
        "newcomers": (str,),
        "durable_max_age": (str,),
        "window": (int,),
        "ack_timeout": (str,),
        "iamalive_interval": (str,),
        "drain": (str,),
        "test_interval": (str,),
        **ACCESS_KEYS,
    },
    "receive": {
        "port": (int,),
        "interface": (str,),
        "versions": (list,),
        "idle_timeout": (str,),
        "max_rate": (int,),
        **ACCESS_KEYS,
    },
    "upstream": {
        "host": (str,),
        "port": (int,),
        "filters": (list,),
        "since": (str,),
        "tls": (bool,),
        "tls_ca": (str,),
        "tls_certificate": (str,),
        "tls_key": (str,),
    },
    "http": {"port": (int,), "interface": (str,), **ACCESS_KEYS},
    "log": {"format": (str,), "level": (str,)},
}
"""Key in the file -> types that its value may have, by table."""

_TYPES = {str: "text in quotes", int: "a whole number", bool: "true or false", list: "a list of strings"}

REPEATED = frozenset(["upstream"])
"""Tables of which there may be many."""


def read_values(path: Path) -> dict[str, Any]:
    """Values of a configuration file by ``table.key``, paths in it relative to its folder.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a key or the type of a value is wrong; the message names it.
    """
    try:
        document = tomllib.loads(read_small_text(path))
    except OSError as error:
        raise ConfigError(f"The configuration {path} cannot be read ({error.strerror or error}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The configuration {path} is not TOML: {error}.") from None
    values: dict[str, Any] = {}
    for table, content in document.items():
        if table not in KEYS:
            raise ConfigError(f"{path}: there is no table [{table}].{_meant(table, KEYS)}")
        if table in REPEATED:
            if not isinstance(content, list) or not all(isinstance(each, dict) for each in content):
                raise ConfigError(f"{path}: there may be many of [{table}], so write [[{table}]].")
            for each in content:
                _check_table(path, table, each)
            values[table] = content
        elif isinstance(content, dict):
            _check_table(path, table, content)
            values.update({f"{table}.{key}": value for key, value in content.items()})
        else:
            raise ConfigError(
                f"{path}: there is no table [{table}], but something else of that name; write it once."
            )
    _relocate(values, path.parent)
    return values


def _check_table(path: Path, table: str, content: Mapping[str, Any]) -> None:
    keys = KEYS[table]
    for key, value in content.items():
        types = keys.get(key)
        if types is None:
            raise ConfigError(f"{path}: [{table}] has no key {key!r}.{_meant(key, keys)}")
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            wanted = " or ".join(_TYPES[each] for each in types)
            raise ConfigError(f"{path}: [{table}] {key} is {value!r}; it must be {wanted}.")
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            raise ConfigError(f"{path}: [{table}] {key} is {value!r}; it must be a list of strings.")


def _relocate(values: dict[str, Any], folder: Path) -> None:
    files = [f"{table}.{key}" for table in PORTS for key in ACCESS_KEYS if "tls" in key]
    for table in values.get("upstream", ()):
        table.update({key: str(folder / table[key]) for key in table if key.startswith("tls_")})
    for key in ("feed.from", "feed.filters", "feed.dead_letters", "journal.file", "feed.schemas", *files):
        value = values.get(key)
        if value and value != "-" and "://" not in value:
            values[key] = str(folder / value)
    settings = values.get("feed.kafka_config")
    if settings and (folder / settings).exists():
        # Otherwise it is the name of a preset.
        values["feed.kafka_config"] = str(folder / settings)
    mapping = values.get("feed.mapping")
    if mapping and mapping.endswith(".toml"):
        values["feed.mapping"] = str(folder / mapping)
    cutouts = values.get("feed.cutouts")
    if cutouts and cutouts not in ("omit", "embed") and "://" not in cutouts:
        values["feed.cutouts"] = str(folder / cutouts)


def _meant(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" Did you mean {near[0]!r}?" if near else f" Known: {', '.join(known)}."
