"""Durations and sizes as people write them in a configuration: ``12h``, ``50GB``."""

from __future__ import annotations

import re

from bridge.errors import ConfigError

__all__ = ["parse_duration", "parse_size"]

_LONGEST_S = 36_525 * 86_400.0

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*([smhd])")

_UNITS_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(kB|MB|GB|TB)")


def parse_duration(text: str, what: str) -> float:
    """Seconds in a text such as ``90s``, ``15m``, ``12h`` or ``7d``.

    Raises
    ------
    ConfigError
        If it is no duration; `what` names the setting.
    """
    match = _DURATION.fullmatch(text.strip())
    if not match:
        raise ConfigError(f"{what} is {text!r}; give a number with a unit: 90s, 15m, 12h or 7d.")
    seconds = float(match[1]) * _UNITS_S[match[2]]
    if seconds > _LONGEST_S:
        raise ConfigError(f"{what} is {text!r}, more than a hundred years; give 36525d at most.")
    return seconds


def parse_size(text: str, what: str) -> int:
    """Bytes in a text such as ``500MB`` or ``50GB``, in powers of ten.

    Raises
    ------
    ConfigError
        If it is no size; `what` names the setting.
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ConfigError(f"{what} is {text!r}; give a number with a unit: 500MB, 50GB or 2TB.")
    return round(float(match[1]) * _UNITS_BYTES[match[2]])
