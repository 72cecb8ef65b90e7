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
from bridge.voevent.reading import Seen

__all__ = ["Codec", "compile_codec"]

_PACK = struct.Struct("<d").pack
_UNPACK = struct.Struct("<d").unpack_from
_NUMBER = ["null", "long", "double"]


class Codec:
    """The two functions of a schema.

    Parameters
    ----------
    encode
        A record, every field present, to its datum.
    decode
        A datum to its record; it must be consumed to its last byte.
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
    names: dict[str, Any] = {**_RUNTIME, **generator.names}
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
        # Fields first: the functions of the records in them must stand before this one only for the eye.
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
            lines = [line.replace("VALUE", "value") for line in self.write(inner, "VALUE")]
            return [
                f"value = {value}",
                "if value is None: add(NULL)",
                "else:",
                "    add(THERE)",
                *(f"    {line}" for line in lines),
            ]
        name = self.name_of(kind)
        if name is not None:
            if self.known[name] == "enum":
                return [f"add(SYMBOLS_{name}[{value}])"]
            return [f"write_{name}({value}, add)"]
        if isinstance(kind, dict) and kind["type"] == "array":
            item = self.write(kind["items"], "item")
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


def long_bytes(value: int) -> bytes:
    """An int or long (Avro 1.11, binary encoding): zig-zag, seven bits a byte."""
    if -(2**63) <= value < 2**63:
        rest = value << 1 if value >= 0 else (~value << 1) | 1
        if rest < 128:
            return _BYTES[rest]
        parts = bytearray()
        while rest > 127:
            parts.append(rest & 127 | 128)
            rest >>= 7
        parts.append(rest)
        return bytes(parts)
    raise ValueError(f"{value} does not fit 64 bits")


def number_bytes(value: float | None) -> bytes:
    """A union of null, long and double."""
    if value is None:
        return b"\x00"
    if isinstance(value, int):
        return b"\x02" + long_bytes(value)
    return b"\x04" + _PACK(value)


def bytes_bytes(value: bytes) -> bytes:
    """Bytes with their length."""
    return long_bytes(len(value)) + value


def read_long(data: bytes, at: int) -> tuple[int, int]:
    """An int or long, and where it ends."""
    byte = data[at]
    value = byte & 127
    shift = 7
    while byte & 128:
        at += 1
        byte = data[at]
        value |= (byte & 127) << shift
        shift += 7
        if shift > 70:
            raise ValueError("an integer is too long")
    return (value >> 1) ^ -(value & 1), at + 1


def read_number(data: bytes, at: int) -> tuple[int | float | None, int]:
    """A union of null, long and double, and where it ends."""
    branch = data[at]
    if branch == 0:
        return None, at + 1
    if branch == 2:
        return read_long(data, at + 1)
    if branch == 4:
        return _UNPACK(data, at + 1)[0], at + 9
    raise ValueError("a union has no such branch")


def read_bytes(data: bytes, at: int) -> tuple[bytes, int]:
    """Bytes with their length, and where they end."""
    size, at = read_long(data, at)
    if not 0 <= size <= len(data) - at:
        raise ValueError("a length is beyond the end of the datum")
    return data[at : at + size], at + size


def read_text(data: bytes, at: int) -> tuple[str, int]:
    """A text of any length, and where it ends."""
    value, at = read_bytes(data, at)
    return value.decode(), at


def read_symbol(data: bytes, at: int, symbols: tuple[str, ...]) -> tuple[str, int]:
    """A symbol of an enum, and where it ends."""
    index, at = read_long(data, at)
    if index < 0:
        raise ValueError("an enum has no such symbol")
    return symbols[index], at


def read_count(data: bytes, at: int) -> tuple[int, int]:
    """The number of items of a block of an array, and where the first begins."""
    count, at = read_long(data, at)
    if count < 0:
        # The size of the block in bytes, for those who pass over it.
        _, at = read_long(data, at)
        count = -count
    if count > len(data) - at:
        raise ValueError("an array has more items than the datum has bytes")
    return count, at


def encode_seen(record: Seen, write: Callable[[Any, Callable[[bytes], None]], None]) -> bytes:
    """The datum of a record that comes again and again, kept with it."""
    parts: list[bytes] = []
    write(dict(record), parts.append)
    record.avro = b"".join(parts)
    return record.avro


class _Texts(dict[Any, bytes]):
    """Texts that have been encoded already; names and units come in every packet."""

    def __init__(self, head: bytes) -> None:
        super().__init__()
        self.head = head

    def __missing__(self, text: Any) -> bytes:
        if text is None and self.head:
            return b"\x00"
        raw = text.encode()
        found: bytes = self.head + long_bytes(len(raw)) + raw
        if len(raw) < 64:
            if len(self) > 20_000:
                self.clear()
            self[text] = found
        return found


_BYTES = tuple(bytes((value,)) for value in range(128))
_RUNTIME = {
    "NULL": b"\x00",
    "THERE": b"\x02",
    "Seen": Seen,
    "encode_seen": encode_seen,
    "TEXT": _Texts(b""),
    "NULLABLE": _Texts(b"\x02"),
    "long_bytes": long_bytes,
    "number_bytes": number_bytes,
    "bytes_bytes": bytes_bytes,
    "read_long": read_long,
    "read_number": read_number,
    "read_bytes": read_bytes,
    "read_text": read_text,
    "read_symbol": read_symbol,
    "read_count": read_count,
}
