"""Avro schema files on disk: finding them, knowing them by their names, and joining those in several parts.

Rubin ships a schema as several files that refer to one another by full name
(``schema/10/0/lsst.v10_0.alert.avsc`` and its parts); ours are single files (``lsst/10.0.avsc``). Files are
found by name alone and read only when their schema is wanted.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.alerts.schema import PRIMITIVES, Schema, parse_schema
from bridge.errors import SchemaError
from bridge.small_files import read_small

__all__ = ["SchemaFile", "inline_references", "load_schema_file", "lsst_id", "lsst_version", "scan_folder"]

LSST_FILE = re.compile(r"lsst\.v(\d+)_(\d+)\.(\w+)")
VERSION = re.compile(r"\d+(\.\d+)*")
COMPLEX = frozenset({"record", "error", "enum", "fixed", "array", "map"})


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """A schema file as far as its name tells.

    Parameters
    ----------
    path
        Where it lies.
    schema_id
        Its id in the wire format, where the name gives one.
    name
        Full name of the schema ("lsst.v10_0.alert"), or "" where only the content would tell.
    alias
        Short name for people ("lsst/10.0", "ztf/4.02").
    """

    path: Path
    schema_id: int | None
    name: str
    alias: str


def lsst_id(name: str) -> int | None:
    """Id that Rubin's registry gives to a schema: major * 100 + minor; None for other names.

    Source: lsst.alert.packet, `Schema.get_schema_id`, for which ``lsst.v10_0.alert`` is 1000.
    """
    match = re.fullmatch(LSST_FILE, name)
    if match is None or match[3] != "alert":
        return None
    return int(match[1]) * 100 + int(match[2])


def lsst_version(schema_id: int) -> str:
    """Version that an id means in Rubin's numbering ("9.0" for 900), or "" if it means none."""
    major, minor = divmod(schema_id, 100)
    return f"{major}.{minor}" if 1 <= major < 100 else ""


def scan_folder(root: Path) -> Iterator[SchemaFile]:
    """Schema files under a folder, in the order of their paths, known by their names alone.

    Understood are ``<major>/<minor>/lsst.v<major>_<minor>.alert.avsc`` (its parts beside it are not listed),
    ``<survey>/<version>.avsc``, ``<id>.avsc`` and any other ``*.avsc``, whose name is then in the file.
    """
    for folder, folders, files in os.walk(root):
        folders.sort()
        for file in sorted(files):
            stem, suffix = os.path.splitext(file)  # noqa: PTH122 - thousands of names, no Path objects
            if suffix == ".avsc" and not stem.startswith("."):
                found = _from_name(Path(folder) / file, stem)
                if found is not None:
                    yield found


def _from_name(path: Path, stem: str) -> SchemaFile | None:
    parent = path.parent.name
    lsst = LSST_FILE.fullmatch(stem)
    if lsst is not None:
        if lsst[3] != "alert":
            return None
        return SchemaFile(path, lsst_id(stem), stem, f"lsst/{lsst[1]}.{lsst[2]}")
    if parent == "lsst" and re.fullmatch(r"\d+\.\d+", stem):
        name = f"lsst.v{stem.replace('.', '_')}.alert"
        return SchemaFile(path, lsst_id(name), name, f"lsst/{stem}")
    if stem.isdecimal() and len(stem) <= 10:
        return SchemaFile(path, int(stem), "", stem)
    if VERSION.fullmatch(stem):
        return SchemaFile(path, None, "", f"{parent}/{stem}")
    return SchemaFile(path, None, "", stem)


def load_schema_file(path: Path) -> Schema:
    """Read a schema, with the parts it refers to from the files beside it (``<full name>.avsc``).

    Raises
    ------
    SchemaError
        If a file is missing, unreadable, or no Avro schema.
    """

    def part(name: str) -> Any:
        beside = path.with_name(f"{name}.avsc")
        if not beside.is_file():
            raise SchemaError(
                f"The schema {path} refers to '{name}' and does not define it; put {beside.name} beside it."
            )
        return _read_json(beside)

    whole = _read_json(path)
    joined = inline_references(whole, part)
    try:
        # A schema without references keeps its own text, so it is one object with that of a message.
        return parse_schema(read_small(path) if joined == whole else joined)
    except SchemaError as error:
        raise SchemaError(f"The schema file {path} cannot be used. {error}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(read_small(path))
    except OSError as error:
        raise SchemaError(f"The schema file {path} cannot be read ({error.strerror or error}).") from error
    except ValueError as error:
        raise SchemaError(
            f"The schema file {path} is not JSON ({error}). "
            "Give a schema (.avsc), or an alert in an Avro container."
        ) from error


def inline_references(schema: Any, part: Callable[[str], Any]) -> Any:
    """Write the named types that a schema refers to out where they are first met.

    Parameters
    ----------
    schema
        Parsed JSON.
    part
        Gives the parsed JSON of a type by its full name; raises `SchemaError` for one that it does not know.

    Returns
    -------
    object
        The self-contained schema; equal to the input if that was self-contained.
    """
    return _inline(schema, part, "", set())


def _inline(node: Any, part: Callable[[str], Any], namespace: str, known: set[str]) -> Any:
    if isinstance(node, str):
        full = node if "." in node or not namespace else f"{namespace}.{node}"
        if node in PRIMITIVES or full in known or node in known:
            return node
        return _inline(part(full), part, "", known)
    if isinstance(node, list):
        return [_inline(branch, part, namespace, known) for branch in node]
    if not isinstance(node, dict):
        return node
    name = node.get("name")
    if isinstance(name, str) and node.get("type") in ("record", "error", "enum", "fixed"):
        outer = node.get("namespace", namespace)
        full = name if "." in name or not outer else f"{outer}.{name}"
        known.add(full)
        namespace = full.rpartition(".")[0]
    out = dict(node)
    if isinstance(node.get("fields"), list):
        out["fields"] = [
            {**field, "type": _inline(field["type"], part, namespace, known)}
            if isinstance(field, dict) and "type" in field
            else field
            for field in node["fields"]
        ]
    for key in ("items", "values"):
        if key in node:
            out[key] = _inline(node[key], part, namespace, known)
    kind = node.get("type")
    if kind is not None and not (isinstance(kind, str) and kind in COMPLEX):
        out["type"] = _inline(node["type"], part, namespace, known)
    return out
