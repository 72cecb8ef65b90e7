"""Random Avro: schemas, values, and an encoder of our own that lays blocks out in every legal way.

fastavro writes each array as one block without its size; the standard allows any division into blocks,
with or without sizes in bytes, and surveys' writers may use it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from itertools import count
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from bridge.alerts.schema import Node, Schema, parse_schema

PRIMITIVES = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


@dataclass(frozen=True)
class Case:
    """A schema, a value that fits it, and the value's bytes."""

    schema: Schema
    datum: bytes


def zigzag(n: int) -> bytes:
    n = (n << 1) ^ (n >> 63)
    n &= (1 << 64) - 1
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def types(depth: int = 3) -> st.SearchStrategy[Any]:
    """Types as nested JSON without names; `name_types` gives them names."""
    leaf = st.one_of(
        st.sampled_from(PRIMITIVES[1:]),
        st.sampled_from(PRIMITIVES[1:]).map(lambda t: ["null", t]),
        st.sampled_from(PRIMITIVES[1:]).map(lambda t: [t, "null"]),
        st.just("null"),
        st.integers(1, 5).map(lambda n: {"type": "enum", "symbols": [f"S{i}" for i in range(n)]}),
        st.integers(1, 9).map(lambda n: {"type": "fixed", "size": n}),
        st.just({"type": "long", "logicalType": "timestamp-micros"}),
        st.just(["null", "int", "string"]),
    )
    if depth == 0:
        return leaf
    inner = types(depth - 1)
    return st.one_of(
        leaf,
        leaf,
        records(inner),
        inner.map(lambda t: {"type": "array", "items": t}),
        records(leaf).map(lambda t: {"type": "array", "items": t}),
        records(leaf).map(lambda t: ["null", {"type": "array", "items": t}]),
        records(inner).map(lambda t: [t, "null"]),
        inner.map(lambda t: {"type": "map", "values": t}),
    )


def records(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, min_size=1, max_size=6).map(
        lambda fields: {
            "type": "record",
            "fields": [{"name": f"f{i}", "type": t} for i, t in enumerate(fields)],
        }
    )


def name_types(shape: Any, serial: Any = None) -> Any:
    serial = count() if serial is None else serial
    if isinstance(shape, list):
        return [name_types(branch, serial) for branch in shape]
    if isinstance(shape, str):
        return shape
    named = dict(shape)
    if named["type"] in ("record", "enum", "fixed"):
        named["name"] = f"T{next(serial)}"
    if named["type"] == "record":
        named["fields"] = [{**field, "type": name_types(field["type"], serial)} for field in named["fields"]]
    for key in ("items", "values"):
        if key in named:
            named[key] = name_types(named[key], serial)
    return named


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A random record schema with the bytes of a random value, in a random block layout."""
    schema = parse_schema(name_types(draw(records(types()))))
    # fastavro believes any count of elements that take no bytes, and fills the memory with them.
    assume(not schema.has_weightless_arrays)
    return Case(schema, encode(draw, schema.root))


def encode(draw: st.DrawFn, node: Node) -> bytes:
    """Draw a value of a type and give its bytes."""
    match node.kind:
        case "null":
            return b""
        case "boolean":
            return draw(st.sampled_from([b"\0", b"\1"]))
        case "int":
            return zigzag(draw(st.integers(-(2**31), 2**31 - 1)))
        case "long" if node.logical:
            return zigzag(draw(st.integers(0, 2**51)))
        case "long":
            return zigzag(draw(st.integers(-(2**63), 2**63 - 1)))
        case "float":
            return struct.pack("<f", draw(st.floats(width=32)))
        case "double":
            return struct.pack("<d", draw(st.floats()))
        case "bytes":
            return _sized(draw(st.binary(max_size=9)))
        case "string":
            long_tail = draw(st.sampled_from([0, 0, 0, 0, 60, 130, 300]))
            return _sized(draw(st.text(max_size=9)).encode() + b"x" * long_tail)
        case "fixed":
            return draw(st.binary(min_size=node.size, max_size=node.size))
        case "enum":
            return zigzag(draw(st.integers(0, len(node.symbols) - 1)))
        case "record":
            return b"".join(encode(draw, inner) for inner, _ in node.fields.values())
        case "union":
            branch = draw(st.integers(0, len(node.branches) - 1))
            return zigzag(branch) + encode(draw, node.branches[branch])
        case "array":
            return _blocks(draw, lambda: encode(draw, node.element))
        case "map":
            return _blocks(
                draw, lambda: _sized(draw(st.text(max_size=4)).encode()) + encode(draw, node.element)
            )
    raise AssertionError(node.kind)


def _sized(content: bytes) -> bytes:
    return zigzag(len(content)) + content


def _blocks(draw: st.DrawFn, element: Any) -> bytes:
    out = b""
    for _ in range(draw(st.integers(0, 2))):
        repeat = draw(st.sampled_from([1, 1, 1, 9]))
        elements = [element() for _ in range(draw(st.integers(1, 3)))] * repeat
        body = b"".join(elements)
        if draw(st.booleans()):
            out += zigzag(-len(elements)) + zigzag(len(body)) + body
        else:
            out += zigzag(len(elements)) + body
    return out + b"\0"
