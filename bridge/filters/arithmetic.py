"""Numbers as filters compute with them: functions of floats and ints that never raise.

A NULL number is NaN here (and NaN is NULL), which makes NULL propagate through arithmetic by itself. What
has no value (a root of a negative, a division by zero, an integer beyond 64 bits) is NaN; what is too
large for a double is an infinity, as IEEE 754 has it.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

__all__ = [
    "INTEGER_MAX",
    "INTEGER_MIN",
    "NAN",
    "Number",
    "absolute",
    "ceiling",
    "checked",
    "cosine",
    "exponential",
    "floor",
    "flux_to_abmag",
    "log10",
    "log_to_base",
    "natural_log",
    "power",
    "remainder",
    "round_half_away",
    "sign",
    "sine",
    "square_root",
    "tangent",
    "to_float32",
]

Number = int | float

NAN = math.nan
INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1
AB_ZERO_POINT_NJY = 31.4  # m_AB of 1 nJy: -2.5 log10(1e-9 / 3631), to the digits that Rubin uses
FLOAT32 = struct.Struct("<f")


def checked(x: Number) -> Number:
    """An integer result, NaN where 64 bits do not hold it."""
    return x if INTEGER_MIN <= x <= INTEGER_MAX else NAN


def _guarded(function: Callable[[float], float]) -> Callable[[Number], float]:
    def guarded(x: Number) -> float:
        try:
            return function(x)
        except (ValueError, OverflowError):
            return NAN

    return guarded


square_root = _guarded(math.sqrt)
natural_log = _guarded(math.log)
log10 = _guarded(math.log10)
sine = _guarded(math.sin)
cosine = _guarded(math.cos)
tangent = _guarded(math.tan)


def exponential(x: Number) -> float:
    """e to the x, infinite beyond a double."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def power(x: Number, y: Number) -> float:
    """x to the y in doubles; NaN for zero to a negative and for a fractional power of a negative."""
    if x != x or y != y:  # math.pow(1, NaN) and (NaN, 0) are 1, but SQL's power of a NULL is NULL
        return NAN
    try:
        return math.pow(x, y)
    except ValueError:
        return NAN
    except OverflowError:
        return -math.inf if x < 0 and y % 2 == 1 else math.inf


def log_to_base(base: Number, x: Number) -> float:
    """Logarithm of x to a base."""
    below = log10(base)
    return log10(x) / below if below else NAN


def absolute(x: Number) -> Number:
    """Magnitude; NaN for the one integer whose magnitude needs 65 bits."""
    size = abs(x)
    return NAN if type(x) is int and size > INTEGER_MAX else size


def sign(x: Number) -> Number:
    """-1, 0 or 1."""
    return x if x != x else (x > 0) - (x < 0)


def floor(x: Number) -> Number:
    """Largest whole number not above x, of the type of x."""
    return float(math.floor(x)) if isinstance(x, float) and math.isfinite(x) else x


def ceiling(x: Number) -> Number:
    """Smallest whole number not below x, of the type of x."""
    return float(math.ceil(x)) if isinstance(x, float) and math.isfinite(x) else x


def round_half_away(x: Number, digits: int = 0) -> Number:
    """Round to decimal digits, halves away from zero.

    Parameters
    ----------
    x
        The number; an integer stays an integer.
    digits
        Digits after the point; negative ones before it.
    """
    if isinstance(x, int):
        if digits >= 0:
            return x
        unit = 10**-digits
        whole = (abs(x) + unit // 2) // unit * unit
        return checked(-whole if x < 0 else whole)
    scale = 10.0 ** abs(digits)
    scaled = abs(x) * scale if digits >= 0 else abs(x) / scale
    if not math.isfinite(scaled):
        return x
    below = math.floor(scaled)
    whole_number = float(below + (scaled - below >= 0.5))
    return math.copysign(whole_number / scale if digits >= 0 else whole_number * scale, x)


def remainder(x: Number, y: Number) -> Number:
    """x modulo y with the sign of x, NaN for y = 0."""
    if isinstance(x, int) and isinstance(y, int):
        if y == 0:
            return NAN
        left = abs(x) % abs(y)
        return -left if x < 0 else left
    try:
        return math.fmod(x, y)
    except ValueError:
        return NAN


def to_float32(x: Number) -> float:
    """x rounded to a 32-bit float, NaN where it is too large for one."""
    try:
        return float(FLOAT32.unpack(FLOAT32.pack(x))[0])
    except OverflowError:
        return NAN


def flux_to_abmag(flux_njy: Number) -> float:
    """AB magnitude of a flux in nJy, NaN for a flux that is not positive (Oke & Gunn 1983)."""
    return AB_ZERO_POINT_NJY - 2.5 * log10(flux_njy)
