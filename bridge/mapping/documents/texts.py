"""Which text and which dataType a value of a document gets.

A document has no schema, so the value itself says what it is. A number reads back as exactly what the notice
says.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable
from typing import Any

from bridge.mapping.content import Value
from bridge.mapping.convert import CONVERSIONS

__all__ = ["Text", "is_scalar", "renderer", "text_of_value"]

Text = tuple[str, str]
"""A value as it stands in the packet, and its VOEvent dataType."""

# What XML Schema takes as a number; Python takes more ("1_000", "nan", digits of other scripts).
_FORMS = {
    "int": re.compile(r"[+-]?[0-9]+"),
    "float": re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|-?INF|NaN"),
}
_AVRO_TYPES = ((bool, "boolean"), (int, "long"), (float, "double"), (str, "string"))


def is_scalar(value: Any) -> bool:
    """Whether a value is a single one."""
    return not isinstance(value, (dict, list))


def text_of_value(value: Any, join: str = " ") -> Text | None:
    """Text and dataType of a value or an array of single values; None for none, an object, arrays of these.

    Parameters
    ----------
    value
        Any value of a document.
    join
        What stands between the elements of an array; an array is always a string, also with one element.
    """
    if isinstance(value, list):
        # A path across an array of objects that lack the field gives nothing but None.
        if not all(map(is_scalar, value)) or all(element is None for element in value):
            return None
        return join.join(_plain(element)[0] for element in value), "string"
    return None if value is None or isinstance(value, dict) else _plain(value)


def renderer(value: Value, absent: tuple[Any, ...]) -> Callable[[Any], Text | None]:
    """The function from a raw value to its text, after what a mapping says of it.

    Parameters
    ----------
    value
        The line of the mapping.
    absent
        What means "none" in the whole mapping.
    """
    none = value.absent if value.absent is not None else absent
    codes, join, own_type = value.codes, value.join, value.type
    conversion = CONVERSIONS[value.convert] if value.convert else None

    def rendered(raw: Any) -> Text | None:
        if raw is None or (is_scalar(raw) and _is_absent(raw, none)):
            return None
        if conversion is not None:
            if _avro_type(raw) not in conversion.takes:
                return text_of_value(raw, join)
            converted = conversion.function(raw)
            return None if converted is None else _typed(converted, own_type or conversion.data_type)
        if codes:
            elements = [text_of_value(each) for each in (raw if isinstance(raw, list) else [raw])]
            words = [codes.get(each[0], each[0]) for each in elements if each is not None]
            return _typed(join.join(words), own_type) if words else None
        text = text_of_value(raw, join)
        return _typed(text[0], own_type) if text is not None and own_type else text

    return rendered


def _typed(text: str, data_type: str) -> Text:
    """A text with the type that the mapping says, or as a string where it is no such number."""
    form = _FORMS.get(data_type)
    return (text, data_type) if form is not None and form.fullmatch(text) else (text, "string")


def _is_absent(raw: Any, listed: tuple[Any, ...]) -> bool:
    # True is 1 in Python, and is not meant by it.
    return any(raw == item and isinstance(raw, bool) == isinstance(item, bool) for item in listed)


def _avro_type(raw: Any) -> str:
    return next((name for kind, name in _AVRO_TYPES if isinstance(raw, kind)), "")


def _plain(value: Any) -> Text:
    if value is None:
        return "", "string"
    if isinstance(value, bool):
        return ("true" if value else "false"), "string"
    if isinstance(value, int):
        return str(value), "int"
    if isinstance(value, float):
        if math.isinf(value):
            return ("INF" if value > 0 else "-INF"), "float"
        return repr(value), "float"
    return (base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)), "string"
