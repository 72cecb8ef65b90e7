"""Values as text for the XML encodings, and back: numbers that read back as the same number, base64.

32-bit floats come in two styles. "long" is what Python prints of the double that fastavro gives
(18.47200012207031); "short" is the shortest text that is the same 32-bit number (18.472), rendered for a
whole record at once by orjson. A parser is made for each type of a schema once, and not per value.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import orjson

from bridge.alerts.schema import Node

__all__ = ["NumberStyle", "SingleFloats", "parser_of", "text_of"]

NumberStyle = Literal["short", "long"]
# As XML Schema spells them.
_SPECIAL = {"nan": "NaN", "inf": "INF", "-inf": "-INF"}


class SingleFloats:
    """The 32-bit floats of one record, collected in the order of its schema and rendered in one go."""

    def __init__(self, node: Node) -> None:
        self._collect = _collector(node)
        self._texts: Iterator[str] = iter(())

    def render(self, record: Any) -> None:
        """Make the texts of a record ready."""
        values: list[float] = []
        if self._collect is not None:
            self._collect(record, values.append)
        self._texts = iter(_shortest(values))

    def next(self, _value: float) -> str:
        """Text of the next one."""
        return next(self._texts)


def text_of(node: Node, style: NumberStyle, singles: SingleFloats) -> Callable[[Any], str]:
    """What makes text of a value of a scalar type."""
    if node.kind == "float" and style == "short":
        return singles.next
    if node.kind in ("float", "double"):
        return _number
    others: dict[str, Callable[[Any], str]] = {"boolean": _boolean, "bytes": _base64}
    return others.get(node.kind, str)


def parser_of(node: Node) -> Callable[[str], Any]:
    """What makes a value of a scalar type from its text."""
    parsers: dict[str, Callable[[str], Any]] = {
        "float": float,
        "double": float,
        "int": int,
        "long": int,
        "boolean": "true".__eq__,
        "bytes": base64.b64decode,
    }
    return parsers.get(node.kind, str)


def _number(value: float) -> str:
    text = repr(value)
    return _SPECIAL.get(text, text)


def _boolean(value: bool) -> str:
    return "true" if value else "false"


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _shortest(values: list[float]) -> list[str]:
    if not values:
        return []
    array = np.array(values, dtype=np.float32)
    texts = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode().split(",")
    for index in np.flatnonzero(~np.isfinite(array)):
        texts[index] = _number(values[index])
    return texts


_Add = Callable[[float], None]


def _collector(node: Node) -> Callable[[Any, _Add], None] | None:
    """What finds the 32-bit floats of a value, or None where its type has none."""
    node, _ = node.without_null()
    if node.kind == "float":
        return lambda value, add: add(value)
    if node.kind == "record":
        found = [(name, _collector(inner)) for name, (inner, _) in node.fields.items()]
        fields = [(name, collect) for name, collect in found if collect is not None]

        def of_record(value: Any, add: _Add) -> None:
            for name, collect in fields:
                item = value[name]
                if item is not None:
                    collect(item, add)

        return of_record if fields else None
    if node.kind in ("array", "map"):
        inner = _collector(node.element)
        if inner is None:
            return None
        is_map = node.kind == "map"

        def of_items(value: Any, add: _Add) -> None:
            for item in value.values() if is_map else value:
                if item is not None:
                    inner(item, add)

        return of_items
    return None
