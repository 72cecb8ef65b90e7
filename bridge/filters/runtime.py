"""What compiled filters call where an expression of Python would be clumsy: memberships, casts, ranges.

NULL is NaN for numbers and None for strings and booleans; nothing here raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from bridge.filters.arithmetic import INTEGER_MAX, INTEGER_MIN, NAN, Number, to_float32

__all__ = [
    "between",
    "cast_boolean",
    "cast_double",
    "cast_float",
    "cast_integer",
    "cast_varchar",
    "is_missing",
    "largest_text",
    "member",
    "smallest_text",
]

NUMBER_TEXT = re.compile(
    r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,6})?|[+-]?(?:inf(?:inity)?|nan))\s*", re.I | re.A
)
INTEGER_TEXT = re.compile(r"\s*[+-]?\d{1,30}\s*", re.A)
TRUE_TEXTS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_TEXTS = frozenset({"false", "f", "no", "n", "0"})
INTEGER32_MAX = 2**31 - 1


def is_missing(value: Any) -> bool:
    """Whether a value is NULL, in either form."""
    return value is None or value != value


def member(value: Any, items: Sequence[Any]) -> bool | None:
    """SQL's IN: NULL if it is not found and something is NULL."""
    if is_missing(value):
        return None
    unknown = False
    for item in items:
        if is_missing(item):
            unknown = True
        elif item == value:
            return True
    return None if unknown else False


def between(value: Any, low: Any, high: Any) -> bool | None:
    """SQL's BETWEEN: FALSE as soon as one side fails, even if the other is NULL."""
    if is_missing(value):
        return None
    above = None if is_missing(low) else bool(low <= value)
    below = None if is_missing(high) else bool(value <= high)
    if above is False or below is False:
        return False
    return True if above and below else None


def cast_double(value: Any) -> float:
    """CAST(... AS DOUBLE)."""
    if is_missing(value):
        return NAN
    if isinstance(value, str):
        found = NUMBER_TEXT.fullmatch(value) if len(value) <= 400 else None
        return float(found[1]) if found else NAN
    return float(value)


def cast_float(value: Any) -> float:
    """CAST(... AS FLOAT): rounded to 32 bits."""
    return to_float32(cast_double(value))


def cast_integer(value: Any, bits: int = 64) -> Number:
    """CAST(... AS BIGINT): a double rounds to the nearest, halves to even."""
    if isinstance(value, str) and INTEGER_TEXT.fullmatch(value):
        value = int(value)
    elif isinstance(value, str):
        value = cast_double(value)
    if is_missing(value) or (isinstance(value, float) and not math.isfinite(value)):
        return NAN
    whole = round(value)
    low, high = (INTEGER_MIN, INTEGER_MAX) if bits == 64 else (-INTEGER32_MAX - 1, INTEGER32_MAX)
    return whole if low <= whole <= high else NAN


def cast_varchar(value: Any) -> str | None:
    """CAST(... AS VARCHAR): a double in its shortest form."""
    if is_missing(value):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def cast_boolean(value: Any) -> bool | None:
    """CAST(... AS BOOLEAN): of a number whether it is not 0, of a string what it says."""
    if is_missing(value):
        return None
    if isinstance(value, str):
        word = value.lower()
        return True if word in TRUE_TEXTS else False if word in FALSE_TEXTS else None
    return bool(value != 0)


def smallest_text(*texts: str | None) -> str | None:
    """First in order of the strings that are there."""
    return min((text for text in texts if text is not None), default=None)


def largest_text(*texts: str | None) -> str | None:
    """Last in order of the strings that are there."""
    return max((text for text in texts if text is not None), default=None)
