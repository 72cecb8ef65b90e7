"""Paths into documents: the path grammar of alerts, for JSON objects that have no schema.

Dotted names; crossing an array gives a list; ``name[0]`` is one element of an array, ``name[-1]`` the last.
What is not there is None, because one kind of notice may have a hundred optional fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

__all__ = ["first_value", "has_value", "plain_path", "value_at"]

Step = str | int

_STEP = re.compile(r"([^\[\]]+)((?:\[-?\d{1,6}\])*)\Z", re.ASCII)


@lru_cache(maxsize=4096)
def _steps(path: str) -> tuple[Step, ...]:
    steps: list[Step] = []
    for part in path.split("."):
        match = _STEP.match(part)
        if match is None:
            # An odd name is a name all the same.
            steps.append(part)
            continue
        steps.append(match[1])
        steps += [int(index) for index in re.findall(r"-?\d+", match[2])]
    return tuple(steps)


def value_at(document: Any, path: str) -> Any:
    """The value at a path, a list of values where an array is crossed; None where there is none."""
    return _follow(document, _steps(path))


def _follow(value: Any, steps: tuple[Step, ...]) -> Any:
    for depth, step in enumerate(steps):
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        elif isinstance(value, list):
            return [_follow(element, steps[depth:]) for element in value]
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
    return value


def first_value(document: Any, paths: Iterable[str]) -> tuple[Any, str]:
    """The first value that is there, and its path; None and an empty path if there is none."""
    for path in paths:
        value = value_at(document, path)
        if value is not None:
            return value, path
    return None, ""


def has_value(document: Any, path: str) -> bool:
    """Whether something, null included, stands at a path."""
    steps = _steps(path)
    above = _follow(document, steps[:-1])
    last = steps[-1]
    if isinstance(last, int):
        return isinstance(above, list) and -len(above) <= last < len(above)
    return isinstance(above, dict) and last in above


def plain_path(path: str) -> str:
    """A path without indices: where it leads in any document."""
    return ".".join(step for step in _steps(path) if isinstance(step, str))
