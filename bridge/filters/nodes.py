"""The tree of an expression: what the parser makes, the checker types and the generator writes as Python.

One node class serves all three, so that a step hands the next a tree of the same shape. Equality ignores
the position in the text: that is how expressions shared between filters are recognised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["NUMERIC", "Node", "SqlType"]


class SqlType(Enum):
    """Type of an expression, under its SQL name."""

    UNKNOWN = "unchecked"
    NULL = "NULL"
    BOOLEAN = "BOOLEAN"
    INTEGER = "INTEGER"
    DOUBLE = "DOUBLE"
    VARCHAR = "VARCHAR"
    OPAQUE = "a value without SQL type"


NUMERIC = frozenset({SqlType.INTEGER, SqlType.DOUBLE})


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of an expression.

    Parameters
    ----------
    kind
        What it does: literal, field, raw, arith, neg, compare, and, or, not, is_null, is_true, is_false,
        same (IS NOT DISTINCT FROM), between, in, like, case, switch (CASE with a subject), cast, widen, call.
    args
        Operands, in the order of the text.
    value
        What the kind needs besides: a literal's value, a field's path, an operator, a function's name, a
        type's name, a pattern.
    type, nullable
        Set by the checker. A DOUBLE field always counts as nullable, since NaN reads as NULL.
    at
        Position in the text, counted from 0, or -1 where it is not known.
    """

    kind: str
    args: tuple[Node, ...] = ()
    value: bool | int | float | str | tuple[str, ...] | None = None
    type: SqlType = SqlType.UNKNOWN
    nullable: bool = True
    at: int = field(default=-1, compare=False)

    def walk(self) -> Iterator[Node]:
        """This node and all below it."""
        yield self
        for arg in self.args:
            yield from arg.walk()
