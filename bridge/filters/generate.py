"""From typed conditions to one Python function: fields unpacked once, costly shared expressions kept.

A hundred filters over one packet differ in their numbers more than in their fields, so one function for all
of them reads each field once and keeps every function call, cast or pattern match that occurs twice.
The source is registered with linecache: a traceback or a debugger shows the generated lines.
"""

from __future__ import annotations

import hashlib
import linecache
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bridge.alerts.fields import Field
from bridge.alerts.lens import compile_lens
from bridge.alerts.schema import Schema
from bridge.filters.emit import Emitter
from bridge.filters.nodes import NUMERIC, Node

__all__ = ["generate", "generate_values"]

COSTLY = frozenset({"call", "like"})
WRITTEN_OUT = frozenset({"cone", "isnan", "coalesce", "nullif"})  # calls that become plain Python


def generate(
    schema: Schema,
    fields: Mapping[str, Field],
    conditions: Sequence[Node],
    names: Sequence[str],
    *,
    single: bool,
) -> tuple[Callable[..., Any], str]:
    """Write and compile the function that evaluates conditions on a datum.

    Parameters
    ----------
    schema
        The writer schema.
    fields
        All fields that the conditions need, by path.
    conditions
        Typed conditions.
    names
        Names of the filters, for comments in the source.
    single
        Whether to answer for the one condition (a bool) and not for all (the indices of those that hold).

    Returns
    -------
    tuple
        The function ``(data, start=0, stop=None)``, and its source.
    """
    emitter, lines = _begin(fields, conditions)
    if single:
        lines.append(f"    return True if {emitter.true(conditions[0])} else False")
    else:
        lines.append("    passed = []")
        for index, (condition, filter_name) in enumerate(zip(conditions, names, strict=True)):
            lines.append(f"    if {emitter.true(condition)}: passed.append({index})  # {filter_name!r}")
        lines.append("    return passed")
    return _finish(schema, fields, emitter, lines)


def generate_values(
    schema: Schema, fields: Mapping[str, Field], values: Sequence[Node]
) -> tuple[Callable[..., Any], str]:
    """Write and compile the function that gives the values of expressions on a datum.

    Parameters
    ----------
    schema, fields
        As `generate`.
    values
        Typed expressions.

    Returns
    -------
    tuple
        The function ``(data, start=0, stop=None)``, which gives a tuple (NULL is NaN among numbers, else
        None), and its source.
    """
    emitter, lines = _begin(fields, values)
    lines.append(f"    return ({''.join(f'{emitter.plain(value)}, ' for value in values)})")
    return _finish(schema, fields, emitter, lines)


def _begin(fields: Mapping[str, Field], expressions: Sequence[Node]) -> tuple[Emitter, list[str]]:
    """The lines that read the fields, and what writes expressions of them."""
    variables = {path: f"f{index}" for index, path in enumerate(fields)}
    nodes = [node for expression in expressions for node in expression.walk()]
    numeric = {str(node.value) for node in nodes if node.kind == "field" and node.type in NUMERIC}
    raw = {str(node.value) for node in nodes if node.kind == "raw"} & numeric
    raw_variables = {
        path: name.replace("f", "r") if path in raw else name for path, name in variables.items()
    }
    shared = _shared(expressions)
    lines = ["def evaluate(data, start=0, stop=None):"]
    if variables:
        lines.append(f"    {', '.join(variables.values())}, = lens(data, start, stop)")
    for path, name in variables.items():
        lines.append(f"    # {name} is {path!r}")
        if path in raw:
            lines.append(f"    {raw_variables[path]} = {name}")
        if path in numeric and fields[path].nullable:
            lines.append(f"    if {name} is None: {name} = NAN")
    lines += [f"    {name} = ..." for name in shared.values()]
    return Emitter(variables, raw_variables, shared), lines


def _finish(
    schema: Schema, fields: Mapping[str, Field], emitter: Emitter, lines: Sequence[str]
) -> tuple[Callable[..., Any], str]:
    source = "\n".join(lines) + "\n"
    namespace = dict(emitter.names)
    if fields:
        namespace["lens"] = compile_lens(schema, tuple(fields))
    return _compile(source, namespace), source


def _shared(conditions: Sequence[Node]) -> dict[Node, str]:
    """Costly expressions that occur more than once, each with a variable."""
    seen = Counter(
        node
        for condition in conditions
        for node in condition.walk()
        if node.kind in COSTLY and node.value not in WRITTEN_OUT
    )
    return {node: f"s{index}" for index, node in enumerate(n for n, count in seen.items() if count > 1)}


def _compile(source: str, namespace: dict[str, Any]) -> Callable[..., Any]:
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    filename = f"<filters {digest}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    exec(compile(source, filename, "exec"), namespace)
    function: Callable[..., Any] = namespace["evaluate"]
    return function
