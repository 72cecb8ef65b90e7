"""One TOML table being read: typed access to its keys, and complaints that say where and what was meant.

Kept apart from `load`, which knows what a mapping file has; this knows only how people mistype.
"""

from __future__ import annotations

import difflib
from typing import Any, TypeVar

from bridge.errors import MappingError
from bridge.mapping.content import Paths

__all__ = ["Section"]

T = TypeVar("T")


class Section:
    """One TOML table being read: keys are taken out, and what is left at the end is unknown."""

    def __init__(self, where: str, data: Any) -> None:
        if not isinstance(data, dict):
            raise MappingError(f"{where} must be a table of keys and values, not {data!r}.")
        self.where = where
        self.left = dict(data)
        self.known: list[str] = []

    def take(self, key: str, kind: type[T], default: T | None = None, *, needed: bool = False) -> T:
        """The value of a key, checked for its type."""
        self.known.append(key)
        if key not in self.left:
            if needed:
                hint = self._meant(key)
                raise MappingError(f"{self.where} has no {key!r}, which it needs.{hint}")
            return default if default is not None else kind()
        value = self.left.pop(key)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise MappingError(f"{self.where}, {key!r}: a {kind.__name__} is wanted, not {value!r}.")
        return value

    def choice(self, key: str, options: tuple[str, ...], default: str = "") -> str:
        """The value of a key that must be one of a closed set."""
        value = self.take(key, str, default)
        if value not in options and value != default:
            near = difflib.get_close_matches(value, options, n=1, cutoff=0.4)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise MappingError(f"{self.where}, {key!r}: {value!r} is none of {', '.join(options)}.{hint}")
        return value

    def paths(self, key: str, default: Paths = (), *, needed: bool = False) -> Paths:
        """One path or a list of alternatives."""
        self.known.append(key)
        if key not in self.left:
            if needed:
                raise MappingError(f"{self.where} has no {key!r}, which it needs.{self._meant(key)}")
            return default
        value = self.left.pop(key)
        if isinstance(value, str):
            return (value,)
        if isinstance(value, list) and value and all(isinstance(path, str) for path in value):
            return tuple(value)
        raise MappingError(f"{self.where}, {key!r}: a path or a list of paths is wanted, not {value!r}.")

    def section(self, key: str) -> Section:
        """A table inside this one (empty where it is missing)."""
        self.known.append(key)
        return Section(f"{self.where}, [{key}]" if self.where else f"[{key}]", self.left.pop(key, {}))

    def sections(self, key: str) -> list[Section]:
        """An array of tables."""
        self.known.append(key)
        value = self.left.pop(key, [])
        if not isinstance(value, list):
            raise MappingError(f"{self.where}: {key!r} must be a list of tables ([[{key}]]).")
        out = []
        for index, item in enumerate(value, 1):
            name = item.get("name", "") if isinstance(item, dict) else ""
            out.append(Section(f"{self.where}, {key} {name or index!r}", item))
        return out

    def finish(self) -> None:
        """Complain about keys that nobody took."""
        for key in self.left:
            near = difflib.get_close_matches(key, self.known, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else f" Known here: {', '.join(sorted(self.known))}."
            raise MappingError(f"{self.where}: {key!r} is not a key that a mapping file has.{hint}")

    def _meant(self, key: str) -> str:
        near = difflib.get_close_matches(key, self.left, n=1, cutoff=0.6)
        return f" (It has {near[0]!r}.)" if near else ""
