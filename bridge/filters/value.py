"""Expressions that give a value: what an alert is ranked by, and which visit it belongs to.

The language is that of the conditions; only what must come out differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.alerts.fields import Field
from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError
from bridge.filters.check import Checker, describe
from bridge.filters.generate import generate_values
from bridge.filters.nodes import NUMERIC, Node, SqlType
from bridge.filters.syntax import parse_expression

__all__ = ["OrderBy", "Value", "Values", "compile_values"]

Values = Callable[[bytes, int, int | None], tuple[Any, ...]]

_DIRECTION = re.compile(
    r"\s+(?:(ASC|DESC)(?:\s+NULLS\s+(LAST|FIRST))?|NULLS\s+(LAST|FIRST))\s*$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression in SQL that gives a number or, where that is allowed, a string.

    Parameters
    ----------
    text
        The expression.
    what
        What it is for, in messages.
    may_be_text
        Whether it may give a string.

    Raises
    ------
    ExpressionError
        If the text is not SQL, or uses what filters do not have.
    """

    text: str
    what: str = field(default="The expression", compare=False)
    may_be_text: bool = True
    _tree: Node = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the text."""
        try:
            object.__setattr__(self, "_tree", parse_expression(self.text))
        except ExpressionError as error:
            raise self._named(error) from None

    def check(self, schema: Schema) -> tuple[Node, dict[str, Field]]:
        """The expression with types, and the fields that it needs, by path.

        Raises
        ------
        ExpressionError
            If a field is unknown in the schema or used as what it is not, or something else comes out.
        """
        checker = Checker(schema, self.text)
        try:
            node = checker.check(self._tree)
            if node.type not in NUMERIC and not (self.may_be_text and node.type is SqlType.VARCHAR):
                wanted = "a number or a string" if self.may_be_text else "a number"
                raise ExpressionError(f"{describe(node)} is {node.type.value}, but {wanted} is wanted.")
        except ExpressionError as error:
            raise self._named(error) from None
        return node, checker.fields

    def _named(self, error: ExpressionError) -> ExpressionError:
        return ExpressionError(f"{self.what} {self.text!r}: {error}")


@dataclass(frozen=True, slots=True)
class OrderBy:
    """What ranks alerts: a number, and whether the largest is best. NULL and NaN come last either way.

    Parameters
    ----------
    value
        Gives the number.
    descending
        Whether the largest is best.
    """

    value: Value
    descending: bool

    @classmethod
    def parse(cls, text: str, what: str = "The order") -> OrderBy:
        """Read ``expression [ASC|DESC] [NULLS LAST]``.

        Raises
        ------
        ExpressionError
            If it is something else.
        """
        found = _DIRECTION.search(text)
        if found is None:
            return cls(Value(text, what, may_be_text=False), descending=False)
        nulls = (found[2] or found[3] or "LAST").upper()
        if nulls != "LAST":
            raise ExpressionError(
                f"{what} {text!r}: what has no value is always last; leave NULLS FIRST out."
            )
        descending = (found[1] or "ASC").upper() == "DESC"
        return cls(Value(text[: found.start()], what, may_be_text=False), descending)

    def goodness(self, number: float) -> tuple[bool, float]:
        """A key that is the larger, the better the number; NaN is the worst."""
        if number != number:
            return False, 0
        return True, number if self.descending else -number


def compile_values(schema: Schema, values: Sequence[Value]) -> Values:
    """Several expressions as one function of a datum, which reads each field once.

    Parameters
    ----------
    schema
        The writer schema.
    values
        The expressions.

    Returns
    -------
    Callable
        ``(data, start, stop)`` to a tuple of values, in order; a NULL number is NaN, a NULL string None.

    Raises
    ------
    ExpressionError
        If one does not fit the schema.
    """
    fields: dict[str, Field] = {}
    nodes: list[Node] = []
    for value in values:
        node, needed = value.check(schema)
        nodes.append(node)
        fields.update(needed)
    function, _ = generate_values(schema, fields, nodes)
    return function
