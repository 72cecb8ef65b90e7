"""What a mapping file says about the content of a packet: groups, tables, cutouts, inferences.

Kept apart from `load`, which reads what a packet has once: who, where, when, how.
"""

from __future__ import annotations

from typing import Any

from bridge.errors import MappingError
from bridge.mapping.content import Cutout, Group, Inference, Paths, Table, Value
from bridge.mapping.convert import CONVERSIONS
from bridge.mapping.section import Section

__all__ = [
    "read_cutout",
    "read_each",
    "read_group",
    "read_inference",
    "read_params",
    "read_scalars",
    "read_table",
]

DATA_TYPES = ("string", "float", "int")


def read_params(section: Section) -> tuple[Value, ...]:
    """``[params]``: the Params that stand directly in What."""
    return _values(section, "", optional=True)


def read_each(section: Section) -> Value | None:
    """How the members of an object or array that the mapping cannot name are written; None without a path."""
    if not section.left:
        return None
    value = _value(section, "", "", (), optional=True)
    if not value.paths:
        raise MappingError(f"{section.where} has no 'path', which it needs.")
    return value


def read_group(section: Section) -> Group:
    """One ``[[group]]``."""
    prefix = _prefix(section)
    optional = section.take("optional", bool)
    params = section.section("params")
    group = Group(
        name=section.take("name", str, needed=True),
        about=section.take("about", str),
        params=_values(params, prefix, optional),
        flags=tuple((path.rsplit(".", 1)[-1], prefix + path) for path in section.paths("flags")),
        optional=optional,
        type=section.take("type", str),
        each=read_each(section.section("each")),
    )
    section.finish()
    return group


def read_table(section: Section) -> Table:
    """One ``[[table]]``."""
    optional = section.take("optional", bool)
    source = section.paths("from", needed=True)
    table = Table(
        name=section.take("name", str, needed=True),
        about=section.take("about", str),
        source=source,
        time=section.take("time", str),
        where_set=section.take("where_set", str),
        where_null=section.take("where_null", str),
        current=section.take("current", str),
        optional=optional,
        columns=_values(section.section("columns"), "", optional=False),
    )
    if table.where_set and table.where_null:
        raise MappingError(f"{section.where}: give 'where_set' or 'where_null', not both.")
    if not table.columns:
        raise MappingError(f"{section.where} has no columns: add a [table.columns] with one line a column.")
    section.finish()
    return table


def read_cutout(section: Section) -> Cutout:
    """One ``[[cutout]]``."""
    cutout = Cutout(
        name=section.take("name", str, needed=True),
        path=section.take("path", str, needed=True),
        format=section.choice("format", ("fits", "fits.gz", "multiorder.fits"), "fits"),
        about=section.take("about", str),
        param=section.take("param", str),
        group=section.take("group", str),
    )
    section.finish()
    return cutout


def read_inference(section: Section) -> Inference:
    """One ``[[why.inference]]``."""
    each = section.paths("each")
    inference = Inference(
        each=each,
        name=section.take("name", str, needed=not each),
        probability=section.paths("probability", needed=not each),
        concept=section.take("concept", str),
        concept_from=section.paths("concept_from"),
        codes=_codes(section),
        relation=section.take("relation", str),
        absent=read_scalars(section, "absent"),
        about=section.take("about", str),
        optional=section.take("optional", bool, True),
    )
    section.finish()
    return inference


def read_scalars(section: Section, key: str) -> tuple[Any, ...] | None:
    """A list of texts and numbers; None where the key is missing."""
    section.known.append(key)
    value = section.left.pop(key, None)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, (str, int, float, bool)) for item in value):
        raise MappingError(f"{section.where}, {key!r}: a list of texts and numbers is wanted, not {value!r}.")
    return tuple(value)


def _values(section: Section, prefix: str, optional: bool) -> tuple[Value, ...]:
    return tuple(
        _value(section.section(name), name, prefix, (name,), optional) for name in list(section.left)
    )


def _value(section: Section, name: str, prefix: str, paths: Paths, optional: bool) -> Value:
    constant = section.take("value", str) if "value" in section.left else None
    value = Value(
        name=name,
        paths=tuple(prefix + path for path in section.paths("path", paths)) if constant is None else (),
        ucd=section.take("ucd", str),
        unit=section.take("unit", str),
        about=section.take("is", str),
        convert=section.choice("convert", tuple(CONVERSIONS)),
        codes=_codes(section),
        absent=read_scalars(section, "absent"),
        optional=section.take("optional", bool, optional),
        constant=constant,
        type=section.choice("type", DATA_TYPES),
        join=section.take("join", str, " "),
    )
    section.known += ["value"]
    section.finish()
    return value


def _codes(section: Section) -> dict[str, str] | None:
    codes = section.take("codes", dict)
    return {str(code): str(word) for code, word in codes.items()} or None


def _prefix(section: Section) -> str:
    prefix = section.take("from", str)
    return f"{prefix}." if prefix else ""
