"""Which text each single value of an alert gets: the rules by Avro type, and the lines that apply them.

A value is rendered at most once per alert, whoever asks for it (a Param, the position, the current row of the
light curve), and numbers of one type go through one batch.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from bridge.alerts.fields import Field, resolve
from bridge.alerts.schema import Schema
from bridge.errors import MappingError, SchemaError
from bridge.mapping.batches import NumberBatch, TextColumn
from bridge.mapping.content import Paths, Value
from bridge.mapping.convert import CONVERSIONS
from bridge.mapping.model import Mapping, first_path
from bridge.mapping.numbers import NOTHING, texts_of_doubles, texts_of_floats
from bridge.mapping.shown import shown_items
from bridge.voevent.xmltext import escape

__all__ = ["Scalars", "absent_texts", "data_type", "join_path", "text_of", "text_renderer"]

INTEGERS = ("int", "long")
FLOATS = ("float", "double")
NUMBERS = (*INTEGERS, *FLOATS)
BATCHES = {"float": "float", "double": "double", "int": "long", "long": "long", "boolean": "boolean"}
DATA_TYPES = {"int": "int", "long": "int", "float": "float", "double": "float"}


def data_type(value: Value, field: Field) -> str:
    """VOEvent dataType of a value: int (of any width), float or string."""
    if value.codes:
        return "string"
    if value.convert:
        return CONVERSIONS[value.convert].data_type
    return DATA_TYPES.get(field.type, "string") if field.logical is None else "string"


def join_path(source: str, path: str) -> str:
    """A path below an array or record; ``.`` is the array's element itself."""
    return f"{source}.{path}" if source and path != "." else source or path


def text_of(value: Any) -> bytes | None:
    """Text of any single value that has no batch: texts, booleans, bytes, timestamps, and maps' values."""
    if value is None:
        return None
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, datetime):
        plain = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return (plain + ("Z" if value.tzinfo else "")).encode()
    if isinstance(value, bytes):
        return base64.b64encode(value)
    if isinstance(value, float):
        return None if math.isnan(value) else texts_of_doubles((value,))[0]
    return escape(str(value))


def absent_texts(mapping: Mapping, value: Value, avro_type: str) -> frozenset[bytes]:
    """Rendered forms of the values that mean "none".

    The mapping's own list applies to texts and to floats; integers are ids and counts, where -999 may be
    real, so an integer is absent only where its own field says so.
    """
    own = value.absent is not None
    listed = value.absent if value.absent is not None else mapping.absent
    numbers = [item for item in listed if isinstance(item, (int, float)) and not isinstance(item, bool)]
    texts = {item for item in listed if isinstance(item, str)}
    if avro_type in FLOATS and 0 in numbers:
        numbers.append(-0.0)
    if avro_type == "float":
        return frozenset({NOTHING, *(texts_of_floats(numbers) if numbers else ())})
    if avro_type == "double":
        return frozenset({NOTHING, *(texts_of_doubles(numbers) if numbers else ())})
    if avro_type in INTEGERS:
        return frozenset(b"%d" % int(item) for item in numbers) if own else frozenset()
    return frozenset(escape(text) for text in texts)


def text_renderer(mapping: Mapping, value: Value, field: Field) -> Callable[[Any], bytes | None] | None:
    """The function for a value that needs one (conversion, codes, text); None where a batch does it."""
    absent = _raw_absent(mapping, value, field)
    if value.convert:
        convert = CONVERSIONS[value.convert].function

        def converted(raw: Any) -> bytes | None:
            if raw is None or raw in absent or raw != raw:
                return None
            text = convert(raw)
            return None if text is None else escape(text)

        return converted
    if value.codes:
        codes = value.codes

        def coded(raw: Any) -> bytes | None:
            if raw is None or raw in absent or raw != raw:
                return None
            text = str(raw).lower() if isinstance(raw, bool) else str(raw)
            return escape(codes.get(text, text))

        return coded
    if field.logical is None and field.type in (*INTEGERS, *FLOATS, "boolean"):
        return None
    if absent:

        def present(raw: Any) -> bytes | None:
            return None if raw is None or raw in absent else text_of(raw)

        return present
    return text_of


