"""Files of named filters: TOML with one [[filter]] table for each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError, UsageError
from bridge.filters.cap_keys import DEFAULT_WAIT_S, Cap
from bridge.filters.filter import AnyFilter, FilterSet, parse_filter
from bridge.filters.value import OrderBy, Value
from bridge.small_files import read_small_text

__all__ = ["load_filters"]

CAP_KEYS = ("cap", "order_by", "visit", "wait")
KEYS = ("name", "where", "description", *CAP_KEYS)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def load_filters(path: str | Path) -> FilterSet:
    """Read a file of filters.

    Parameters
    ----------
    path
        A TOML file of tables ``[[filter]]`` with ``name``, ``where`` (SQL or ``python:module:function``) and
        optionally ``description``; for at most so many alerts per visit ``cap``, and with it ``order_by``,
        ``visit`` and ``wait`` (seconds).

    Raises
    ------
    ConfigError
        If the file cannot be read, or a table is not a filter.
    ExpressionError
        If a condition is not a filter, or an order or a visit no expression.
    """
    path = Path(path)
    try:
        document = tomllib.loads(read_small_text(path))
    except OSError as error:
        raise ConfigError(f"The filter file {path} cannot be read ({error.strerror or error}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The filter file {path} is not TOML: {error}.") from None
    tables = document.get("filter")
    if not isinstance(tables, list) or not tables or set(document) != {"filter"}:
        raise ConfigError(f"The filter file {path} must hold [[filter]] tables, and nothing else.")
    filters: dict[str, AnyFilter] = {}
    caps: list[Cap | None] = []
    for number, table in enumerate(tables, 1):
        name, where = _read_table(path, number, table)
        if name in filters:
            raise ConfigError(f"The filter file {path} has two filters with the name {name!r}.")
        try:
            filters[name] = parse_filter(where, name)
            caps.append(_read_cap(f"Filter {name!r} in {path}", table))
        except UsageError as error:
            raise type(error)(f"{error} (In {path}.)") from None
    return FilterSet(list(filters.values()), caps)


def _read_table(path: Path, number: int, table: Any) -> tuple[str, str]:
    where = f"Filter {number} in {path}"
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is not a table: write [[filter]] above its name and where.")
    unknown = sorted(set(table) - set(KEYS))
    if unknown:
        raise ConfigError(f"{where} has an unknown key {unknown[0]!r}; the keys are {', '.join(KEYS)}.")
    for key in ("name", "where"):
        if not isinstance(table.get(key), str):
            raise ConfigError(f"{where} needs a {key} that is a string.")
    if not NAME.fullmatch(table["name"]):
        raise ConfigError(
            f"{where} has the name {table['name']!r}; a name has up to 100 letters, digits, '.', '_' and '-'."
        )
    return table["name"], table["where"]


def _read_cap(where: str, table: dict[str, Any]) -> Cap | None:
    most, wait_s = table.get("cap"), table.get("wait", DEFAULT_WAIT_S)
    if most is None:
        astray = [key for key in CAP_KEYS if key in table]
        if astray:
            raise ConfigError(f"{where} has {astray[0]!r}, which needs a cap: write cap = 20, for instance.")
        return None
    if type(most) is not int or most < 1:
        raise ConfigError(f"{where} has the cap {most!r}; a cap is a whole number from 1 up.")
    if type(wait_s) not in (int, float) or not 0 < wait_s < 1e6:
        raise ConfigError(f"{where} has the wait {wait_s!r}; it is a number of seconds above 0.")
    for key in ("order_by", "visit"):
        if key in table and not isinstance(table[key], str):
            raise ConfigError(f"{where} needs {key} to be a string.")
    order, visit = table.get("order_by"), table.get("visit")
    return Cap(
        most,
        OrderBy.parse(order, f"{where}, order_by") if order is not None else None,
        Value(visit, f"{where}, visit") if visit is not None else None,
        float(wait_s),
    )
