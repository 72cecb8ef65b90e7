"""A schema compiled into two Python functions, record to Avro and Avro to record.

fastavro looks at the schema anew for every field of every record, and a VOEvent has a thousand small fields.
Here each record of the schema becomes a function of its own (visible in a traceback), texts that come again
and again are encoded once, and an absent field costs one comparison. What a VOEvent schema does not use
(maps, fixed, wide unions, recursion) is left out.
"""

from __future__ import annotations

import linecache
import struct
from collections.abc import Callable, Mapping
from typing import Any

from bridge.errors import PacketError, SchemaError
from bridge.voevent.avro_values import RUNTIME, long_bytes

__all__ = ["Codec", "compile_codec"]

_NUMBER = ["null", "long", "double"]


class Codec:
    """The two functions of a schema.

    Attributes
    ----------
    source
        Their generated source.
    """

    __slots__ = ("_read", "_write", "source")

    def __init__(
        self,
        write: Callable[[Mapping[str, Any], Callable[[bytes], None]], None],
        read: Callable[[bytes, int], tuple[dict[str, Any], int]],
        source: str,
    ) -> None:
        self._write = write
        self._read = read
        self.source = source

    def encode(self, record: Mapping[str, Any]) -> bytes:
        """The datum of a record.

        Raises
        ------
        PacketError
            If a value does not fit the schema.
        """
        parts: list[bytes] = []
        try:
            self._write(record, parts.append)
        except (KeyError, TypeError, AttributeError, ValueError, struct.error, OverflowError) as error:
            raise PacketError(f"it does not fit the Avro schema of VOEvent ({error!r})") from None
        return b"".join(parts)

    def decode(self, data: bytes) -> dict[str, Any]:
        """The record of a datum.

        Raises
        ------
        PacketError
            If it is not one of the schema.
        """
        try:
            record, end = self._read(data, 0)
        except (IndexError, ValueError, struct.error) as error:
            raise PacketError(f"the datum does not decode as a VOEvent ({error})") from None
        if end != len(data):
            raise PacketError(
                f"the datum does not decode as a VOEvent: it has {len(data)} bytes and takes {end}"
            )
        return record


def compile_codec(schema: Any) -> Codec:
    """Compile a schema.

    Parameters
    ----------
    schema
        A record schema as parsed JSON.

    Raises
    ------
    SchemaError
        If it uses what is not supported.
    """
    generator = _Generator()
    root = generator.record(schema)
    source = "\n".join(generator.lines) + "\n"
    file = "<voevent avro codec>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    names: dict[str, Any] = {**RUNTIME, **generator.names}
    exec(compile(source, file, "exec"), names)
    return Codec(names[f"write_{root}"], names[f"read_{root}"], source)


