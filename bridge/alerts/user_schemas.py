"""The user's own folder of schemas, and how a schema gets into it."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

from bridge.alerts.ocf_header import MAGIC, Truncated, read_header
from bridge.alerts.schema import Schema
from bridge.alerts.schema_files import load_schema_file, lsst_id
from bridge.errors import PacketError, SchemaError, SourceError, UsageError

__all__ = ["keep_schema", "schema_from_file", "user_folder", "write_schema"]


def user_folder(environ: dict[str, str] | None = None) -> Path:
    """Folder of this user's data: ``$XDG_DATA_HOME/voevent-bridge`` (XDG Base Directory Specification)."""
    variables = os.environ if environ is None else environ
    base = variables.get("XDG_DATA_HOME", "")
    # The specification has relative paths ignored.
    root = (
        Path(base)
        if base.startswith("/")
        else Path(variables.get("HOME") or "~").expanduser() / ".local/share"
    )
    return root / "voevent-bridge"


def schema_from_file(path: Path) -> Schema:
    """The schema in a schema file (with its parts beside it), or in the header of an Avro container.

    Raises
    ------
    SchemaError
        If the file is unreadable, or holds no schema.
    """
    try:
        with path.open("rb") as file:
            head = file.read(16 << 20) if file.read(len(MAGIC)) == MAGIC else b""
    except OSError as error:
        raise SchemaError(f"{path} cannot be read ({error.strerror or error}).") from error
    if not head:
        return load_schema_file(path)
    try:
        return read_header(MAGIC + head).schema
    except (PacketError, Truncated) as error:
        raise SchemaError(f"The container file {path} has no whole header ({error}).") from error


def keep_schema(schema: Schema, schema_id: int | None = None, *, folder: Path | None = None) -> Path:
    """Put a schema into the user's folder, where every later command finds it.

    Parameters
    ----------
    schema
        The schema, self-contained.
    schema_id
        Its id in the wire format; one with an LSST name has its own.
    folder
        The user's folder; `user_folder` by default.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    SourceError
        If it cannot be written.
    """
    if schema_id is not None and not 0 <= schema_id < 2**32:
        raise UsageError(f"A schema id is a number from 0 to {2**32 - 1}, not {schema_id}.")
    own_id = lsst_id(schema.name)
    if schema_id is not None and schema_id != own_id:
        stem = str(schema_id)
    else:
        stem = schema.name if own_id is not None else f"{schema.name}-{schema.fingerprint[:8]}"
    path = (folder or user_folder()) / "schemas" / f"{stem}.avsc"
    write_schema(path, schema)
    return path


def write_schema(path: Path, schema: Schema) -> None:
    """Write a schema to a file, all of it or nothing; raises `SourceError` if that fails."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(schema.json, file, indent=1, ensure_ascii=False)
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SourceError(f"The schema file {path} cannot be written ({error.strerror or error}).") from error
