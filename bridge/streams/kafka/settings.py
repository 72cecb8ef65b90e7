"""Settings of the Kafka client: from a preset, a file and the environment; secrets stay in.

A secret is never shown: not in the representation of the settings, not in messages (`KafkaSettings.redact`),
and it has no place on the command line, where every process can read it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError
from bridge.small_files import read_small_text
from bridge.streams.kafka.presets import GROUP_PREFIX, PRESETS

__all__ = ["KafkaSettings", "load_settings"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(r"password|secret|\.pem$|jaas|oauthbearer\.config|\.key$|assertion")
_HIDDEN = "***"


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """librdkafka's settings by their names, and where they came from.

    Parameters
    ----------
    values
        Setting to value, with environment variables put in.
    origin
        File or preset, for messages.
    group_prefix
        What names of consumer groups must begin with.
    """

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    origin: str = "the defaults"
    group_prefix: str = ""

    def __repr__(self) -> str:
        shown = {k: _HIDDEN if _SECRET.search(k) else v for k, v in self.values.items()}
        return f"KafkaSettings({shown!r}, origin={self.origin!r})"

    def redact(self, text: str) -> str:
        """A text with every secret value in it made unreadable."""
        for key, value in self.values.items():
            if value and _SECRET.search(key):
                text = text.replace(value, _HIDDEN)
        return text

    def starting(self, start: str | None) -> KafkaSettings:
        """The same settings, with where a reader begins that knows no positions; None leaves it as it is."""
        if start is None:
            return self
        return replace(self, values={**self.values, "auto.offset.reset": start})

    def without(self, *keys: str) -> dict[str, str]:
        """The values of all other settings."""
        return {key: value for key, value in self.values.items() if key not in keys}


def load_settings(
    given: str | os.PathLike[str] | None, *, environ: Mapping[str, str] | None = None
) -> KafkaSettings:
    """Settings from a file or a preset.

    Parameters
    ----------
    given
        What ``--kafka-config`` says: a file (``.toml``, or lines ``key=value`` as librdkafka's examples have
        them), the name of a preset, or None. A file may begin from a preset: ``preset = "gcn"``.
    environ
        Environment variables; those of the process by default.

    Raises
    ------
    ConfigError
        If the file cannot be read or is malformed, or a variable that it names is not set.
    """
    if given is None:
        return KafkaSettings()
    text = os.fspath(given)
    if text in PRESETS and not Path(text).exists():
        raw, origin = dict(PRESETS[text]), f"the preset {text}"
    else:
        raw, origin = _read(Path(text)), text
        preset = raw.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise ConfigError(f"{text} names the preset {preset!r}; there are {', '.join(PRESETS)}.")
            raw = {**PRESETS[preset], **raw}
    variables = os.environ if environ is None else environ
    values = {key: _expanded(key, raw[key], variables, origin) for key in raw}
    prefix = values.pop(GROUP_PREFIX, "")
    return KafkaSettings(values, origin, prefix)


def _read(path: Path) -> dict[str, str]:
    try:
        text = read_small_text(path)
    except FileNotFoundError:
        near = difflib.get_close_matches(str(path), PRESETS, n=1)
        meant = f" Did you mean the preset {near[0]!r}?" if near else f" Presets: {', '.join(PRESETS)}."
        raise ConfigError(f"The Kafka configuration {path} does not exist.{meant}") from None
    except OSError as error:
        raise ConfigError(f"The Kafka configuration {path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise ConfigError(f"The Kafka configuration {path} is not text in UTF-8.") from None
    if path.suffix == ".toml":
        try:
            return _flat(tomllib.loads(text), path)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(f"The Kafka configuration {path} is not TOML: {error}.") from None
    return _properties(text, path)


def _flat(table: Mapping[str, Any], path: Path, prefix: str = "") -> dict[str, str]:
    """Dotted names of nested tables: TOML reads ``sasl.username = "x"`` as a table in a table."""
    values: dict[str, str] = {}
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            values |= _flat(value, path, f"{name}.")
        elif isinstance(value, bool):
            values[name] = str(value).lower()
        elif isinstance(value, str | int | float):
            values[name] = str(value)
        elif isinstance(value, list) and all(isinstance(part, str) for part in value):
            values[name] = ",".join(value)
        else:
            raise ConfigError(f"{path}: the value of {name} must be a text, a number, or true or false.")
    return values


def _properties(text: str, path: Path) -> dict[str, str]:
    values: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", ";", "!")):
            continue
        key, found, value = line.partition("=")
        if not found or not key.strip():
            # The line itself is not shown: it may hold a password.
            raise ConfigError(f"{path}, line {number}: it must be written key=value.")
        values[key.strip()] = value.strip()
    return values


def _expanded(key: str, value: str, variables: Mapping[str, str], origin: str) -> str:
    def look_up(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        if not found:
            raise ConfigError(
                f"The environment variable {match[1]} is not set, and {origin} takes {key} from it."
            )
        return found

    return _VARIABLE.sub(look_up, value)
