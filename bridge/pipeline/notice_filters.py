"""Filters on JSON notices: the conditions for alerts, on documents that have no schema.

For each notice a small record is made of the values that a condition names, with a schema of their types,
and the condition is compiled for it as for an alert. A value that a notice lacks is NULL. Notices of one kind
have the same types, so few schemas are met.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import fastavro

from bridge.alerts.schema import parse_schema
from bridge.errors import ExpressionError, PacketError
from bridge.filters import AnyFilter, Filter, Predicate
from bridge.mapping.documents.paths import value_at

__all__ = ["NoticeFilters"]

LONG = 1 << 63
_Key = tuple[int, tuple[str, ...]]


class NoticeFilters:
    """Tells which notices pass.

    Parameters
    ----------
    filters
        A notice passes if it meets any of these. Those that name nothing that it has or could have are meant
        for others; where all of them are, it passes.
    """

    def __init__(self, filters: Sequence[AnyFilter]) -> None:
        self._filters = tuple(filters)
        self._compiled: dict[_Key, Predicate | None] = {}

    def __call__(self, content: dict[str, Any], could_have: frozenset[str] = frozenset()) -> bool:
        """Whether a notice passes; parameters and errors are those of `met`."""
        met = self.met(content, could_have)
        return met is None or bool(met)

    def met(self, content: dict[str, Any], could_have: frozenset[str] = frozenset()) -> list[int] | None:
        """Indices of the filters that a notice meets, ascending; None where none is meant for it.

        Parameters
        ----------
        content
            The notice.
        could_have
            Names at the top of notices of its kind, whether it has them or not.

        Raises
        ------
        PacketError
            If a condition uses a value of the notice as what it is not, or a Python filter fails.
        """
        met: list[int] | None = None
        for index, each in enumerate(self._filters):
            if not isinstance(each, Filter):
                meets = each.accepts(content)
            elif not each.paths or any(
                (top := path.split(".")[0]) in content or top in could_have for path in each.paths
            ):
                meets = self._meets(index, each, content)
            else:
                continue
            met = met or []
            if meets:
                met.append(index)
        return met

    def _meets(self, index: int, condition: Filter, content: dict[str, Any]) -> bool:
        paths = sorted(condition.paths)
        typed = [_typed(value_at(content, path)) for path in paths]
        key = (index, tuple(kind for kind, _ in typed))
        if key not in self._compiled:
            self._compiled[key] = _compile(condition, paths, key[1])
        predicate = self._compiled[key]
        if predicate is None:
            return False
        out = io.BytesIO()
        record = {f"f{number}": value for number, (kind, value) in enumerate(typed) if kind}
        fastavro.schemaless_writer(out, _schema(key[1]).parsed, record)
        return predicate(out.getvalue())


def _compile(condition: Filter, paths: Sequence[str], kinds: Sequence[str]) -> Predicate | None:
    """The condition for values of these types; None where it cannot be TRUE for want of one."""
    names = {path: f"f{number}" if kinds[number] else None for number, path in enumerate(paths)}
    try:
        return condition.renamed(names).compile(_schema(tuple(kinds)))
    except ExpressionError as error:
        if not all(kinds):
            # What is missing may have been an array, of which an aggregate is taken.
            return None
        words = str(error)
        for path, name in names.items():
            words = words.replace(repr(name), repr(path))
        raise PacketError(words.rstrip(".")) from None


def _schema(kinds: tuple[str, ...]) -> Any:
    fields = [{"name": f"f{number}", "type": _avro_type(kind)} for number, kind in enumerate(kinds) if kind]
    return parse_schema({"type": "record", "name": "notice", "fields": fields})


def _avro_type(kind: str) -> Any:
    element = kind.removesuffix("[]")
    return kind if element == kind else {"type": "array", "items": ["null", element]}


def _typed(value: Any) -> tuple[str, Any]:
    """Avro type of a value (``long[]``: an array) and the value in it; an empty type for none."""
    if value is None:
        return "", None
    if isinstance(value, list):
        kinds = {_typed(element)[0] for element in value if element is not None}
        if kinds <= {"long", "double"}:
            return ("long[]" if kinds == {"long"} else "double[]"), value
        if kinds == {"boolean"} or kinds == {"string"}:
            return f"{kinds.pop()}[]", [_typed(element)[1] for element in value]
        return "bytes", b""
    if isinstance(value, bool):
        return "boolean", value
    if isinstance(value, int):
        return ("long", value) if -LONG <= value < LONG else ("double", float(value))
    if isinstance(value, float):
        return "double", value
    if isinstance(value, str):
        # JSON can say a lone surrogate, and Avro cannot.
        return "string", value.encode(errors="replace").decode()
    # An object is something that IS NOT NULL, and nothing else.
    return "bytes", b""
