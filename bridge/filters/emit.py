"""The generator of expressions: a typed tree becomes the text of a Python expression.

Numbers carry NULL as NaN: arithmetic and comparisons then keep SQL's rules by themselves, and the usual
condition, `x >= 0.65` as one of many that must be TRUE, is those very characters. Conditions are written
in one of three forms: ``true`` (an expression that holds just where SQL says TRUE), ``false`` (just where it
says FALSE) and ``value`` (True, False or None), the last only where the third value matters. Each form
writes each operand once, so the code grows with the filter and not faster.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from bridge.filters import runtime
from bridge.filters.arithmetic import NAN, checked, remainder
from bridge.filters.comparisons import Comparisons
from bridge.filters.functions import FUNCTIONS
from bridge.filters.like import compile_like
from bridge.filters.nodes import NUMERIC, Node, SqlType

__all__ = ["Emitter"]

ATOM = re.compile(r"-?\w+(\.\w+)?")


class Emitter(Comparisons):
    """Writes the expressions of one function.

    Parameters
    ----------
    variables
        The variable that holds each field, by path.
    raw_variables
        The variable that holds each field before NULL became NaN, by path.
    shared
        Expressions that are worth keeping, each with the variable for it (unset: ``...``).

    Attributes
    ----------
    names
        What the generated code calls, by the name it uses.
    """

    def __init__(
        self, variables: Mapping[str, str], raw_variables: Mapping[str, str], shared: Mapping[Node, str]
    ) -> None:
        self.variables = variables
        self.raw_variables = raw_variables
        self.shared = shared
        self.names: dict[str, Any] = {"NAN": NAN}
        self.temporaries = 0
        self.written: dict[Node, str] = {}
        self.matchers: dict[tuple[str, ...], str] = {}

    def once(self, code: str) -> tuple[str, str]:
        """An operand that is needed again: how to write it the first time, and after that."""
        if ATOM.fullmatch(code):
            return code, code
        self.temporaries += 1
        name = f"t{self.temporaries}"
        return f"({name} := {code})", name

    def use(self, name: str, thing: Any) -> str:
        """Make something callable from the generated code."""
        self.names[name] = thing
        return name

    def plain(self, node: Node) -> str:
        """A value in its own form: a number or NaN; a string, a boolean or None."""
        if node not in self.shared:
            return self._write(node)
        name = self.shared[node]
        if node not in self.written:
            self.written[node] = f"({name} if {name} is not ... else ({name} := {self._write(node)}))"
        return self.written[node]

    def _write(self, node: Node) -> str:
        if node.type is SqlType.BOOLEAN and node.kind not in ("field", "literal", "cast"):
            return self.boolean_value(node)
        writers: dict[str, Callable[[Node], str]] = {
            "literal": self._literal,
            "field": lambda field: self.variables[str(field.value)],
            "raw": lambda field: self.raw_variables[str(field.value)],
            "neg": self._neg,
            "arith": self._arith,
            "widen": lambda widened: f"({self.plain(widened.args[0])} + 0.0)",
            "case": lambda case: self.case(case, self.plain),
            "switch": lambda switch: self.switch(switch, self.plain),
            "cast": self._cast,
            "call": self.call,
        }
        return writers[node.kind](node)

    def _literal(self, node: Node) -> str:
        if node.value is None:
            return "NAN" if node.type in NUMERIC else "None"
        return repr(node.value)

    def _neg(self, node: Node) -> str:
        operand = (
            f"-{self.plain(node.args[0])}"
            if node.args[0].kind != "literal"
            else f"-({self.plain(node.args[0])})"
        )
        return self._in_range(node, operand)

    def _in_range(self, node: Node, code: str) -> str:
        if node.type is SqlType.INTEGER:
            return f"{self.use('checked', checked)}({code})"
        return f"({code})"

    def _arith(self, node: Node) -> str:
        left, right = node.args
        if node.value == "%":
            return f"{self.use('remainder', remainder)}({self.plain(left)}, {self.plain(right)})"
        if node.value != "/":
            return self._in_range(node, f"{self.plain(left)} {node.value} {self.plain(right)}")
        if right.kind == "literal" and right.value:
            return f"({self.plain(left)} / {self.plain(right)})"
        first, again = self.once(self.plain(right))
        return f"({self.plain(left)} / {again} if {first} else NAN)"

    def _cast(self, node: Node) -> str:
        operand = self.plain(node.args[0])
        if node.value == "INTEGER":
            return f"{self.use('cast_integer', runtime.cast_integer)}({operand}, 32)"
        casts: dict[str, Callable[[Any], Any]] = {
            "BIGINT": runtime.cast_integer,
            "DOUBLE": runtime.cast_double,
            "FLOAT": runtime.cast_float,
            "VARCHAR": runtime.cast_varchar,
            "BOOLEAN": runtime.cast_boolean,
        }
        cast = casts[str(node.value)]
        return f"{self.use(cast.__name__, cast)}({operand})"

    def call(self, node: Node) -> str:
        """A call of a function of the closed list."""
        name = str(node.value)
        args = [self.plain(arg) for arg in node.args]
        if name == "coalesce":
            *firsts, code = args
            for first in reversed(firsts):
                first, again = self.once(first)
                there = f"{first} == {again}" if node.type in NUMERIC else f"{first} is not None"
                code = f"({again} if {there} else {code})"
            return code
        if name == "nullif":
            first, again = self.once(args[0])
            nothing = "NAN" if node.type in NUMERIC else "None"
            return f"({nothing} if {first} == {args[1]} else {again})"
        if node.type is SqlType.VARCHAR and name in ("least", "greatest"):
            chosen = runtime.smallest_text if name == "least" else runtime.largest_text
            return f"{self.use(chosen.__name__, chosen)}({', '.join(args)})"
        if name == "abs" and node.type is SqlType.DOUBLE:
            return f"abs({args[0]})"
        function = FUNCTIONS[name].call
        code = f"{self.use(f'sql_{name}', function)}({', '.join(args)})"
        if name in ("min", "max", "first", "last") and node.type in NUMERIC:
            # An aggregate of nothing is None; it joins the numbers as NaN.
            first, again = self.once(code)
            return f"(NAN if {first} is None else {again})"
        return code

    def like(self, node: Node) -> str:
        """A match of a pattern: True, False or None."""
        pattern = node.value
        assert isinstance(pattern, tuple)
        if pattern not in self.matchers:
            kind, text, escape = pattern
            self.matchers[pattern] = self.use(
                f"like{len(self.matchers)}", compile_like(text, escape, ignore_case=kind == "ilike")
            )
        return f"{self.matchers[pattern]}({self.plain(node.args[0])})"
