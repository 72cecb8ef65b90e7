"""Rules about What: names that can be asked for, values that are what they say, tables that add up."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from lxml import etree

from bridge.validate.finding import Context, Finding, Rule, found

__all__ = ["RULES", "check_what"]

# What XML Schema takes as a float, and what every reader takes as an int.
_FLOAT = re.compile(r"\s*([+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|-?INF|NaN)\s*\Z")
_INT = re.compile(r"\s*[+-]?\d+\s*\Z")

NAME = Rule(
    "name",
    "warning",
    "A Param, Field or second Group or Table without a name cannot be asked for.",
    "Give it a name.",
    "VOEvent 2.1",
)
REPEATED = Rule(
    "name-repeated",
    "warning",
    "Two Params, Fields, Groups or Tables at one place have the same name; readers get one of them.",
    "Names are unique at the level of What, and in each Group and Table.",
    "VOEvent 2.1",
)
VALUE = Rule(
    "value-type",
    "warning",
    "A value is not of its dataType.",
    "Write the number as a number, or leave dataType out (it is string then); leave out what is unknown.",
    "VOEvent 2.0",
)
NO_VALUE = Rule(
    "value-missing",
    "advice",
    "A Param has neither a value attribute nor a Value.",
    'value="..." or <Value>...</Value>; leave out what is unknown.',
    "VOEvent 2.0",
)
TWICE = Rule(
    "value-twice",
    "warning",
    "A Param has both a value attribute and a Value; readers take the attribute.",
    "Keep one of them.",
    "VOEvent 2.1",
)
WIDTH = Rule(
    "table-width",
    "warning",
    "A row has not as many cells as the table has Fields.",
    "One TD for each Field, empty where there is no value.",
    "VOEvent 2.0",
)
DATA_TYPE = Rule(
    "data-type",
    "advice",
    "A Param holds a number and does not say so: without dataType it is a string.",
    'dataType="float" or "int".',
    "VOEvent 2.0",
)

RULES = (NAME, REPEATED, VALUE, NO_VALUE, TWICE, WIDTH, DATA_TYPE)


def check_what(packet: Context) -> Iterator[Finding]:
    """Findings in What."""
    what = packet.sections.get("What")
    if what is None:
        return
    yield from _level(what)
    for kind in ("Group", "Table"):
        yield from _containers(what.findall(f"{{*}}{kind}"), kind)
    for group in what.iterchildren("{*}Group"):
        yield from _level(group)
    for table in what.iterchildren("{*}Table"):
        yield from _level(table)
        yield from _table(table)


def _level(parent: etree._Element) -> Iterator[Finding]:
    """Params and Fields that stand side by side."""
    params, fields = parent.findall("{*}Param"), parent.findall("{*}Field")
    for kind, elements in (("Param", params), ("Field", fields)):
        seen: Counter[str] = Counter()
        for element in elements:
            name = element.get("name")
            if not name:
                yield found(NAME, element, f"This {kind} has no name.")
                continue
            seen[name] += 1
            if seen[name] == 2:
                yield found(REPEATED, element, f"There is another {kind} named {name!r} beside it.")
    for param in params:
        yield from _value(param)


def _value(param: etree._Element) -> Iterator[Finding]:
    written, inner = param.get("value"), param.find("{*}Value")
    if written is not None and inner is not None:
        yield found(TWICE, param, f"The attribute says {written!r} and Value says {inner.text or ''!r}.")
    text = written if written is not None else None if inner is None else inner.text or ""
    if text is None:
        yield found(NO_VALUE, param, f"Param {param.get('name', '')!r} has no value.")
        return
    kind = param.get("dataType")
    if not _is(text, kind):
        yield found(VALUE, param, f"{text!r} is not {_article(kind)}.")
    elif kind is None and _FLOAT.match(text) and param.get("unit"):
        yield found(DATA_TYPE, param, f"{text!r} in {param.get('unit')} is a string as it stands.")


def _containers(elements: list[etree._Element], kind: str) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for element in elements:
        name = element.get("name") or ""
        seen[name] += 1
        if seen[name] != 2:
            continue
        if name:
            yield found(REPEATED, element, f"There is another {kind} named {name!r}.")
        else:
            yield found(NAME, element, f"There is more than one {kind} without a name.")


def _table(table: etree._Element) -> Iterator[Finding]:
    fields = table.findall("{*}Field")
    kinds = [field.get("dataType") for field in fields]
    for row in table.iterfind("{*}Data/{*}TR"):
        cells = row.findall("{*}TD")
        if len(cells) != len(fields):
            yield found(WIDTH, row, f"It has {len(cells)} cells, and there are {len(fields)} Fields.")
            continue
        for cell, kind, field in zip(cells, kinds, fields, strict=True):
            # An empty cell is how a table says that there is no value.
            if kind is not None and cell.text and not _is(cell.text, kind):
                yield found(
                    VALUE, cell, f"{cell.text!r} is not {_article(kind)}, as {field.get('name')!r} is."
                )


def _is(text: str, kind: str | None) -> bool:
    if kind == "float":
        return _FLOAT.match(text) is not None
    return kind != "int" or _INT.match(text) is not None


def _article(kind: str | None) -> str:
    return "an int" if kind == "int" else f"a {kind}"
