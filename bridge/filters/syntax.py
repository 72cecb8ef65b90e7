"""From text to tree: sqlglot reads the SQL, and what is not on the closed list is refused with a sentence.

sqlglot understands far more than a filter may say, so each of its nodes is translated by name, and each of
its options that would change the meaning (DISTINCT, FILTER, ORDER BY, a sub-select in IN) is refused.
The dialect is DuckDB's: ``/`` divides doubles, ``log`` has base 10, names keep their case.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from bridge.errors import ExpressionError
from bridge.filters.arithmetic import INTEGER_MAX
from bridge.filters.dialect import (
    CAST_TYPES,
    COMPARISONS,
    FUNCTION_NAMES,
    OPERATORS,
    REFUSED,
    TRANSLATED,
)
from bridge.filters.functions import FUNCTIONS
from bridge.filters.leaves import Leaves
from bridge.filters.like import compile_like
from bridge.filters.nodes import Node
from bridge.filters.sqltext import (
    MAX_DEPTH,
    position,
    read_sql,
    shorten,
    too_deep,
)

__all__ = ["parse_expression"]


def parse_expression(text: str) -> Node:
    """Parse the text of a filter.

    Raises
    ------
    ExpressionError
        If it is not SQL, or says what filters cannot do.
    """
    return _Translator(text).node(read_sql(text), 0)


class _Translator(Leaves):
    """Turns sqlglot's tree into ours."""

    def node(self, tree: Any, depth: int) -> Node:
        while isinstance(tree, exp.Paren):
            tree = tree.this
        if depth > MAX_DEPTH:
            raise too_deep()
        name = type(tree).__name__
        if name in TRANSLATED:
            translate: Callable[[Any, int], Node] = getattr(self, f"_{name.lower()}")
            return translate(tree, depth + 1)
        if name in COMPARISONS:
            left, right = self._both(tree, depth + 1)
            return Node("compare", (left, right), COMPARISONS[name], at=left.at)
        if name in OPERATORS:
            left, right = self._both(tree, depth + 1)
            return Node("arith", (left, right), OPERATORS[name], at=left.at)
        if isinstance(tree, exp.Func) and name not in REFUSED:
            return self._function(tree, depth + 1)
        what = REFUSED.get(name, f"Expressions such as {shorten(tree)!r}")
        raise ExpressionError(f"{what} cannot be used in a filter{self.where(position(tree))}.")

    def _both(self, tree: exp.Expression, depth: int) -> tuple[Node, Node]:
        left, right = self.options(tree, "this", "expression")
        return self.node(left, depth), self.node(right, depth)

    def _neg(self, tree: exp.Neg, depth: int) -> Node:
        inner = tree.this
        if isinstance(inner, exp.Literal) and not inner.is_string:
            at = position(inner)
            return Node("literal", value=-self.number(str(inner.this), at, INTEGER_MAX + 1), at=at)
        operand = self.node(inner, depth)
        return Node("neg", (operand,), at=operand.at)

    def _and(self, tree: exp.Expression, depth: int) -> Node:
        return self._chain(tree, "and", depth)

    def _or(self, tree: exp.Expression, depth: int) -> Node:
        return self._chain(tree, "or", depth)

    def _chain(self, tree: exp.Expression, kind: str, depth: int) -> Node:
        """A run of ANDs (or ORs) as one node, however long: it is no nesting."""
        operands: list[Any] = []
        waiting: list[Any] = [tree]
        while waiting:
            part = waiting.pop()
            if type(part) is type(tree):
                waiting += [part.expression, part.this]
            elif isinstance(part, exp.Paren):
                waiting.append(part.this)
            else:
                operands.append(part)
        nodes = tuple(self.node(operand, depth) for operand in operands)
        return Node(kind, nodes, at=nodes[0].at)

    def _not(self, tree: exp.Not, depth: int) -> Node:
        return _negated(self.node(tree.this, depth))

    def _is(self, tree: exp.Is, depth: int) -> Node:
        left, right = self.options(tree, "this", "expression")
        operand = self.node(left, depth)
        if isinstance(right, exp.Null):
            return Node("is_null", (operand,), at=operand.at)
        if isinstance(right, exp.Boolean):
            return Node("is_true" if right.this else "is_false", (operand,), at=operand.at)
        raise ExpressionError(
            f"IS takes NULL, TRUE, FALSE or [NOT] DISTINCT FROM{self.where(operand.at)}, "
            f"not {shorten(right)!r}."
        )

    def _nullsafeeq(self, tree: exp.Expression, depth: int) -> Node:
        left, right = self._both(tree, depth)
        return Node("same", (left, right), at=left.at)

    def _nullsafeneq(self, tree: exp.Expression, depth: int) -> Node:
        return _negated(self._nullsafeeq(tree, depth))

    def _between(self, tree: exp.Between, depth: int) -> Node:
        parts = [self.node(part, depth) for part in self.options(tree, "this", "low", "high")]
        return Node("between", tuple(parts), at=parts[0].at)

    def _in(self, tree: exp.In, depth: int) -> Node:
        if tree.args.get("query"):
            raise ExpressionError(f"Sub-selects cannot be used in a filter{self.where(position(tree))}.")
        operand, items = self.options(tree, "this", "expressions")
        if not items:
            raise ExpressionError(f"IN takes a list in parentheses{self.where(position(tree))}.")
        nodes = tuple(self.node(part, depth) for part in (operand, *items))
        return Node("in", nodes, at=nodes[0].at)

    def _like(self, tree: exp.Expression, depth: int, escape: str = "") -> Node:
        text, pattern = self.options(tree, "this", "expression", "negate")[:2]
        if not (isinstance(pattern, exp.Literal) and pattern.is_string):
            raise ExpressionError(
                f"The pattern of LIKE is a string in quotes{self.where(position(tree))}, "
                f"not {shorten(pattern)!r}."
            )
        operand = self.node(text, depth)
        compile_like(str(pattern.this), escape)  # refuses a pattern that is none, while the text is at hand
        value = (type(tree).__name__.lower(), str(pattern.this), escape)
        like = Node("like", (operand,), value, at=operand.at)
        return _negated(like) if tree.args.get("negate") else like

    _ilike = _like

    def _escape(self, tree: exp.Escape, depth: int) -> Node:
        like, escape = self.options(tree, "this", "expression")
        if not isinstance(like, exp.Like | exp.ILike) or not (
            isinstance(escape, exp.Literal) and escape.is_string and len(str(escape.this)) == 1
        ):
            raise ExpressionError(
                f"ESCAPE belongs behind LIKE, with one character{self.where(position(tree))}."
            )
        return self._like(like, depth, str(escape.this))

    def _case(self, tree: exp.Case, depth: int) -> Node:
        subject, branches, default = self.options(tree, "this", "ifs", "default")
        parts = [] if subject is None else [self.node(subject, depth)]
        for branch in branches or ():
            condition, result = self.options(branch, "this", "true")
            parts += [self.node(condition, depth), self.node(result, depth)]
        parts.append(Node("literal", value=None) if default is None else self.node(default, depth))
        return Node("case" if subject is None else "switch", tuple(parts), at=parts[0].at)

    def _if(self, tree: exp.If, _: int) -> Node:
        raise ExpressionError(
            f"if() cannot be used in a filter; write CASE WHEN{self.where(position(tree))}."
        )

    def _cast(self, tree: exp.Expression, depth: int) -> Node:
        operand, to = self.options(tree, "this", "to", "_type")[:2]
        name = str(getattr(to.this, "value", to.this)).upper()
        if name not in CAST_TYPES or to.expressions:
            raise ExpressionError(
                f"{name} is not a type that CAST knows{self.where(position(tree))}; "
                "use DOUBLE, FLOAT, INTEGER, BIGINT, VARCHAR or BOOLEAN."
            )
        node = self.node(operand, depth)
        return Node("cast", (node,), CAST_TYPES[name], at=node.at)

    _trycast = _cast

    def _function(self, tree: Any, depth: int) -> Node:
        if isinstance(tree, exp.Anonymous):
            name = str(tree.this).lower()
            parts = list(tree.expressions)
        else:
            name = type(tree).__name__
            name = FUNCTION_NAMES.get(name, name.lower())
            parts = []
            for option, value in tree.args.items():
                if isinstance(value, list | exp.Expression):
                    parts += value if isinstance(value, list) else [value]
                else:
                    self.options(tree, *(set(tree.args) - {option}))
        at = position(tree)
        at = at if at >= 0 else self.text.lower().find(f"{name}(")
        function = FUNCTIONS.get(name)
        if function is None:
            near = difflib.get_close_matches(name, FUNCTIONS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ExpressionError(f"{name[:60]}() is not a function that filters know{self.where(at)}.{hint}")
        if not function.accepts(len(parts)):
            raise ExpressionError(f"{name}() takes {function.arity}, not {len(parts)}{self.where(at)}.")
        return Node("call", tuple(self.node(part, depth) for part in parts), name, at=at)


def _negated(node: Node) -> Node:
    return Node("not", (node,), at=node.at)
