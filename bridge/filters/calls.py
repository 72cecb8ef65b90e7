"""Checks of function calls: which arguments each function of the closed list takes, and what it gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.filters.functions import FUNCTIONS, Function
from bridge.filters.nodes import NUMERIC, Node, SqlType

if TYPE_CHECKING:
    from bridge.filters.check import Checker

__all__ = ["check_call"]

OF_RESULT = {
    "double": SqlType.DOUBLE,
    "integer": SqlType.INTEGER,
    "text": SqlType.VARCHAR,
    "boolean": SqlType.BOOLEAN,
}
ARITHMETIC_ONLY = frozenset({"sum", "avg", "median", "stddev"})
MOST_DIGITS = 15


def check_call(checker: Checker, node: Node) -> Node:
    """Type a call and its arguments.

    Raises
    ------
    ExpressionError
        If an argument is not what the function takes.
    """
    function = FUNCTIONS[str(node.value)]
    kind = function.takes[0]
    if kind == "column":
        return _aggregate(checker, node, function)
    if kind == "field":
        return _is_nan(checker, node)
    if kind == "sized":
        return _length(checker, node)
    if kind == "any":
        return _of_any(checker, node, function)
    args = tuple(
        _digits(checker, arg)
        if takes == "digits"
        else checker.number(arg)
        if takes == "number"
        else checker.expect(checker.check(arg), SqlType.VARCHAR, f"a string in {function.name}()")
        for arg, takes in zip(node.args, function.takes, strict=False)
    )
    if function.name == "cone":
        return _cone(checker, node, args)
    if function.name == "log" and len(args) == 1:
        node = replace(node, value="log10")
    if function.name == "log" and args[0].kind == "literal" and args[0].value == 10 and len(args) == 2:
        node, args = replace(node, value="log10"), args[1:]
    if function.gives == "number":
        result = SqlType.INTEGER if args[0].type is SqlType.INTEGER else SqlType.DOUBLE
    else:
        result = OF_RESULT[function.gives]
    return replace(node, args=args, type=result)


def _digits(checker: Checker, node: Node) -> Node:
    checked = checker.check(node)
    if checked.kind != "literal" or type(checked.value) is not int or abs(checked.value) > MOST_DIGITS:
        raise checker.refuse(
            node, f"round() takes its digits as a whole number from -{MOST_DIGITS} to {MOST_DIGITS}"
        )
    return checked


def _aggregate(checker: Checker, node: Node, function: Function) -> Node:
    arg = node.args[0]
    name = function.name
    if arg.kind != "field":
        raise checker.refuse(node, f"{name}() takes a light-curve column such as prv_candidates.magpsf")
    field = checker.find(arg, str(arg.value))
    if field.kind != "column":
        hint = "; of several values take least() or greatest()" if name in ("min", "max") else ""
        raise checker.refuse(
            arg, f"{name}() takes a light-curve column, but {field.path!r} is a single value{hint}"
        )
    kind = checker.type_of(field)
    if (name in ARITHMETIC_ONLY and kind not in NUMERIC) or (
        name in ("min", "max") and kind not in (*NUMERIC, SqlType.VARCHAR)
    ):
        raise checker.refuse(arg, f"{name}() cannot be taken of {field.path!r}, a column of {field.type}")
    if kind is SqlType.OPAQUE and name != "count":
        raise checker.refuse(arg, f"only count() can be taken of {field.path!r}, a column of {field.type}")
    column = replace(arg, kind="raw", type=SqlType.OPAQUE)
    results = {"column": kind, "number": kind, "integer": SqlType.INTEGER, "double": SqlType.DOUBLE}
    return replace(node, args=(column,), type=results[function.gives], nullable=name != "count")


def _is_nan(checker: Checker, node: Node) -> Node:
    arg = node.args[0]
    field = checker.find(arg, str(arg.value)) if arg.kind == "field" else None
    if field is None or field.kind == "column" or checker.type_of(field) is not SqlType.DOUBLE:
        raise checker.refuse(
            node,
            "isnan() takes the name of a float or double field; NaN anywhere else reads as NULL, "
            "which IS NULL tests",
        )
    return replace(node, args=(replace(arg, kind="raw", type=SqlType.OPAQUE),), type=SqlType.BOOLEAN)


def _length(checker: Checker, node: Node) -> Node:
    arg = node.args[0]
    if arg.kind == "field":
        field = checker.find(arg, str(arg.value), needed=False)
        if field.type == "array":
            path = f"len({field.path})"
            length = checker.find(arg, path)
            return Node("field", (), path, SqlType.INTEGER, length.nullable, node.at)
        if field.kind == "column" or (field.kind == "scalar" and field.type in ("bytes", "fixed")):
            checker.find(arg, field.path)
            raw = replace(arg, kind="raw", type=SqlType.OPAQUE)
            return replace(node, args=(raw,), type=SqlType.INTEGER)
    text = checker.expect(checker.check(arg), SqlType.VARCHAR, "a string or an array in length()")
    return replace(node, args=(text,), type=SqlType.INTEGER)


def _of_any(checker: Checker, node: Node, function: Function) -> Node:
    checked = tuple(checker.check(arg) for arg in node.args)
    args, kind = checker.unify(checked, f"{function.name}()")
    if kind is SqlType.NULL:
        return Node("literal", type=SqlType.NULL, at=node.at)
    if function.name in ("least", "greatest") and kind is SqlType.BOOLEAN:
        raise checker.refuse(node, f"{function.name}() takes numbers or strings")
    if function.gives == "first":  # a comparison: what comes out keeps the type it has
        args = tuple(replace(arg, type=kind) if arg.type is SqlType.NULL else arg for arg in checked)
        kind = args[0].type
    nullable = function.gives == "first" or all(arg.nullable for arg in args)
    return replace(node, args=args, type=kind, nullable=nullable)


def _cone(checker: Checker, node: Node, args: tuple[Node, ...]) -> Node:
    """A cone is a separation, so that filters around one position share it, and a declination band first."""
    _, dec, _, dec0, radius = args
    for arg, limit, what in ((dec0, 90, "declination"), (radius, 180, "radius")):
        if arg.kind == "literal" and isinstance(arg.value, int | float):
            low = 0 if what == "radius" else -limit
            if not low <= arg.value <= limit:
                raise checker.refuse(
                    node, f"cone() has a {what} of {arg.value} degrees; it goes from {low} to {limit}"
                )
    separation = Node("call", args[:4], "separation", SqlType.DOUBLE, True, node.at)
    return replace(node, args=(separation, radius, dec, dec0), type=SqlType.BOOLEAN)
