"""Files of named filters: TOML with one [[filter]] table for each."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from bridge.errors import ConfigError, UsageError
from bridge.filters.filter import AnyFilter, FilterSet, parse_filter

__all__ = ["load_filters"]

KEYS = frozenset({"name", "where", "description"})
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def load_filters(path: str | Path) -> FilterSet:
    """Read a file of filters.

    Parameters
    ----------
    path
        A TOML file of tables ``[[filter]]`` with ``name``, ``where`` (SQL or ``python:module:function``) and
        optionally ``description``.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a table is not a filter.
    ExpressionError
        If a condition is not a filter.
    """
    path = Path(path)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"The filter file {path} cannot be read: {error.strerror or error}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"The filter file {path} is not TOML: {error}.") from None
    tables = document.get("filter")
    if not isinstance(tables, list) or not tables or set(document) != {"filter"}:
        raise ConfigError(f"The filter file {path} must hold [[filter]] tables, and nothing else.")
    filters: dict[str, AnyFilter] = {}
    for number, table in enumerate(tables, 1):
        name, where = _read_table(path, number, table)
        if name in filters:
            raise ConfigError(f"The filter file {path} has two filters with the name {name!r}.")
        try:
            filters[name] = parse_filter(where, name)
        except UsageError as error:
            raise type(error)(f"{error} (In {path}.)") from None
    return FilterSet(list(filters.values()))


def _read_table(path: Path, number: int, table: Any) -> tuple[str, str]:
    where = f"Filter {number} in {path}"
    if not isinstance(table, dict):
        raise ConfigError(f"{where} is not a table: write [[filter]] above its name and where.")
    unknown = sorted(set(table) - KEYS)
    if unknown:
        raise ConfigError(
            f"{where} has an unknown key {unknown[0]!r}; the keys are name, where, description."
        )
    for key in ("name", "where"):
        if not isinstance(table.get(key), str):
            raise ConfigError(f"{where} needs a {key} that is a string.")
    if not NAME.fullmatch(table["name"]):
        raise ConfigError(
            f"{where} has the name {table['name']!r}; a name has up to 100 letters, digits, '.', '_' and '-'."
        )
    return table["name"], table["where"]
