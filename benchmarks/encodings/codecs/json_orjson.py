"""JSON by orjson: bytes in base64, and "NaN" or "Infinity" as strings, because JSON has no such numbers."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson

from benchmarks.encodings.codecs.base import Codec, Pair, Record
from benchmarks.encodings.codecs.texts import NumberStyle
from bridge.alerts.schema import Node, Schema

__all__ = ["CODECS"]

Change = Callable[[Any], Any]


def lines(key: str, name: str, style: NumberStyle) -> Codec:
    """One JSON object a record, several in lines; 32-bit floats in their shortest text or as doubles."""

    def compile_pair(schema: Schema) -> Pair:
        prepare = _changer(schema.root, _ready(style)) or _as_it_is
        restore = _changer(schema.root, _RESTORED) or _as_it_is

        def encode(records: Sequence[Record]) -> bytes:
            option = orjson.OPT_SERIALIZE_NUMPY
            return b"\n".join([orjson.dumps(prepare(record), option=option) for record in records])

        def decode(data: bytes) -> list[Record]:
            return [restore(orjson.loads(line)) for line in data.split(b"\n")]

        return Pair(encode, decode)

    return Codec(key, name, "JSON", "orjson", compile_pair, batches=True)


def _as_it_is(value: Any) -> Any:
    return value


def _ready(style: NumberStyle) -> dict[str, Change]:
    def double(value: float) -> Any:
        return value if value - value == 0 else str(value)

    def single(value: float) -> Any:
        return np.float32(value) if value - value == 0 else str(value)

    def text(value: bytes) -> str:
        return base64.b64encode(value).decode("ascii")

    return {"double": double, "float": single if style == "short" else double, "bytes": text}


_RESTORED: dict[str, Change] = {"double": float, "float": float, "bytes": base64.b64decode}


def _changer(node: Node, changes: dict[str, Change], above: frozenset[int] = frozenset()) -> Change | None:
    """What makes a changed copy of a value; None where nothing of its type changes."""
    if id(node) in above:
        # A type inside itself (the tree of a VOEvent, which holds strings alone) adds nothing that changes.
        return None
    above |= {id(node)}
    node, _ = node.without_null()
    if node.kind == "record":
        fields = {name: _changer(inner, changes, above) for name, (inner, _) in node.fields.items()}
        changing = [(name, change) for name, change in fields.items() if change is not None]
        if not changing:
            return None

        def of_record(value: Record) -> Record:
            changed = dict(value)
            for name, change in changing:
                item = changed[name]
                if item is not None:
                    changed[name] = change(item)
            return changed

        return of_record
    if node.kind in ("array", "map"):
        inner = _changer(node.element, changes, above)
        if inner is None:
            return None
        if node.kind == "array":
            return lambda value: [None if item is None else inner(item) for item in value]
        return lambda value: {k: None if item is None else inner(item) for k, item in value.items()}
    return changes.get(node.kind)


CODECS = (
    lines("json", "JSON", "short"),
    lines("json-long", "JSON, numbers unrounded", "long"),
)
