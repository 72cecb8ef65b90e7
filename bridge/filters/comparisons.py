"""Conditions as Python: the forms ``true``, ``false`` and ``value`` of everything that compares or decides.

The base of the generator of expressions, which adds numbers and strings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.filters import runtime
from bridge.filters.nodes import NUMERIC, Node, SqlType

__all__ = ["Comparisons"]

PYTHON = {"=": "==", "<>": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
ROUNDING_DEG = 1e-9  # a separation may come out smaller than the difference of declinations by rounding


class Comparisons:
    """Writes conditions; `plain`, `once` and the rest come from the class that knows values."""

    plain: Callable[[Node], str]
    once: Callable[[str], tuple[str, str]]
    use: Callable[[str, Any], str]
    call: Callable[[Node], str]
    like: Callable[[Node], str]
    shared: Any

    def true(self, node: Node) -> str:
        """Python that holds just where the condition is TRUE."""
        return self._decide(node, True)

    def false(self, node: Node) -> str:
        """Python that holds just where the condition is FALSE."""
        return self._decide(node, False)

    def boolean_value(self, node: Node) -> str:
        """Python that is True, False or None, as the condition is TRUE, FALSE or NULL."""
        values: dict[str, Callable[[Node], str]] = {
            "and": lambda n: self._and_or_value(n, "False", "True"),
            "or": lambda n: self._and_or_value(n, "True", "False"),
            "not": self._not_value,
            "compare": self._compare_value,
            "between": lambda n: self._call_runtime(runtime.between, n.args),
            "in": self._in_value,
            "like": self.like,
            "case": lambda n: self.case(n, self.plain),
            "switch": lambda n: self.switch(n, self.plain),
            "call": self._call_value,
        }
        if node.kind in values:
            return values[node.kind](node)
        return f"(True if {self.true(node)} else False)"  # never NULL

    def _decide(self, node: Node, wanted: bool) -> str:
        decide: dict[str, Callable[[Node, bool], str]] = {
            "literal": lambda n, w: str(n.value is w),
            "field": self._field,
            "and": self._and_or,
            "or": self._and_or,
            "not": lambda n, w: self._decide(n.args[0], not w),
            "compare": self._compare,
            "between": self._between,
            "in": self._in,
            "is_null": self._is_null,
            "is_true": lambda n, w: _not_unless(w, self._decide(n.args[0], True)),
            "is_false": lambda n, w: _not_unless(w, self._decide(n.args[0], False)),
            "same": self._same,
            "case": lambda n, w: self.case(n, lambda arg: self._decide(arg, w)),
            "switch": lambda n, w: self.switch(n, lambda arg: self._decide(arg, w)),
        }
        if node.kind == "call" and node.value == "cone":
            return self._cone(node, wanted)
        if node.kind in decide:
            return decide[node.kind](node, wanted)
        return self.plain(node) if wanted else f"({self.plain(node)} is False)"

    def _field(self, node: Node, wanted: bool) -> str:
        return self.plain(node) if wanted else f"({self.plain(node)} is False)"

    def _and_or(self, node: Node, wanted: bool) -> str:
        word = " and " if (node.kind == "and") is wanted else " or "
        return "(" + word.join(self._decide(arg, wanted) for arg in node.args) + ")"

    def _and_or_value(self, node: Node, decisive: str, other: str) -> str:
        pairs = [self.once(self.plain(arg)) for arg in node.args]
        decided = " or ".join(f"{first} is {decisive}" for first, _ in pairs)
        unknown = " or ".join(f"{again} is None" for _, again in pairs)
        return f"({decisive} if {decided} else None if {unknown} else {other})"

    def _not_value(self, node: Node) -> str:
        first, again = self.once(self.plain(node.args[0]))
        return f"(None if {first} is None else not {again})"

    def _compare(self, node: Node, wanted: bool) -> str:
        operator = str(node.value) if wanted else OPPOSITE[str(node.value)]
        left, right = node.args
        if left.type is SqlType.BOOLEAN:
            for literal, other in ((left, right), (right, left)):
                if literal.kind == "literal" and literal.value is not None:
                    return self._decide(other, (operator == "=") is literal.value)
        return self.compare_true(operator, left, right, self.plain(left))

    def compare_true(self, operator: str, left: Node, right: Node, left_code: str) -> str:
        """Python that holds where ``left operator right`` is TRUE, the left side already written."""
        right_code = self.plain(right)
        python = PYTHON[operator]
        if left.type in NUMERIC:
            if operator != "<>" or not (left.nullable or right.nullable):
                return f"({left_code} {python} {right_code})"
            left_code, left_again = self.once(left_code)
            right_code, right_again = self.once(right_code)
            return f"({left_code} < {right_code} or {left_again} > {right_again})"
        if operator == "=" and not (left.nullable and right.nullable):
            return f"({left_code} == {right_code})"
        guards = []
        if left.nullable:
            left_code, left_again = self.once(left_code)
            guards.append(f"{left_code} is not None")
            left_code = left_again
        if right.nullable:
            right_code, right_again = self.once(right_code)
            guards.append(f"{right_code} is not None")
            right_code = right_again
        return "(" + " and ".join([*guards, f"{left_code} {python} {right_code}"]) + ")"

    def _compare_value(self, node: Node) -> str:
        left, right = node.args
        left_code, left_again = self.once(self.plain(left))
        right_code, right_again = self.once(self.plain(right))
        operator = str(node.value)
        if left.type in NUMERIC:
            hit = "False" if operator == "<>" else "True"
            miss = "True" if operator == "<>" else "False"
            python = "==" if operator == "<>" else PYTHON[operator]
            unknown = f"{left_again} != {left_again} or {right_again} != {right_again}"
            return f"({hit} if {left_code} {python} {right_code} else None if {unknown} else {miss})"
        # Both sides are computed before either is looked at: the second may be used in the result.
        return (
            f"(None if ({left_code} is None) | ({right_code} is None) else "
            f"{left_again} {PYTHON[operator]} {right_again})"
        )

    def _between(self, node: Node, wanted: bool) -> str:
        value, low, high = node.args
        if value.type not in NUMERIC:
            return f"({self._call_runtime(runtime.between, node.args)} is {wanted})"
        if wanted:
            return f"({self.plain(low)} <= {self.plain(value)} <= {self.plain(high)})"
        first, again = self.once(self.plain(value))
        return f"({first} < {self.plain(low)} or {again} > {self.plain(high)})"

    def _call_runtime(self, function: Callable[..., Any], args: tuple[Node, ...]) -> str:
        return f"{self.use(function.__name__, function)}({', '.join(self.plain(arg) for arg in args)})"

    def _in(self, node: Node, wanted: bool) -> str:
        value, *items = node.args
        if any(item.kind != "literal" for item in items) or value.type is SqlType.BOOLEAN:
            return f"({self._in_value(node)} is {wanted})"
        given = [item for item in items if item.value is not None]
        if not wanted and len(given) < len(items):
            return "False"  # with a NULL in the list, nothing is surely outside it
        if not given:
            return "False"
        options = "{" + ", ".join(self.plain(item) for item in given) + "}"
        if wanted:
            return f"({self.plain(value)} in {options})"
        first, again = self.once(self.plain(value))
        there = f"{again} == {again}" if value.type in NUMERIC else f"{again} is not None"
        return f"({first} not in {options} and {there})"

    def _in_value(self, node: Node) -> str:
        value, *items = node.args
        listed = "(" + "".join(self.plain(item) + ", " for item in items) + ")"
        return f"{self.use('member', runtime.member)}({self.plain(value)}, {listed})"

    def _is_null(self, node: Node, wanted: bool) -> str:
        code = self.plain(node.args[0])
        if node.args[0].type in NUMERIC:
            first, again = self.once(code)
            return f"({first} {'!=' if wanted else '=='} {again})"
        first, _ = self.once(code)
        return f"({first} is {'None' if wanted else 'not None'})"

    def _same(self, node: Node, wanted: bool) -> str:
        left_code, left_again = self.once(self.plain(node.args[0]))
        right_code, right_again = self.once(self.plain(node.args[1]))
        code = f"({left_code} == {right_code}"
        if node.args[0].type in NUMERIC:
            code += f" or ({left_again} != {left_again} and {right_again} != {right_again})"
        return _not_unless(wanted, code + ")")

    def case(self, node: Node, write: Callable[[Node], str]) -> str:
        """CASE WHEN condition THEN result ... ELSE result END, the results written by a form."""
        code = write(node.args[-1])
        for condition, result in reversed(list(zip(node.args[:-1:2], node.args[1:-1:2], strict=True))):
            code = f"({write(result)} if {self.true(condition)} else {code})"
        return code

    def switch(self, node: Node, write: Callable[[Node], str]) -> str:
        """CASE subject WHEN value THEN result ... ELSE result END; the subject is computed once."""
        subject, *branches, default = node.args
        first, again = self.once(self.plain(subject))
        pairs = list(zip(branches[::2], branches[1::2], strict=True))
        written = [
            (self.compare_true("=", subject, value, again if index else first), write(result))
            for index, (value, result) in enumerate(pairs)
        ]
        code = write(default)
        for condition, result in reversed(written):
            code = f"({result} if {condition} else {code})"
        return code

    def _cone(self, node: Node, wanted: bool) -> str:
        separation, radius, dec, dec0 = node.args
        if not wanted:
            return f"({self.plain(separation)} > {self.plain(radius)})"
        first, again = self.once(self.plain(radius))
        band = f"abs({self.plain(dec)} - {self.plain(dec0)}) <= {first} + {ROUNDING_DEG}"
        return f"({band} and {self.plain(separation)} <= {again})"

    def _call_value(self, node: Node) -> str:
        if node.value == "isnan":
            first, again = self.once(self.plain(node.args[0]))
            return f"(None if {first} is None else {again} != {again})"
        if node.value == "cone":
            separation, radius = node.args[:2]
            compare = Node("compare", (separation, radius), "<=", SqlType.BOOLEAN)
            return self._compare_value(compare)
        return self.call(node)


def _not_unless(wanted: bool, code: str) -> str:
    return code if wanted else f"(not {code})"
