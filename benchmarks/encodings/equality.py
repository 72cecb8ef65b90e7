"""Whether two records hold the same values, told by the type that the schema gives them.

No number is printed for an encoding before what it decodes to has passed this.
"""

from __future__ import annotations

import math
import struct
from typing import Any

from bridge.alerts.schema import Node

__all__ = ["difference"]

_FLOAT = struct.Struct("<f")


def difference(node: Node, ours: Any, theirs: Any, path: str = "") -> str | None:
    """The first place where two values differ, in words; None if there is none.

    Parameters
    ----------
    node
        The type. A ``float`` is compared as 32 bits: its shortest text and its value as a double are the
        same number. NaN equals NaN, and zero its negative only if both have the same sign.
    ours, theirs
        The value that was encoded, and the one that was decoded.
    path
        Where they are, for the message.
    """
    node, nullable = node.without_null()
    if ours is None or theirs is None:
        same = ours is None and theirs is None and (nullable or node.kind == "null")
        return None if same else _said(path, ours, theirs)
    if node.kind == "record":
        return _records(node, ours, theirs, path)
    if node.kind == "array":
        if not isinstance(theirs, list) or len(ours) != len(theirs):
            return _said(path, ours, theirs)
        pairs = enumerate(zip(ours, theirs, strict=True))
        places = (difference(node.element, a, b, f"{path}[{n}]") for n, (a, b) in pairs)
        return next((place for place in places if place), None)
    if node.kind == "map":
        if not isinstance(theirs, dict) or ours.keys() != theirs.keys():
            return _said(path, ours, theirs)
        places = (difference(node.element, ours[key], theirs[key], f"{path}[{key!r}]") for key in ours)
        return next((place for place in places if place), None)
    return None if _same(node.kind, ours, theirs) else _said(path, ours, theirs)


def _records(node: Node, ours: Any, theirs: Any, path: str) -> str | None:
    if not isinstance(theirs, dict) or node.fields.keys() != theirs.keys():
        names = set(node.fields) ^ set(theirs) if isinstance(theirs, dict) else set(node.fields)
        return f"{path or 'the record'} differs in its fields ({', '.join(sorted(names)[:3])})"
    for name, (inner, _) in node.fields.items():
        found = difference(inner, ours[name], theirs[name], f"{path}.{name}" if path else name)
        if found:
            return found
    return None


def _same(kind: str, ours: Any, theirs: Any) -> bool:
    if kind in ("float", "double"):
        if isinstance(theirs, bool) or not isinstance(theirs, (int, float)):
            return False
        if math.isnan(ours) or math.isnan(theirs):
            return math.isnan(ours) and math.isnan(theirs)
        if kind == "float":
            ours, theirs = _single(ours), _single(theirs)
        return ours == theirs and math.copysign(1, ours) == math.copysign(1, theirs)
    return type(ours) is type(theirs) and bool(ours == theirs)


def _single(value: float) -> float:
    try:
        return float(_FLOAT.unpack(_FLOAT.pack(value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _said(path: str, ours: Any, theirs: Any) -> str:
    return f"{path or 'the record'} was {_short(ours)} and came back as {_short(theirs)}"


def _short(value: Any) -> str:
    if isinstance(value, (list, dict)):
        return f"{len(value)} {'items' if isinstance(value, list) else 'fields'}"
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
