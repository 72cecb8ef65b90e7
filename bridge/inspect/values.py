"""Values of an alert made safe and readable: surveys' ways of saying "none", numbers as text.

ZTF writes -999 or the string 'null', LSST writes 0 for an absent identifier and NaN for an absent float,
Fink writes 'Unknown'. Views must not know that at every field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = [
    "ab_magnitude",
    "first",
    "identifier",
    "number",
    "number_text",
    "percent_text",
    "plus_minus",
    "printable",
    "text",
]

ABSENT_NUMBERS = frozenset({-999.0, -9999.0, -99999.0})
ABSENT_TEXTS = frozenset({"", "null", "nan", "none", "unknown", "n/a"})
# AB zero point of a flux in nanojansky (Oke and Gunn 1983: 3631 Jy is magnitude 0).
AB_ZERO_POINT_NJY = 31.4


def first(record: Any, *names: str) -> Any:
    """The value of the first of some names that a record has and that is not null; None of no record."""
    for name in names if isinstance(record, Mapping) else ():
        value = record.get(name)
        if value is not None:
            return value
    return None


def number(record: Any, *names: str) -> float | None:
    """A finite number that is not a survey's mark for "none", else None."""
    value = first(record, *names)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    value = float(value)
    return None if not math.isfinite(value) or value in ABSENT_NUMBERS else value


def identifier(record: Any, *names: str) -> int | str | None:
    """An identifier, or None where it is 0, negative, blank or a word for "none"."""
    value = first(record, *names)
    if isinstance(value, str):
        return text(record, *names)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def text(record: Any, *names: str) -> str | None:
    """Text, or None where it is blank or a word for "none"."""
    value = first(record, *names)
    if not isinstance(value, str) or value.strip().lower() in ABSENT_TEXTS:
        return None
    return value.strip()


def number_text(value: float, digits: int = 6) -> str:
    """A number for people: at most `digits` significant digits, thousands apart, no exponent if avoidable."""
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}" if abs(value) >= 10_000 else str(int(value))
    if abs(value) >= 10_000:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def printable(text: str) -> str:
    """Text without control characters: an alert must not be able to steer somebody's terminal."""
    return (
        text
        if text.isprintable()
        else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    )


def plus_minus(value: float, error: float | None, most_decimals: int = 4) -> str:
    """``value ± error`` with as many decimals as the error deserves (two significant digits)."""
    if error is None or not math.isfinite(error) or error <= 0:
        return number_text(value)
    decimals = max(0, min(most_decimals, 1 - math.floor(math.log10(error))))
    return f"{value:,.{decimals}f} ± {error:,.{decimals}f}"


def percent_text(value: float) -> str:
    """A score from 0 to 1 as people compare it: three decimals, but never 1.000 for what is not 1."""
    shown = f"{value:.3f}"
    return f"{value:.6g}" if shown in ("1.000", "0.000") and value not in (0.0, 1.0) else shown


def ab_magnitude(flux_njy: float, error_njy: float | None = None) -> tuple[float, float | None]:
    """AB magnitude of a positive flux, and its error to first order.

    Parameters
    ----------
    flux_njy, error_njy
        Flux (> 0) and its standard error in nanojansky.

    Raises
    ------
    ValueError
        If the flux is not positive.
    """
    if not flux_njy > 0:
        raise ValueError("only a positive flux has a magnitude")
    magnitude = AB_ZERO_POINT_NJY - 2.5 * math.log10(flux_njy)
    return magnitude, None if error_njy is None else 2.5 / math.log(10) * error_njy / flux_njy
