"""Aggregates over a light-curve column, as SQL's: they skip what is missing.

Missing is NULL or NaN. A light curve that is NULL counts as one without rows. A NULL result is NaN for
numbers, None for strings and booleans, as everywhere in compiled filters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.alerts.column import Column
from bridge.filters.arithmetic import NAN, Number, checked

__all__ = ["AGGREGATES", "length_of"]

Values = npt.NDArray[Any] | list[Any]


def _present(column: Column | None) -> Values:
    if column is None:
        return []
    values, valid = column.values, column.valid
    if isinstance(values, list):
        return values if valid is None else [v for v, ok in zip(values, valid, strict=True) if ok]
    if values.dtype.kind == "f":
        there = values == values
        kept: Values = values[there if valid is None else there & valid].astype(np.float64)
        return kept
    return values if valid is None else values[valid]


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def count(column: Column | None) -> int:
    """How many values are there."""
    return len(_present(column))


def first(column: Column | None) -> Any:
    """The first value that is there, in the order of the packet."""
    values = _present(column)
    return _plain(values[0]) if len(values) else None


def last(column: Column | None) -> Any:
    """The last value that is there, in the order of the packet."""
    values = _present(column)
    return _plain(values[-1]) if len(values) else None


def smallest(column: Column | None) -> Any:
    """Smallest value."""
    values = _present(column)
    return (min(values) if isinstance(values, list) else values.min().item()) if len(values) else None


def largest(column: Column | None) -> Any:
    """Largest value."""
    values = _present(column)
    return (max(values) if isinstance(values, list) else values.max().item()) if len(values) else None


def total(column: Column | None) -> Number:
    """Sum: of integers exact, NaN beyond 64 bits."""
    values = np.asarray(_present(column))
    if not len(values):
        return NAN
    if values.dtype.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            return float(values.sum())
    return checked(sum(values.tolist()))


def mean(column: Column | None) -> float:
    """Arithmetic mean."""
    values = np.asarray(_present(column), np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        return float(values.mean()) if len(values) else NAN


def median(column: Column | None) -> float:
    """Median; of an even number of values the mean of the middle two."""
    values = np.asarray(_present(column), np.float64)
    if not len(values):
        return NAN
    ordered = np.sort(values)
    low, high = float(ordered[(len(ordered) - 1) // 2]), float(ordered[len(ordered) // 2])
    return low if low == high else low / 2 + high / 2


def stddev(column: Column | None) -> float:
    """Sample standard deviation (n - 1), NaN for fewer than two values."""
    values = np.asarray(_present(column), np.float64)
    if len(values) < 2:
        return NAN
    with np.errstate(over="ignore", invalid="ignore"):
        deviation = float(values.std(ddof=1))
    return deviation if math.isfinite(deviation) else NAN


def length_of(value: Any) -> Number:
    """Length of a string, of bytes or of an array; NaN for NULL."""
    return NAN if value is None else len(value)


AGGREGATES: dict[str, Callable[[Column | None], Any]] = {
    "min": smallest,
    "max": largest,
    "avg": mean,
    "sum": total,
    "count": count,
    "first": first,
    "last": last,
    "median": median,
    "stddev": stddev,
}
