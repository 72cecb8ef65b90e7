"""Records to datums: the way back, for whoever makes alerts.

A writer schema is compiled into a function that appends the bytes of one field after the other; it takes
values of exactly the types that fastavro decodes to. Whatever else a record holds (a NumPy number, a
`datetime`, a field left out that has a default, a union of several types) is written by fastavro, which gives
the same bytes or says what is wrong: the encoder is right if and only if it agrees with fastavro.
"""

from __future__ import annotations

import io
import linecache
import struct
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import count
from typing import Any

import fastavro

from bridge.alerts.ocf_header import write_long
from bridge.alerts.schema import Node, Schema
from bridge.errors import PacketError

__all__ = ["Encoder", "compile_encoder"]

Encoder = Callable[[Mapping[str, Any]], bytes]

_serial = count(1)

# What generated code meets in values that are not exactly of the schema's types.
_UNFIT = (TypeError, KeyError, ValueError, OverflowError, struct.error)

# How a value of each type is appended, `v` being the value.
_SCALARS = {
    "boolean": "yes[v] if v.__class__ is bool else unfit(v)",
    "int": "int_(v)",
    "long": "long(v)",
    "float": "float_(v if v.__class__ is float else real(v))",
    "double": "double(v if v.__class__ is float else real(v))",
    "bytes": "sized(v if v.__class__ is bytes else unfit(v))",
    "string": "sized(v.encode() if v.__class__ is str else unfit(v))",
}


@lru_cache(maxsize=128)
def compile_encoder(schema: Schema) -> Encoder:
    """A function that gives the datum of a record, as fastavro would write it.

    Parameters
    ----------
    schema
        The writer schema.

    Returns
    -------
    Encoder
        Takes a record (a dict, as fastavro decodes it) and gives the bytes of its datum, without any framing;
        raises `PacketError` if the record does not fit the schema.
    """
    write = _Generator(f"encoder of {schema.name}").function(schema.root)
    parsed, name = schema.parsed, schema.name

    def encode(record: Mapping[str, Any]) -> bytes:
        parts: list[bytes] = []
        try:
            write(record, parts.append)
        except _UNFIT:
            return _written(parsed, name, record)
        return b"".join(parts)

    return encode


def _written(parsed: Any, name: str, record: Any) -> bytes:
    buffer = io.BytesIO()
    try:
        fastavro.schemaless_writer(buffer, parsed, record)
    except Exception as error:
        raise PacketError(f"the record does not fit schema {name} ({error})") from None
    return buffer.getvalue()


class _Generator:
    """Writes a function for each record of a schema, so that recursive ones work, too."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._names: dict[str, Any] = dict(_HELPERS)
        self._made: dict[int, str] = {}

    def function(self, node: Node) -> Callable[[Any, Callable[[bytes], None]], None]:
        made: Callable[[Any, Callable[[bytes], None]], None] = self._names[self._name_of(node)]
        return made

    def _name_of(self, node: Node) -> str:
        name = self._made.get(id(node))
        if name is not None:
            return name
        name = self._made[id(node)] = f"write{len(self._made)}"
        lines = [f"def {name}(v, a):", *_indented(self._body(node, 0))]
        source = "\n".join([*lines, ""])
        file = f"<{self._title}, {next(_serial)}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self._names)
        return name

    def _body(self, node: Node, depth: int) -> list[str]:
        """Lines that append a value of a type; the value is in `v`."""
        match node.kind:
            case "null":
                return ["if v is not None: unfit(v)"]
            case "fixed":
                return [f"a(v if v.__class__ is bytes and len(v) == {node.size} else unfit(v))"]
            case "enum":
                table = self._constant({symbol: write_long(n) for n, symbol in enumerate(node.symbols)})
                return [f"a({table}[v])"]
            case "record":
                return self._record(node, depth)
            case "array" | "map":
                return self._collection(node, depth)
            case "union":
                return self._union(node, depth)
        return [f"a({_SCALARS[node.kind]})"]

    def _inner(self, node: Node, depth: int) -> list[str]:
        if node.kind == "record":
            return [f"{self._name_of(node)}(v, a)"]
        return self._body(node, depth)

    def _record(self, node: Node, depth: int) -> list[str]:
        record = f"r{depth}"
        lines = [f"{record} = v if v.__class__ is dict else unfit(v)"]
        for name, (inner, _) in node.fields.items():
            lines += [f"v = {record}[{name!r}]", *self._inner(inner, depth + 1)]
        return lines

    def _collection(self, node: Node, depth: int) -> list[str]:
        kind, loop = (
            ("list", "for v in c{0}:") if node.kind == "array" else ("dict", "for k{0}, v in c{0}.items():")
        )
        inner = self._inner(node.element, depth + 1)
        if node.kind == "map":
            inner = [f"a(sized(k{depth}.encode() if k{depth}.__class__ is str else unfit(v)))", *inner]
        return [
            f"c{depth} = v if v.__class__ is {kind} else unfit(v)",
            f"if c{depth}:",
            f"    a(long(len(c{depth})))",
            *_indented([loop.format(depth), *_indented(inner)]),
            'a(b"\\0")',
        ]

    def _union(self, node: Node, depth: int) -> list[str]:
        kinds = [branch.kind for branch in node.branches]
        if len(kinds) != 2 or kinds.count("null") != 1:
            # Which of several types a value is, is fastavro's to say.
            return ["unfit(v)"]
        null = kinds.index("null")
        other = node.branches[1 - null]
        mark = repr(write_long(1 - null))
        if other.kind in _SCALARS:
            inner = [f"a({mark} + ({_SCALARS[other.kind]}))"]
        else:
            # A dict may say by a key of this name which type it is.
            hint = ['if "-type" in v: unfit(v)'] if other.kind in ("record", "map") else []
            inner = [f"a({mark})", *hint, *self._inner(other, depth)]
        return [f"if v is None: a({write_long(null)!r})", "else:", *_indented(inner)]

    def _constant(self, value: Any) -> str:
        name = f"constant{len(self._names)}"
        self._names[name] = value
        return name


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _unfit(value: Any) -> Any:
    raise TypeError(type(value))


def _real(value: Any) -> int:
    if value.__class__ is not int:
        raise TypeError(type(value))
    return value


# Identifiers of fields, filters and nights come again and again. Typed: 1.0 and True equal 1.
@lru_cache(maxsize=1 << 14, typed=True)
def _long(value: Any) -> bytes:
    if value.__class__ is not int or not -1 << 63 <= value < 1 << 63:
        raise TypeError(type(value))
    return write_long(value)


@lru_cache(maxsize=1 << 14, typed=True)
def _int(value: Any) -> bytes:
    if value.__class__ is not int or not -1 << 31 <= value < 1 << 31:
        raise TypeError(type(value))
    return write_long(value)


def _sized(content: bytes) -> bytes:
    return _long(len(content)) + content


_HELPERS = {
    "double": struct.Struct("<d").pack,
    "float_": struct.Struct("<f").pack,
    "int_": _int,
    "long": _long,
    "real": _real,
    "sized": _sized,
    "unfit": _unfit,
    "yes": (b"\0", b"\1"),
}
