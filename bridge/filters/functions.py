"""The closed list of functions: nothing else can be called from a filter.

A function is a row of this table: its name, what it takes, what it gives, and the Python that does it.
The documentation lists the same names; a test keeps the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from bridge import sky
from bridge.filters import aggregates, arithmetic

__all__ = ["FUNCTIONS", "Function", "Parameter", "Result"]

Parameter = Literal["number", "text", "any", "column", "field", "sized", "digits"]
Result = Literal["double", "integer", "number", "text", "boolean", "unified", "first", "column"]


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the filter language.

    Parameters
    ----------
    name
        As it is written, in lower case.
    takes
        Kinds of the parameters; ``digits`` is a whole number written out, ``field`` a bare field name,
        ``sized`` an array, a string or bytes.
    gives
        Type of the result: ``number`` is INTEGER if all parameters are, ``unified`` the common type of all,
        ``first`` the type of the first, ``column`` the type of the column's elements.
    call
        What computes it; None for forms that the generator writes out.
    least
        How many parameters must be given, where the rest may be left out.
    repeats
        Whether the last parameter may be given any number of times.
    """

    name: str
    takes: tuple[Parameter, ...]
    gives: Result
    call: Callable[..., Any] | None = None
    least: int | None = None
    repeats: bool = False

    @property
    def arity(self) -> str:
        """How many parameters it takes, in words."""
        least = len(self.takes) if self.least is None else self.least
        if self.repeats:
            return f"{least} or more arguments"
        if least != len(self.takes):
            return f"{least} or {len(self.takes)} arguments"
        return "1 argument" if least == 1 else f"{least} arguments"

    def accepts(self, count: int) -> bool:
        """Whether it can be called with this many parameters."""
        least = len(self.takes) if self.least is None else self.least
        return count >= least and (self.repeats or count <= len(self.takes))


def _smallest_given(*numbers: float) -> float:
    given = [number for number in numbers if number == number]
    return min(given) if given else math.nan


def _largest_given(*numbers: float) -> float:
    given = [number for number in numbers if number == number]
    return max(given) if given else math.nan


_OF_COLUMN: tuple[tuple[str, Result], ...] = (
    ("min", "column"),
    ("max", "column"),
    ("first", "column"),
    ("last", "column"),
    ("sum", "number"),
    ("count", "integer"),
    ("avg", "double"),
    ("median", "double"),
    ("stddev", "double"),
)


def _one(name: str, call: Callable[..., Any], gives: Result = "double") -> Function:
    return Function(name, ("number",), gives, call)


_ALL = (
    _one("abs", arithmetic.absolute, "number"),
    _one("sign", arithmetic.sign, "integer"),
    _one("floor", arithmetic.floor, "number"),
    _one("ceil", arithmetic.ceiling, "number"),
    Function("round", ("number", "digits"), "number", arithmetic.round_half_away, least=1),
    _one("sqrt", arithmetic.square_root),
    _one("exp", arithmetic.exponential),
    _one("ln", arithmetic.natural_log),
    _one("log10", arithmetic.log10),
    Function("log", ("number", "number"), "double", arithmetic.log_to_base, least=1),
    Function("power", ("number", "number"), "double", arithmetic.power),
    _one("sin", arithmetic.sine),
    _one("cos", arithmetic.cosine),
    _one("tan", arithmetic.tangent),
    _one("radians", math.radians),
    _one("degrees", math.degrees),
    Function("least", ("any",), "unified", _smallest_given, repeats=True),
    Function("greatest", ("any",), "unified", _largest_given, repeats=True),
    Function("coalesce", ("any",), "unified", repeats=True),
    Function("nullif", ("any", "any"), "first"),
    Function("isnan", ("field",), "boolean"),
    Function("lower", ("text",), "text", lambda text: None if text is None else text.lower()),
    Function("upper", ("text",), "text", lambda text: None if text is None else text.upper()),
    Function("length", ("sized",), "integer", aggregates.length_of),
    *(Function(name, ("column",), gives, aggregates.AGGREGATES[name]) for name, gives in _OF_COLUMN),
    Function("separation", ("number",) * 4, "double", sky.separation),
    Function("cone", ("number",) * 5, "boolean"),
    Function("gal_lat", ("number",) * 2, "double", sky.gal_lat),
    Function("gal_lon", ("number",) * 2, "double", sky.gal_lon),
    Function("ecl_lat", ("number",) * 2, "double", sky.ecl_lat),
    Function("ecl_lon", ("number",) * 2, "double", sky.ecl_lon),
    _one("abmag", arithmetic.flux_to_abmag),
)

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}
