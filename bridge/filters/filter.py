"""Filters as the rest of the bridge sees them: a text becomes a predicate, many become one function.

A filter is parsed once and compiled once per writer schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from bridge.alerts.decode import decode_datum
from bridge.alerts.fields import Field
from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError
from bridge.filters.check import Checker
from bridge.filters.generate import generate
from bridge.filters.nodes import Node
from bridge.filters.python_filter import PythonFilter
from bridge.filters.syntax import parse_expression

if TYPE_CHECKING:
    from bridge.filters.cap_keys import Cap

__all__ = ["AnyFilter", "Filter", "FilterSet", "Predicate", "Selector", "parse_filter"]


class _Evaluate(Protocol):
    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> bool: ...


class _Select(Protocol):
    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> list[int]: ...


@dataclass(frozen=True, slots=True)
class Predicate:
    """A filter compiled for one schema: ``predicate(data, start, stop)`` is True where the filter is TRUE.

    Parameters
    ----------
    paths
        The fields that it reads.
    evaluate
        The function that decides.
    source
        Its generated source.
    """

    paths: tuple[str, ...]
    evaluate: _Evaluate
    source: str = ""

    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> bool:
        """Whether the datum ``data[start:stop]`` passes; PacketError if it cannot be read."""
        return self.evaluate(data, start, stop)

    def read(self, packet: Packet) -> bool:
        """Whether a packet passes."""
        return self.evaluate(packet.data, packet.start, packet.stop)


@dataclass(frozen=True, slots=True)
class Selector:
    """Many filters compiled for one schema: ``selector(data, start, stop)`` lists the indices that pass.

    Parameters
    ----------
    paths
        The fields that they read, each once.
    evaluate
        The function that decides.
    source
        Its generated source.
    """

    paths: tuple[str, ...]
    evaluate: _Select
    source: str = ""

    def __call__(self, data: bytes, start: int = 0, stop: int | None = None) -> list[int]:
        """Indices of the filters that the datum ``data[start:stop]`` passes, ascending."""
        return self.evaluate(data, start, stop)

    def read(self, packet: Packet) -> list[int]:
        """Indices of the filters that a packet passes."""
        return self.evaluate(packet.data, packet.start, packet.stop)


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition in SQL.

    Parameters
    ----------
    text
        The condition, as in a WHERE clause.
    name
        What to call it in messages and outputs.

    Raises
    ------
    ExpressionError
        If the text is not SQL, or uses what filters do not have.
    """

    text: str
    name: str = ""
    _tree: Node = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Parse the text."""
        try:
            object.__setattr__(self, "_tree", parse_expression(self.text))
        except ExpressionError as error:
            raise self._named(error) from None

    @property
    def paths(self) -> frozenset[str]:
        """The fields that the text names."""
        return frozenset(str(node.value) for node in self._tree.walk() if node.kind == "field")

    def renamed(self, names: Mapping[str, str | None]) -> Filter:
        """The same condition on fields of other names; None makes a field NULL.

        Parameters
        ----------
        names
            Path in the text to the path to be read.
        """
        other = Filter(self.text, self.name)
        object.__setattr__(other, "_tree", _renamed(self._tree, names))
        return other

    def check(self, schema: Schema) -> tuple[Node, dict[str, Field]]:
        """The condition with types, and the fields that it needs, by path.

        Raises
        ------
        ExpressionError
            If a field is unknown in the schema, or used as what it is not.
        """
        checker = Checker(schema, self.text)
        try:
            return checker.condition(self._tree), checker.fields
        except ExpressionError as error:
            raise self._named(error) from None

    def fields(self, schema: Schema) -> tuple[Field, ...]:
        """The fields of a schema that the filter reads, in the order of the text."""
        return tuple(self.check(schema)[1].values())

    def compile(self, schema: Schema) -> Predicate:
        """The filter as a function of a datum.

        Raises
        ------
        ExpressionError
            As `check`.
        """
        condition, fields = self.check(schema)
        function, source = generate(schema, fields, [condition], [self.name], single=True)
        return Predicate(tuple(fields), function, source)

    def _named(self, error: ExpressionError) -> ExpressionError:
        return ExpressionError(f"Filter {self.name!r}: {error}" if self.name else f"Filter: {error}")


def _renamed(node: Node, names: Mapping[str, str | None]) -> Node:
    if node.kind == "field" and node.value in names:
        name = names[str(node.value)]
        return replace(node, value=name) if name is not None else Node("literal", at=node.at)
    return replace(node, args=tuple(_renamed(arg, names) for arg in node.args))


AnyFilter = Filter | PythonFilter


def parse_filter(text: str, name: str = "") -> AnyFilter:
    """A filter of either kind: ``python:module:function``, or else SQL.

    Raises
    ------
    ExpressionError
        If the SQL is not a filter.
    UsageError
        If there is no such function.
    """
    stripped = text.strip()
    if stripped.startswith("python:"):
        return PythonFilter(stripped.removeprefix("python:"), name)
    return Filter(text, name)


class FilterSet:
    """Filters that look at the same packets; their place in the sequence is their index.

    Parameters
    ----------
    filters
        The filters, of either kind.
    caps
        How many alerts each lets through per visit, by index; None, and a sequence left out, is no cap. A
        `Capper` applies them; the filters as such do not know of visits.
    """

    def __init__(self, filters: Sequence[AnyFilter], caps: Sequence[Cap | None] = ()) -> None:
        self.filters = tuple(filters)
        self.caps: tuple[Cap | None, ...] = tuple(caps) or (None,) * len(self.filters)
        self._compiled: dict[Schema, Selector] = {}

    def __len__(self) -> int:
        return len(self.filters)

    def __iter__(self) -> Iterator[AnyFilter]:
        return iter(self.filters)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the outputs, by index: each filter has its own."""
        return tuple(each.name for each in self.filters)

    def outputs(self, met: Sequence[int]) -> Sequence[int]:
        """The outputs for an alert that meets these filters, by index."""
        return met

    def compile(self, schema: Schema) -> Selector:
        """All filters as one function of a datum; compiled once per schema.

        Raises
        ------
        ExpressionError
            If a filter does not fit the schema; the message names filter, field and schema.
        """
        if schema not in self._compiled:
            self._compiled[schema] = self._compile(schema)
        return self._compiled[schema]

    def _compile(self, schema: Schema) -> Selector:
        fields: dict[str, Field] = {}
        conditions: list[Node] = []
        sql: list[int] = []
        python: list[tuple[int, PythonFilter]] = []
        for index, each in enumerate(self.filters):
            if isinstance(each, PythonFilter):
                python.append((index, each))
                continue
            condition, needed = each.check(schema)
            conditions.append(condition)
            fields.update(needed)
            sql.append(index)
        names = [self.filters[index].name for index in sql]
        function, source = generate(schema, fields, conditions, names, single=False)
        if python:
            function = _with_python(schema, function, sql, python)
        return Selector(tuple(fields), function, source)


def _with_python(
    schema: Schema, select: Callable[..., list[int]], sql: list[int], python: list[tuple[int, PythonFilter]]
) -> _Select:
    """Add the Python filters, which share one full decode of the datum."""

    def evaluate(data: bytes, start: int = 0, stop: int | None = None) -> list[int]:
        passed = [sql[index] for index in select(data, start, stop)]
        alert = decode_datum(schema, data, start, stop)
        passed += [index for index, each in python if each.accepts(alert)]
        return sorted(passed)

    return evaluate