class _Generator:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {}
        self.known: dict[str, str] = {}

    def record(self, schema: Any) -> str:
        """Generate the functions of a record; gives the name they go by."""
        name: str = schema["name"]
        write = [
            f"def write_{name}(record, add):",
            "    if type(record) is Seen:",
            f"        add(record.avro or encode_seen(record, write_{name}))",
            "        return",
        ]
        read = [f"def read_{name}(data, at):"]
        self.known[name] = "record"
        for number, field in enumerate(schema["fields"]):
            value = f"record[{field['name']!r}]"
            write += [f"    {line}" for line in self.write(field["type"], value)]
            read += [f"    {line}" for line in self.read(field["type"], f"v{number}")]
        pairs = ", ".join(f"{field['name']!r}: v{number}" for number, field in enumerate(schema["fields"]))
        self.lines += [*write, "", *read, f"    return {{{pairs}}}, at", ""]
        return name

    def write(self, kind: Any, value: str) -> list[str]:
        """Lines that add a value."""
        if kind == _NUMBER:
            return [f"add(number_bytes({value}))"]
        if isinstance(kind, list):
            inner = _nullable(kind)
            if inner == "string":
                return [f"add(NULLABLE[{value}])"]
            return [
                f"value = {value}",
                "if value is None: add(NULL)",
                "else:",
                "    add(THERE)",
                *(f"    {line}" for line in self.write(inner, "value")),
            ]
        name = self.name_of(kind)
        if name is not None:
            if self.known[name] == "enum":
                return [f"add(SYMBOLS_{name}[{value}])"]
            return [f"write_{name}({value}, add)"]
        if isinstance(kind, dict) and kind["type"] == "array":
            # Arrays in arrays would share the name of the loop.
            variable = f"item{self.depth(kind['items'])}"
            item = self.write(kind["items"], variable)
            return [
                f"items = {value}",
                "if items:",
                "    add(long_bytes(len(items)))",
                f"    for {variable} in items:",
                *(f"        {line}" for line in item),
                "add(NULL)",
            ]
        writers = {"string": "TEXT[{}]", "int": "long_bytes({})", "bytes": "bytes_bytes({})"}
        if kind not in writers:
            raise SchemaError(f"Type {kind!r} is not supported in a schema of VOEvent.")
        return [f"add({writers[kind].format(value)})"]

    def read(self, kind: Any, target: str) -> list[str]:
        """Lines that read a value into a variable."""
        if kind == _NUMBER:
            return [f"{target}, at = read_number(data, at)"]
        if isinstance(kind, list):
            inner = _nullable(kind)
            return [
                "if data[at] == 0:",
                f"    {target} = None; at += 1",
                "else:",
                "    if data[at] != 2: raise ValueError('a union has no such branch')",
                "    at += 1",
                *(f"    {line}" for line in self.read(inner, target)),
            ]
        name = self.name_of(kind)
        if name is not None:
            if self.known[name] == "enum":
                return [f"{target}, at = read_symbol(data, at, NAMES_{name})"]
            return [f"{target}, at = read_{name}(data, at)"]
        if isinstance(kind, dict) and kind["type"] == "array":
            item = f"item{self.depth(kind['items'])}"
            count = f"count{self.depth(kind['items'])}"
            return [
                f"{target} = []",
                "while data[at]:",
                f"    {count}, at = read_count(data, at)",
                f"    for _ in range({count}):",
                *(f"        {line}" for line in self.read(kind["items"], item)),
                f"        {target}.append({item})",
                "at += 1",
            ]
        if kind == "string":
            return [
                "size = data[at]",
                "if size & 129:",
                f"    {target}, at = read_text(data, at)",
                "else:",
                "    at += 1",
                "    stop = at + (size >> 1)",
                f"    {target} = data[at:stop].decode()",
                "    at = stop",
            ]
        readers = {"int": "read_long", "bytes": "read_bytes"}
        return [f"{target}, at = {readers[kind]}(data, at)"]

    def name_of(self, kind: Any) -> str | None:
        """The name of a record or enum, whose functions are there from then on; None for other types."""
        if isinstance(kind, dict) and kind["type"] == "record":
            return self.record(kind) if kind["name"] not in self.known else str(kind["name"])
        if isinstance(kind, dict) and kind["type"] == "enum":
            name: str = kind["name"]
            self.known[name] = "enum"
            self.names[f"SYMBOLS_{name}"] = {
                symbol: long_bytes(index) for index, symbol in enumerate(kind["symbols"])
            }
            self.names[f"NAMES_{name}"] = tuple(kind["symbols"])
            return name
        return kind if isinstance(kind, str) and kind in self.known else None

    def depth(self, kind: Any) -> int:
        """How many arrays are nested in a type."""
        if isinstance(kind, dict) and kind["type"] == "array":
            return 1 + self.depth(kind["items"])
        return 0


def _nullable(union: list[Any]) -> Any:
    if len(union) != 2 or union[0] != "null":
        raise SchemaError(f"Union {union!r} is not supported in a schema of VOEvent.")
    return union[1]
