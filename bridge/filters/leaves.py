"""The ends of a filter's tree: names of fields, numbers, texts, truth values and NULL.

Kept apart from the operators above them (`syntax`), which need one another.
"""

from __future__ import annotations

import math
import re
from typing import Any

from sqlglot import exp

from bridge.alerts.paths import Key, join_path
from bridge.errors import ExpressionError
from bridge.filters.arithmetic import INTEGER_MAX
from bridge.filters.dialect import HARMLESS
from bridge.filters.nodes import Node
from bridge.filters.sqltext import describe_position, position, shorten

__all__ = ["Leaves"]


class Leaves:
    """Turns what has no operands in sqlglot's tree into ours; holds the text, to say where something stands.

    The methods that `syntax` calls by a node's name take the node and the depth.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def where(self, at: int) -> str:
        """Line and column of a position, for a message."""
        return describe_position(self.text, at)

    def options(self, tree: exp.Expression, *known: str) -> list[Any]:
        """The known parts of an expression, in this order; refuses it if it has others that matter."""
        for option, value in tree.args.items():
            if option not in known and option not in HARMLESS and value:
                raise ExpressionError(
                    f"The option {option.replace('_', ' ').upper()} in {shorten(tree)!r} "
                    f"cannot be used in a filter{self.where(position(tree))}."
                )
        return [tree.args.get(option) for option in known]

    def _column(self, tree: exp.Expression, _: int) -> Node:
        names: list[str] = []
        part: Any = tree
        while isinstance(part, exp.Dot | exp.Bracket):
            names.append(self._key(part) if isinstance(part, exp.Bracket) else self._name(part.expression))
            part = part.this
        if not isinstance(part, exp.Column):
            raise ExpressionError(f"{shorten(tree)!r} is not the name of a field.")
        parts = self.options(part, "this", "table", "db", "catalog")
        names += [self._name(part) for part in parts if part is not None]
        at = position(tree)
        path = join_path(names[::-1])
        return Node("field", value=path, at=at if at >= 0 else self.text.find(path))

    _dot = _column
    _bracket = _column

    def _key(self, bracket: exp.Bracket) -> Key:
        inside = bracket.expressions
        if len(inside) != 1 or not isinstance(inside[0], exp.Literal) or not inside[0].is_string:
            raise ExpressionError(
                f"What stands in brackets is a name in single quotes, as in What.Param['flux']"
                f"{self.where(position(bracket))}."
            )
        return Key(inside[0].this)

    def _name(self, identifier: Any) -> str:
        if not isinstance(identifier, exp.Identifier):
            raise ExpressionError(
                f"{shorten(identifier)!r} cannot stand in the name of a field"
                f"{self.where(position(identifier))}."
            )
        if not re.fullmatch(r"[^\W\d]\w*", identifier.name):
            raise ExpressionError(f"{identifier.name!r} is not a name that an Avro field can have.")
        return identifier.name

    def _literal(self, tree: exp.Literal, _: int) -> Node:
        at = position(tree)
        if tree.is_string:
            return Node("literal", value=str(tree.this), at=at)
        return Node("literal", value=self.number(str(tree.this), at), at=at)

    def number(self, digits: str, at: int, limit: int = INTEGER_MAX) -> int | float:
        """A number by its digits; refuses one that no value of a field can have."""
        if digits.isdecimal() and len(digits) < 400:
            whole = int(digits)
            if whole <= limit:
                return whole
        else:
            try:
                number = float(digits)
            except ValueError:
                number = math.nan
            if math.isfinite(number):
                return number
        raise ExpressionError(f"{digits[:40]!r} is not a number that fits 64 bits{self.where(at)}.")

    def _boolean(self, tree: exp.Boolean, _: int) -> Node:
        return Node("literal", value=bool(tree.this), at=position(tree))

    def _null(self, tree: exp.Null, _: int) -> Node:
        return Node("literal", value=None, at=position(tree))
