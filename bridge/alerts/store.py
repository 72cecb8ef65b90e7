"""Where writer schemas come from: files and registries behind one look-up by id or by name.

Sources are asked in this order, and the first that knows the schema gives it:

1. the folder or registry that the user names (``--schemas``),
2. the user's own folder, filled by ``schemas add`` and ``schemas fetch``,
3. the ``lsst-alert-packet`` distribution, read as data files and never imported,
4. the schemas that come with this package.

An id means something within its registry only. So where the user names a registry, ids are asked of it alone
(and of the copy kept of its earlier answers, which lets a restart go on while it is down).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bridge.alerts.patience import Patience
from bridge.alerts.registry import Registry, RegistryDownError, is_registry_url
from bridge.alerts.schema import Schema
from bridge.alerts.schema_files import SchemaFile, load_schema_file, lsst_id, lsst_version, scan_folder
from bridge.alerts.user_schemas import user_folder, write_schema
from bridge.errors import SchemaError, SourceError, UsageError
from bridge.resources import schemas_folder

__all__ = ["SchemaEntry", "SchemaStore", "lsst_distribution", "open_store"]

RETRY_S = 60.0
"""How long an unknown id is remembered before it is looked for again, in seconds."""

DOWN_S = 10.0
"""How long a registry that did not answer is left alone, in seconds."""


@dataclass(frozen=True, slots=True)
class SchemaEntry:
    """A schema that the store can give.

    Parameters
    ----------
    file
        Where it lies and what its name says.
    source
        Which source it belongs to ("lsst-alert-packet", "package", ...).
    """

    file: SchemaFile
    source: str


@dataclass
class SchemaStore:
    """Finds schemas by id and name; loads each when it is first wanted.

    Parameters
    ----------
    folders
        ``(source name, folder)`` in the order of precedence; a folder that is not there is empty.
    registry
        The registry that the user named, if any.
    registry_copies
        Folder that keeps what that registry answered.
    clock
        Monotonic seconds; says when a registry is asked again.
    patience
        Waits while the registry does not answer; None refuses packets meanwhile.
    """

    folders: tuple[tuple[str, Path], ...] = ()
    registry: Registry | None = None
    registry_copies: Path | None = None
    clock: Callable[[], float] = time.monotonic
    patience: Patience | None = None
    _loaded: dict[int, Schema] = field(default_factory=dict, repr=False)
    _refused: dict[int, tuple[str, float]] = field(default_factory=dict, repr=False)
    _down: tuple[str, float] | None = field(default=None, repr=False)
    _names: dict[Path, str] = field(default_factory=dict, repr=False)
    _files: list[SchemaEntry] | None = field(default=None, repr=False)

    def by_id(self, schema_id: int) -> Schema:
        """The schema with this id in the wire format.

        Raises
        ------
        SchemaError
            If no source has it; the message says how to get it.
        """
        known = self._loaded.get(schema_id)
        if known is not None:
            return known
        refused = self._refused.get(schema_id)
        if refused is not None and self.clock() < refused[1]:
            raise SchemaError(refused[0])
        try:
            schema = self._find_in_time(schema_id)
        except RegistryDownError:
            raise
        except SchemaError as error:
            self._refused[schema_id] = (str(error), self.clock() + RETRY_S)
            # A stream of garbage brings new ids for ever; their refusals must not pile up.
            while len(self._refused) > 1000:
                del self._refused[next(iter(self._refused))]
            raise
        self._loaded[schema_id] = schema
        return schema

    def by_name(self, name: str) -> Schema:
        """The schema with this full name ("lsst.v10_0.alert") or short name ("lsst/10.0", "ztf/4.02").

        Raises
        ------
        SchemaError
            If none has it, or several different ones of one source.
        """
        return load_schema_file(self.entry(name).file.path)

    def entry(self, name: str) -> SchemaEntry:
        """The entry behind a full name, short name or id; raises `SchemaError` as `by_name`."""
        entries = self.entries()
        wanted_id = int(name) if name.isdecimal() else None
        for entry in entries:
            if name in (entry.file.alias, entry.file.name):
                return entry
            if wanted_id is not None and self.id_of(entry) == wanted_id:
                return entry
        found = [entry for entry in entries if not entry.file.name and self.name_of(entry) == name]
        found = [entry for entry in found if entry.source == found[0].source]
        if len(found) > 1 and len({load_schema_file(entry.file.path).fingerprint for entry in found}) > 1:
            choices = ", ".join(entry.file.alias for entry in found)
            raise SchemaError(f"Several schemas are named '{name}'; say which one: {choices}.")
        if not found:
            if wanted_id is not None:
                raise SchemaError(_unknown_id(wanted_id))
            raise SchemaError(
                f"No schema is named '{name}'. `voevent-bridge schemas list` shows those that are known; "
                "name a folder with more by --schemas DIR."
            )
        return found[0]

    def entries(self) -> list[SchemaEntry]:
        """All schema files, in the order of precedence."""
        if self._files is None:
            self._files = [
                SchemaEntry(file, source)
                for source, folder in self.folders
                if folder.is_dir()
                for file in scan_folder(folder)
            ]
        return self._files

    def name_of(self, entry: SchemaEntry) -> str:
        """Full name of a schema, read from its file if need be; "" if that is unreadable."""
        if entry.file.name:
            return entry.file.name
        path = entry.file.path
        if path not in self._names:
            try:
                self._names[path] = load_schema_file(path).name
            except SchemaError:
                self._names[path] = ""
        return self._names[path]

    def id_of(self, entry: SchemaEntry) -> int | None:
        """Id of a schema in the wire format: its file's name says it, or its own name if that is LSST's."""
        given = entry.file.schema_id
        return given if given is not None else lsst_id(self.name_of(entry))

    def _find_in_time(self, schema_id: int) -> Schema:
        while True:
            try:
                schema = self._find_id(schema_id)
            except RegistryDownError as error:
                if self.patience is None or not self.patience.goes_on(str(error)):
                    raise
            else:
                if self.patience is not None:
                    self.patience.over()
                return schema

    def _find_id(self, schema_id: int) -> Schema:
        if self.registry is not None:
            return self._ask_registry(self.registry, schema_id)
        for entry in self.entries():
            if self.id_of(entry) == schema_id:
                return load_schema_file(entry.file.path)
        raise SchemaError(_unknown_id(schema_id))

    def _ask_registry(self, registry: Registry, schema_id: int) -> Schema:
        copy = None
        if self.registry_copies is not None:
            copy = self.registry_copies / registry.slug / f"{schema_id}.avsc"
            if copy.is_file():
                return load_schema_file(copy)
        if self._down is not None and self.clock() < self._down[1]:
            raise RegistryDownError(self._down[0])
        try:
            schema = registry.fetch(schema_id)
        except RegistryDownError as error:
            self._down = (str(error), self.clock() + DOWN_S)
            raise
        if copy is not None:
            # A copy that cannot be kept costs a question after the next start, nothing now.
            with contextlib.suppress(SourceError):
                write_schema(copy, schema)
        return schema


def open_store(
    schemas: str | os.PathLike[str] | None = None,
    *,
    environ: dict[str, str] | None = None,
    patience: Patience | None = None,
) -> SchemaStore:
    """The store that a command works with.

    Parameters
    ----------
    schemas
        What ``--schemas`` says: a folder, the URL of a registry, or None.
    environ
        Environment variables; those of the process by default.
    patience
        Waits while a registry does not answer.

    Raises
    ------
    UsageError
        If it is neither a folder nor a URL.
    """
    home = user_folder(environ)
    folders: list[tuple[str, Path]] = [("user", home / "schemas")]
    distribution = lsst_distribution()
    if distribution is not None:
        folders.append(("lsst-alert-packet", distribution))
    folders.append(("package", schemas_folder()))
    registry = None
    if schemas is not None:
        text = os.fspath(schemas)
        if is_registry_url(text):
            registry = Registry(text)
        elif Path(text).is_dir():
            folders.insert(0, (text, Path(text)))
        else:
            raise UsageError(
                f"--schemas '{text}' is neither a folder nor the URL of a registry (http://..., https://...)."
            )
    return SchemaStore(tuple(folders), registry, home / "registries", patience=patience)


def lsst_distribution() -> Path | None:
    """Schema folder of the ``lsst-alert-packet`` distribution, found without importing it."""
    spec = importlib.util.find_spec("lsst")
    for root in (spec.submodule_search_locations if spec else None) or ():
        folder = Path(root) / "alert" / "packet" / "schema"
        if folder.is_dir():
            return folder
    return None


def _unknown_id(schema_id: int) -> str:
    version = lsst_version(schema_id)
    meaning = f" (v{version} in LSST's numbering)" if version else ""
    lsst = "`pip install --no-deps lsst-alert-packet`, " if version else ""
    return (
        f"Schema id {schema_id}{meaning} is not known. Name a folder or registry that has it by "
        f"--schemas DIR|URL, or get it: {lsst}`voevent-bridge schemas fetch {schema_id}`, "
        f"`voevent-bridge schemas add FILE --id {schema_id}`."
    )
