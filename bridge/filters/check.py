"""The checker: gives every operation of an expression its type, against one writer schema.

Types are static, so a misused field (a light-curve column as a number, LIKE on a magnitude) is refused
when the filter is compiled and never met on a packet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.alerts.fields import Field, resolve
from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError, SchemaError
from bridge.filters.calls import check_call
from bridge.filters.nodes import NUMERIC, Node, SqlType
from bridge.filters.sqltext import describe_position

__all__ = ["Checker"]

OF_AVRO = {
    "boolean": SqlType.BOOLEAN,
    "int": SqlType.INTEGER,
    "long": SqlType.INTEGER,
    "float": SqlType.DOUBLE,
    "double": SqlType.DOUBLE,
    "string": SqlType.VARCHAR,
    "enum": SqlType.VARCHAR,
}
OF_CAST = {
    "DOUBLE": SqlType.DOUBLE,
    "FLOAT": SqlType.DOUBLE,
    "INTEGER": SqlType.INTEGER,
    "BIGINT": SqlType.INTEGER,
    "VARCHAR": SqlType.VARCHAR,
    "BOOLEAN": SqlType.BOOLEAN,
}


class Checker:
    """Types one expression and remembers the fields that it needs.

    Parameters
    ----------
    schema
        The writer schema.
    text
        The expression, to say where in it something is wrong.

    Attributes
    ----------
    fields
        The fields met so far, by path.
    """

    def __init__(self, schema: Schema, text: str) -> None:
        self.schema = schema
        self.text = text
        self.fields: dict[str, Field] = {}

    def condition(self, node: Node) -> Node:
        """Type an expression that must be TRUE or FALSE.

        Raises
        ------
        ExpressionError
            If a field is unknown or used as what it is not.
        """
        return self.expect(self.check(node), SqlType.BOOLEAN, "a condition")

    def check(self, node: Node) -> Node:
        """The same expression with types."""
        checks: dict[str, Callable[[Node], Node]] = {
            "literal": self._literal,
            "field": self._field,
            "neg": self._neg,
            "arith": self._arith,
            "compare": self._compare,
            "same": self._compare,
            "and": self._logic,
            "or": self._logic,
            "not": self._logic,
            "is_null": self._is_null,
            "is_true": self._is_true,
            "is_false": self._is_true,
            "between": self._compare,
            "in": self._compare,
            "like": self._like,
            "case": self._case,
            "switch": self._switch,
            "cast": self._cast,
            "call": lambda call: check_call(self, call),
        }
        return checks[node.kind](node)

    def refuse(self, node: Node, sentence: str) -> ExpressionError:
        """An error that says where the fault stands."""
        return ExpressionError(f"{sentence.rstrip('.')}{describe_position(self.text, node.at)}.")

    def find(self, node: Node, path: str, *, needed: bool = True) -> Field:
        """What a path reaches; unless told otherwise it is remembered as needed."""
        try:
            field = resolve(self.schema, path)
        except SchemaError as error:
            where = describe_position(self.text, node.at).strip()
            sentence = str(error)
            if "in schema" not in sentence:
                sentence += f" The schema is {self.schema.name}."
            raise ExpressionError(f"{sentence} (In the filter {where}.)" if where else sentence) from None
        if needed:
            self.fields[path] = field
        return field

    def expect(self, node: Node, wanted: SqlType, what: str) -> Node:
        """The node as a value of a type, with NULL fitting any."""
        if node.type is SqlType.NULL:
            return replace(node, type=wanted)
        if node.type is wanted or (wanted is SqlType.DOUBLE and node.type in NUMERIC):
            return node
        hint = ""
        if wanted is SqlType.BOOLEAN and node.type in NUMERIC:
            hint = "; compare it with something, as in x <> 0"
        raise self.refuse(node, f"{describe(node)} is {node.type.value}, but {what} is wanted{hint}")

    def unify(self, nodes: tuple[Node, ...], what: str) -> tuple[tuple[Node, ...], SqlType]:
        """Bring values to one type: the integers among doubles become doubles, NULL becomes anything."""
        for node in nodes:
            if node.type is SqlType.OPAQUE:
                raise self.refuse(node, f"{describe(node)} can only be tested with IS [NOT] NULL")
        found = {node.type for node in nodes} - {SqlType.NULL}
        if found == NUMERIC:
            kind = SqlType.DOUBLE
        elif len(found) > 1:
            first = next(node for node in nodes if node.type is not SqlType.NULL)
            other = next(n for n in nodes if n.type is not SqlType.NULL and n.type is not first.type)
            raise self.refuse(
                other,
                f"{what} cannot mix {describe(first)} ({first.type.value}) with "
                f"{describe(other)} ({other.type.value})",
            )
        else:
            kind = next(iter(found), SqlType.NULL)
        return tuple(as_type(node, kind) for node in nodes), kind

    def _literal(self, node: Node) -> Node:
        kinds = {type(None): SqlType.NULL, bool: SqlType.BOOLEAN, int: SqlType.INTEGER, str: SqlType.VARCHAR}
        return replace(node, type=kinds.get(type(node.value), SqlType.DOUBLE), nullable=node.value is None)

    def _field(self, node: Node) -> Node:
        path = str(node.value)
        field = self.find(node, path)
        if field.kind == "column":
            raise self.refuse(
                node,
                f"{path!r} is a light-curve column, with a value for each epoch; say which one is meant: "
                f"first, last, min, max, avg, median, sum, count or stddev of {path}",
            )
        kind = self.type_of(field)
        return replace(node, type=kind, nullable=field.nullable or kind is SqlType.DOUBLE)

    def type_of(self, field: Field) -> SqlType:
        """SQL type of a field's value, or of a column's elements."""
        # A value inside a map is decoded by fastavro but is as good a scalar as any other.
        if field.logical is not None:
            return SqlType.OPAQUE
        return OF_AVRO.get(field.type, SqlType.OPAQUE)

    def number(self, node: Node) -> Node:
        """The node with types, which must be a number."""
        checked = self.check(node)
        if checked.type is SqlType.NULL:
            return replace(checked, type=SqlType.INTEGER)
        if checked.type not in NUMERIC:
            raise self.refuse(checked, f"{describe(checked)} is {checked.type.value}, but a number is wanted")
        return checked

    def _neg(self, node: Node) -> Node:
        operand = self.number(node.args[0])
        return replace(node, args=(operand,), type=operand.type, nullable=True)

    def _arith(self, node: Node) -> Node:
        args = tuple(self.number(arg) for arg in node.args)
        whole = node.value != "/" and all(arg.type is SqlType.INTEGER for arg in args)
        return replace(node, args=args, type=SqlType.INTEGER if whole else SqlType.DOUBLE, nullable=True)

    def _compare(self, node: Node) -> Node:
        args = tuple(self.check(arg) for arg in node.args)
        _, kind = self.unify(args, "A comparison")
        if kind is SqlType.BOOLEAN and (node.kind == "between" or node.value not in ("=", "<>", None)):
            raise self.refuse(args[0], f"{describe(args[0])} is BOOLEAN, which has no order")
        # Integers are compared with doubles as they are: exactly.
        args = tuple(replace(arg, type=kind) if arg.type is SqlType.NULL else arg for arg in args)
        nullable = node.kind != "same" and any(arg.nullable for arg in args)
        return replace(node, args=args, type=SqlType.BOOLEAN, nullable=nullable)

    def _logic(self, node: Node) -> Node:
        args = tuple(
            self.expect(self.check(arg), SqlType.BOOLEAN, f"a condition beside {node.kind.upper()}")
            for arg in node.args
        )
        return replace(node, args=args, type=SqlType.BOOLEAN, nullable=any(arg.nullable for arg in args))

    def _is_null(self, node: Node) -> Node:
        operand = node.args[0]
        if operand.kind == "field":
            field = self.find(operand, str(operand.value), needed=False)
            if field.kind == "value" and field.type == "array":  # its length is null as well, and is cheap
                field = self.find(operand, f"len({field.path})")
            else:
                field = self.find(operand, field.path)
            kind = SqlType.OPAQUE if field.kind == "column" else self.type_of(field)
            checked = replace(operand, value=field.path, type=kind)
        else:
            checked = self.check(operand)
        return replace(node, args=(checked,), type=SqlType.BOOLEAN, nullable=False)

    def _is_true(self, node: Node) -> Node:
        operand = self.expect(
            self.check(node.args[0]), SqlType.BOOLEAN, "a condition before IS TRUE or FALSE"
        )
        return replace(node, args=(operand,), type=SqlType.BOOLEAN, nullable=False)

    def _like(self, node: Node) -> Node:
        operand = self.expect(self.check(node.args[0]), SqlType.VARCHAR, "a string before LIKE")
        return replace(node, args=(operand,), type=SqlType.BOOLEAN, nullable=operand.nullable)

    def _case(self, node: Node) -> Node:
        checked = [self.check(arg) for arg in node.args]
        conditions = [self.expect(arg, SqlType.BOOLEAN, "a condition after WHEN") for arg in checked[:-1:2]]
        results, kind = self.unify((*checked[1:-1:2], checked[-1]), "The results of CASE")
        if kind is SqlType.NULL:  # whatever is chosen, it is NULL
            return Node("literal", type=kind, at=node.at)
        args = [part for pair in zip(conditions, results, strict=False) for part in pair]
        return replace(node, args=(*args, results[-1]), type=kind)

    def _switch(self, node: Node) -> Node:
        checked = [self.check(arg) for arg in node.args]
        compared, kind = self.unify((checked[0], *checked[1:-1:2]), "The values of CASE")
        results, kind = self.unify((*checked[2:-1:2], checked[-1]), "The results of CASE")
        if kind is SqlType.NULL:  # whatever is chosen, it is NULL
            return Node("literal", type=kind, at=node.at)
        args = [part for pair in zip(compared[1:], results, strict=False) for part in pair]
        return replace(node, args=(compared[0], *args, results[-1]), type=kind)

    def _cast(self, node: Node) -> Node:
        operand = self.check(node.args[0])
        if operand.type is SqlType.OPAQUE:
            raise self.refuse(operand, f"{describe(operand)} can only be tested with IS [NOT] NULL")
        return replace(node, args=(operand,), type=OF_CAST[str(node.value)])


def as_type(node: Node, kind: SqlType) -> Node:
    """A value where one of a type is wanted: integers widen to doubles, NULL becomes anything."""
    if node.type is SqlType.NULL:
        return replace(node, type=kind)
    if node.type is SqlType.INTEGER and kind is SqlType.DOUBLE:
        if node.kind == "literal" and isinstance(node.value, int):
            return replace(node, value=float(node.value), type=kind)
        return Node("widen", (node,), type=kind, nullable=node.nullable, at=node.at)
    return node


def describe(node: Node) -> str:
    """A short name of an expression, for messages."""
    if node.kind == "field":
        return repr(node.value)
    if node.kind == "literal":
        return "NULL" if node.value is None else repr(node.value)
    if node.kind == "call":
        return f"{node.value}()"
    return "the expression"