def _raw_absent(mapping: Mapping, value: Value, field: Field) -> frozenset[Any]:
    listed = value.absent if value.absent is not None else mapping.absent
    if field.type == "float":
        return frozenset(float(np.float32(item)) for item in listed if isinstance(item, (int, float)))
    if field.type in INTEGERS and value.absent is None:
        return frozenset()
    wanted = (str,) if field.type in ("string", "enum") else (int, float)
    return frozenset(item for item in listed if isinstance(item, wanted))


@dataclass(slots=True)
class _Members:
    """What goes through one batch: variable of the source to variable of its text."""

    columns: dict[tuple[str, str, frozenset[bytes]], str] = field(default_factory=dict)
    singles: dict[str, str] = field(default_factory=dict)


class Scalars:
    """Collects the single values that a translator needs, and writes the lines that fetch and render them.

    Parameters
    ----------
    mapping, schema
        Whose translator is being compiled.
    """

    def __init__(self, mapping: Mapping, schema: Schema) -> None:
        self.mapping = mapping
        self.schema = schema
        self.paths: dict[str, str] = {}
        self.fields: dict[str, Field] = {}
        self.constants: dict[str, Any] = {}
        self._encoded: dict[str, str] = {}
        self._batches = {name: _Members() for name in ("float", "double", "long", "int", "boolean")}
        self._choices: list[str] = []
        self._lines: list[str] = []
        self._texts: dict[tuple[Any, ...], str] = {}
        self._absent_sets: dict[frozenset[bytes], int] = {}

    def raw(self, path: str) -> str:
        """Name of the variable that holds the value at a path."""
        if path not in self.paths:
            self.field(path)
            self.paths[path] = f"v{len(self.paths)}_{_plain(path)}"
        return self.paths[path]

    def field(self, path: str) -> Field:
        """What the schema says of a path."""
        if path not in self.fields:
            self.fields[path] = resolve(self.schema, path)
        return self.fields[path]

    def single(self, path: str) -> str:
        """Variable with the text of a single number, from its batch."""
        members = self._batches[BATCHES[self.field(path).type]]
        if path not in self._encoded:
            number = len(self._encoded)
            self._encoded[path] = f"e{number}_{_plain(path)}"
            members.singles[self._encoded[path]] = f"t{number}_{_plain(path)}"
        return members.singles[self._encoded[path]]

    def choice(self, call: str) -> str:
        """Variable with what a call gives that chooses rows; it is called before anything is rendered."""
        name = f"shown{len(self._choices)}"
        self._choices.append(f"{name} = {call}")
        return name

    def column(self, path: str, shown: str, absent: frozenset[bytes]) -> str:
        """Variable with the texts of a column of numbers, from their batch; `shown` is of `choice`."""
        avro_type = self.field(path).type
        # The ints of an array are counts and codes of one byte each; those of the alert are not so many.
        members = self._batches["int" if avro_type == "int" else BATCHES[avro_type]]
        key = (self.raw(path), shown, absent)
        return members.columns.setdefault(key, f"c{len(members.columns)}{key[0]}")

    def rendered(self, value: Value, path: str, shown: str, render: Callable[[Any], bytes | None]) -> str:
        """Variable with the texts of a column that has no batch: codes, conversions, texts."""
        raw = self.raw(path)
        key = (raw, shown, value.convert, repr(value.codes), repr(value.absent))
        if key not in self._texts:
            name = f"c{len(self._texts)}x{raw[1:]}"
            self._texts[key] = name
            self._lines.append(f"{name} = {self.constant('R_' + name, TextColumn(render))}({raw}, {shown})")
        return self._texts[key]

    @property
    def wanted(self) -> tuple[tuple[str, ...], frozenset[int]]:
        """What the lens is to read, in the order of `targets`, and which of it as encoded bytes."""
        plain = len(self.paths)
        return (*self.paths, *self._encoded), frozenset(range(plain, plain + len(self._encoded)))

    @property
    def targets(self) -> list[str]:
        """Variables for what the lens reads."""
        return [*self.paths.values(), *self._encoded.values()]

    def constant(self, name: str, value: Any) -> str:
        """Name under which the generated code sees a constant."""
        self.constants[name] = value
        return name

    def text(self, value: Value, path: str) -> tuple[str, frozenset[bytes]]:
        """Variable with a value's text (bytes, or None), and the texts that mean "none"."""
        field = self.field(path)
        self._check(value, path, field)
        renderer = text_renderer(self.mapping, value, field)
        if renderer is None and field.type in NUMBERS:
            return self.single(path), absent_texts(self.mapping, value, field.type) | {NOTHING}
        raw = self.raw(path)
        key = (raw, value.convert, repr(value.codes), repr(value.absent) if renderer else None)
        if key not in self._texts:
            name = f"t{len(self._texts)}x{raw[1:]}"
            self._texts[key] = name
            self._lines.append(f"{name} = {self._expression(renderer, raw, name)}")
        return self._texts[key], frozenset()

    def needed(self, paths: Paths, what: str) -> str:
        """The first path that the schema has; `what` names the place in the mapping where there is none."""
        path = first_path(self.schema, paths)
        if path is not None:
            return path
        try:
            resolve(self.schema, paths[0])
        except SchemaError as error:
            raise MappingError(f"Mapping {self.mapping.key}, {what}: {error}") from error
        raise MappingError(f"Mapping {self.mapping.key}, {what}: no such field.")

    def chosen(self, value: Value, prefix: str = "") -> str | None:
        """The path of a value; None if the schema lacks it and may."""
        paths = tuple(join_path(prefix, path) for path in value.paths)
        if value.optional:
            return first_path(self.schema, paths)
        return self.needed(paths, repr(value.name))

    def absent(self, texts: frozenset[bytes]) -> str:
        """Name of the set of texts that mean "none"; a missing number is empty, a missing text None."""
        number = self._absent_sets.setdefault(texts, len(self._absent_sets))
        return self.constant(f"NONE_{number}", texts | {None, b""})

    def lines(self) -> list[str]:
        """Source lines that render every text asked for."""
        out = [*self._choices]
        self.constant("ITEMS", shown_items)
        for avro_type, members in self._batches.items():
            targets = [*members.columns.values(), *members.singles.values()]
            if targets:
                batch = NumberBatch(avro_type, [absent for _, _, absent in members.columns])
                name = self.constant(f"{avro_type.upper()}S", batch)
                columns = "".join(f"ITEMS({raw}, {shown}), " for raw, shown, _ in members.columns)
                singles = "".join(f"{encoded}, " for encoded in members.singles)
                out.append(f"({', '.join(targets)},) = {name}(({columns}), ({singles}))")
        return out + self._lines

    def _expression(self, renderer: Any, raw: str, name: str) -> str:
        if renderer is not None:
            return f"{self.constant('R_' + name, renderer)}({raw})"
        return f'None if {raw} is None else b"true" if {raw} else b"false"'

    def _check(self, value: Value, path: str, field: Field) -> None:
        where = f"Mapping {self.mapping.key}, {value.name!r}"
        if field.kind == "column":
            raise MappingError(f"{where}: {path!r} is a whole array; put it into a [[table]].")
        if (
            field.kind == "value"
            and field.logical is None
            and field.type in ("record", "array", "map", "union")
        ):
            raise MappingError(
                f"{where}: {path!r} is a {field.type}, not a single value; name a field in it."
            )
        if value.convert and field.type not in CONVERSIONS[value.convert].takes:
            takes = ", ".join(sorted(CONVERSIONS[value.convert].takes))
            raise MappingError(f"{where}: {value.convert!r} takes {takes}, and {path!r} is a {field.type}.")


def _plain(path: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in path)
