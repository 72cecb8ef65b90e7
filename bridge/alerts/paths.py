"""The text of a path: names with dots between them, keys in brackets: ``What.Param['flux'].value``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bridge.errors import SchemaError

__all__ = ["Key", "join_path", "split_path"]

_STEP = re.compile(r"\.?(?P<name>[^.\[\]']+)|\['(?P<key>(?:[^']|'')*)'\]")


class Key(str):
    """A step that picks one entry: of an array the first record of that name, of a map the value."""

    __slots__ = ()


def split_path(path: str) -> tuple[str, ...]:
    """The steps of a path: names, and `Key` for what stands in brackets.

    Raises
    ------
    SchemaError
        If brackets or quotes do not match.
    """
    if "[" not in path and "]" not in path:
        return tuple(path.split("."))
    steps: list[str] = []
    at = 0
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise SchemaError(f"Path {path!r} cannot be read; a key is written ['name'].")
        key = found["key"]
        steps.append(found["name"] if key is None else Key(key.replace("''", "'")))
        at = found.end()
    return tuple(steps)


def join_path(steps: Sequence[str]) -> str:
    """The text of a path, as `split_path` reads it."""
    text = ""
    for step in steps:
        if isinstance(step, Key):
            quoted = step.replace("'", "''")
            text += f"['{quoted}']"
        else:
            text += f".{step}" if text else step
    return text
