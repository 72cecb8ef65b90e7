"""Dataclasses of the model to records and back: dictionaries of plain values with the names of the XML.

What comes in may have been made by anybody, so every value is checked against the type of its field.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from typing import Any, TypeVar, cast

from bridge.errors import PacketError
from bridge.voevent.grammar import once, shape_of

__all__ = ["complete", "from_record", "to_record", "without_empty"]

T = TypeVar("T")
_Convert = Callable[[Any, str], Any]
_NAMES = {str: "text", int: "an integer", float: "a number", bytes: "bytes", type(None): "null"}


def to_record(value: Any) -> dict[str, Any]:
    """An object of the model as a record, every field present."""
    record: dict[str, Any] = {}
    for part in shape_of(type(value)).parts:
        inner = getattr(value, part.python)
        if is_dataclass(inner):
            inner = to_record(inner)
        elif isinstance(inner, tuple | list) and inner and is_dataclass(inner[0]):
            inner = [to_record(each) for each in inner]
        record[part.name] = inner
    return record


def from_record(cls: type[T], record: Mapping[str, Any]) -> T:
    """A record, which may leave out what is empty, as an object of the model.

    Parameters
    ----------
    cls
        Class of the object.
    record
        The values by the names of the XML.

    Raises
    ------
    PacketError
        If a value is not of the type that it must be, or a name is unknown; the message says where.
    """
    built: T = _builder(cls)(record, "")
    return built


def complete(cls: type[Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with every field present.

    Raises
    ------
    PacketError
        As `from_record`.
    """
    return to_record(from_record(cls, record))


def without_empty(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record without fields that are None, zero decimals, or empty lists (an empty text is kept)."""
    return cast(dict[str, Any], _slim(record))


def _slim(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _slim(inner)
            for name, inner in value.items()
            if not (inner is None or inner == () or inner == [] or (name == "decimals" and inner == 0))
        }
    if isinstance(value, list | tuple):
        return [_slim(inner) for inner in value]
    return value


@once
def _builder(cls: Any) -> _Convert:
    hints = typing.get_type_hints(cls)
    # Looked up when it is called: a class may hold others that hold further ones.
    parts = {part.name: (part.python, hints[part.python]) for part in shape_of(cls).parts}

    def build(record: Any, path: str) -> Any:
        if not isinstance(record, Mapping):
            raise PacketError(
                f"{path or 'the event'} must be a record, not {_kind(record)}", field=path or None
            )
        values = {}
        for name, inner in record.items():
            if name not in parts:
                raise PacketError(
                    f"{path or 'the event'} has a field {name!r}, which VOEvent does not know",
                    field=f"{path}.{name}".lstrip("."),
                )
            if inner is None:
                continue
            python, hint = parts[name]
            values[python] = _converter(hint)(inner, f"{path}.{name}".lstrip("."))
        return cls(**values)

    return build


@once
def _converter(hint: Any) -> _Convert:
    if is_dataclass(hint):
        return _builder(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        each = _converter(typing.get_args(hint)[0])

        def convert_all(value: Any, path: str) -> Any:
            if not isinstance(value, list | tuple):
                raise PacketError(f"{path} must be a list, not {_kind(value)}", field=path)
            return tuple(each(inner, f"{path}[{index}]") for index, inner in enumerate(value))

        return convert_all
    if origin in (types.UnionType, typing.Union):
        options = typing.get_args(hint)
        nested = [option for option in options if is_dataclass(option)]
        if nested:
            inside = _converter(nested[0])
            return lambda value, path: None if value is None else inside(value, path)
    else:
        options = (hint,)
    return _scalar(options)


def _scalar(options: tuple[Any, ...]) -> _Convert:
    wanted = " or ".join(_NAMES[option] for option in options if option is not type(None))

    def convert(value: Any, path: str) -> Any:
        if isinstance(value, options) and not isinstance(value, bool):
            return value
        raise PacketError(f"{path} must be {wanted}, not {_kind(value)}", field=path)

    return convert


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), type(value).__name__)
