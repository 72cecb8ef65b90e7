"""Checks a mapping against schemas, the UCD vocabulary and VOUnits, and says all that is wrong at once.

The compiler stops at the first fault, as it must; the author of a mapping wants the whole list.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.alerts.fields import has_path, list_fields, resolve
from bridge.alerts.schema import Schema
from bridge.errors import MappingError, PacketError, SchemaError
from bridge.mapping.compile import compile_translator
from bridge.mapping.content import Paths, Value
from bridge.mapping.documents import Notice, document_translator
from bridge.mapping.documents.paths import first_value
from bridge.mapping.documents.rest import named_paths, rest_of
from bridge.mapping.model import Mapping, first_path
from bridge.mapping.options import TranslateOptions
from bridge.mapping.rest import BULK
from bridge.voevent.vocabulary import vocabulary_checkers

__all__ = ["Fault", "check_documents", "check_mapping", "unchecked", "unmapped_fields"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend (`error`) or to know (`note`)."""

    level: Literal["error", "note"]
    where: str
    message: str


def check_mapping(mapping: Mapping, schemas: Sequence[Schema]) -> list[Fault]:
    """Everything that is wrong with a mapping.

    Parameters
    ----------
    mapping
        The mapping; its TOML was read without an error.
    schemas
        Writer schemas; those that the mapping does not claim are passed over.

    Returns
    -------
    Faults, errors first. No error means that every claimed schema compiles.
    """
    if mapping.reads_documents:
        return check_documents(mapping, ())
    claimed = [schema for schema in schemas if mapping.match.accepts(schema, has_path)]
    faults = []
    if not claimed:
        message = f"It claims none of the {len(schemas)} schemas at hand; give one with --schema."
        faults.append(Fault("note", "[match]", message))
    if claimed:
        faults += list(_path_faults(mapping, claimed))
    if not any(fault.level == "error" for fault in faults):
        faults += list(_compile_faults(mapping, claimed))
    compiles = not any(fault.level == "error" for fault in faults)
    faults += list(_vocabulary_faults(mapping))
    for schema in claimed if compiles else ():
        lost = unmapped_fields(mapping, schema)
        if lost:
            names = ", ".join(lost[:8]) + (f" and {len(lost) - 8} more" if len(lost) > 8 else "")
            faults.append(Fault("note", schema.name, f"Neither mapped nor in [left_out]: {names}."))
    return sorted(faults, key=lambda fault: fault.level != "error")


def check_documents(mapping: Mapping, notices: Sequence[Notice]) -> list[Fault]:
    """Everything that is wrong with a mapping that reads documents.

    Parameters
    ----------
    mapping
        The mapping; its TOML was read without an error.
    notices
        Notices to try it on.
    """
    faults = list(_vocabulary_faults(mapping))
    if not notices:
        return faults
    for number, notice in enumerate(notices, 1):
        try:
            document_translator(mapping)(notice, date="1970-01-01T00:00:00")
        except PacketError as error:
            faults.append(Fault("error", f"notice {number}", f"It cannot become a VOEvent: {error}."))
        if not mapping.rest:
            place, instants = mapping.place, mapping.instants
            looked_at = {*place.ra, *place.dec, *(path for instant in instants for path in instant.paths)}
            lost = rest_of(notice.content, mapping, named_paths(mapping)).keys() - looked_at
            if lost:
                names = ", ".join(sorted(lost))
                faults.append(
                    Fault("note", f"notice {number}", f"Neither mapped nor in [left_out]: {names}.")
                )
    for where, value in _values(mapping):
        if value.paths and not any(first_value(notice.content, value.paths)[1] for notice in notices):
            faults.append(Fault("note", where, f"None of the {len(notices)} notices has {value.paths[0]}."))
    return sorted(faults, key=lambda fault: fault.level != "error")


def unchecked() -> list[Fault]:
    """What was checked in no mapping, for want of a library."""
    if vocabulary_checkers() is not None:
        return []
    return [
        Fault("note", "UCDs and units", "They were not checked: that needs astropy (pip install astropy).")
    ]


def unmapped_fields(mapping: Mapping, schema: Schema) -> list[str]:
    """Paths of a schema that the mapping neither reads nor names under ``[left_out]``."""
    read = set(compile_translator(mapping, schema).paths)
    return [
        field.path
        for field in list_fields(schema)
        if field.path not in read
        and mapping.reason_left_out(field.path) is None
        and not (mapping.rest and field.type in BULK)
    ]


def _values(mapping: Mapping) -> Iterator[tuple[str, Value]]:
    for value in mapping.params:
        yield f"params, {value.name}", value
    for group in mapping.groups:
        for value in group.params:
            yield f"group {group.name}, {value.name}", value
        if group.each is not None:
            yield f"group {group.name}, each", group.each
    for table in mapping.tables:
        for value in table.columns:
            yield f"table {table.name}, {value.name}", value


def _wanted(mapping: Mapping) -> Iterator[tuple[str, Paths, bool]]:
    """Every place that names fields: where, alternatives, whether a schema may lack them."""
    for group in mapping.groups:
        for value in group.params:
            yield f"group {group.name}, {value.name}", value.paths, value.optional
        for name, path in group.flags:
            yield f"group {group.name}, flag {name}", (path,), True
    for table in mapping.tables:
        yield f"table {table.name}, from", table.source, table.optional
        for value in table.columns:
            paths = tuple(
                source if path == "." else f"{source}.{path}"
                for source in table.source
                for path in value.paths
            )
            yield f"table {table.name}, {value.name}", paths, value.optional or table.optional
    yield "[where] ra", mapping.place.ra, False
    yield "[where] dec", mapping.place.dec, False
    for path in mapping.place.error_from:
        yield "[where] error_from", (path,), True
    for cutout in mapping.cutouts:
        yield f"cutout {cutout.name}", (cutout.path,), True
    for inference in mapping.inferences:
        yield f"inference {inference.name}", inference.probability, inference.optional
        if inference.concept_from:
            yield f"inference {inference.name}", inference.concept_from, True
    for rule in mapping.role_rules:
        yield "[event] role_rules", (rule.path,), True


def _path_faults(mapping: Mapping, claimed: Sequence[Schema]) -> Iterator[Fault]:
    for where, paths, optional in _wanted(mapping):
        lacking = [schema for schema in claimed if first_path(schema, paths) is None]
        if lacking and (not optional or len(lacking) == len(claimed)):
            try:
                resolve(lacking[-1], paths[0])
            except SchemaError as error:
                # An optional field may belong to a version that is not at hand.
                level: Literal["error", "note"] = "note" if optional else "error"
                yield Fault(level, where, str(error))


def _compile_faults(mapping: Mapping, claimed: Sequence[Schema]) -> Iterator[Fault]:
    for schema in claimed:
        try:
            compile_translator(mapping, schema, TranslateOptions(cutouts="embed"))
        except (MappingError, SchemaError) as error:
            yield Fault("error", schema.name, str(error))


def _vocabulary_faults(mapping: Mapping) -> Iterator[Fault]:
    checkers = vocabulary_checkers()
    if checkers is None:
        return
    for where, value in _values(mapping):
        for name, text, checker in (("ucd", value.ucd, checkers[0]), ("unit", value.unit, checkers[1])):
            reason = checker(text) if text else None
            if reason:
                yield Fault("error", where, f"{name} {text!r}: {reason}")
