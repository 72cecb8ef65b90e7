"""The inputs of a run, one after the other; one that cannot be read costs itself and not the others."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from bridge.alerts.packet import Item, Origin, Refusal
from bridge.alerts.schema import Schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError, UsageError
from bridge.streams import Source, open_source

__all__ = ["open_input", "read_inputs"]


def open_input(name: str, store: SchemaStore, default_schema: Schema | None = None) -> Source:
    """Open one input.

    Raises
    ------
    UsageError
        If it is of a kind that cannot be read, or standard input is closed.
    SourceError
        If it is missing or unreadable.
    """
    if not name:
        raise UsageError("An input has an empty name; give a file, a folder, a tar archive or '-'.")
    if name == "-" and sys.stdin is None:
        raise UsageError("There is no standard input to read ('-'): it is closed.")
    return open_source(name, store=store, default_schema=default_schema)


def read_inputs(
    names: Sequence[str], store: SchemaStore, default_schema: Schema | None = None
) -> Iterator[Sequence[Item]]:
    """Batches of all inputs, in order.

    Parameters
    ----------
    names
        Files, folders, tar archives, ``-``.
    store, default_schema
        As `open_source`.

    Raises
    ------
    UsageError
        As `open_input`, before anything is read.
    """
    opened = [_open(name, store, default_schema) for name in names]
    return _read(names, opened)


def _open(name: str, store: SchemaStore, default_schema: Schema | None) -> Source | Refusal:
    try:
        return open_input(name, store, default_schema)
    except SourceError as error:
        return Refusal(Origin(name, 0), str(error))


def _read(names: Sequence[str], opened: Sequence[Source | Refusal]) -> Iterator[Sequence[Item]]:
    for name, source in zip(names, opened, strict=True):
        if isinstance(source, Refusal):
            yield [source]
            continue
        try:
            yield from source
        except SourceError as error:
            yield [Refusal(Origin(name, 0), str(error))]
