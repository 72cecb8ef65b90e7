"""Copies a journal to another file while a feed writes it.

One snapshot, a few pages at a time: the feed never waits. The reader's own connection is not used, so that
nobody who shares it waits either.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from bridge.errors import SourceError, UsageError
from bridge.journal.connection import explained, open_reading

__all__ = ["back_up"]

# A megabyte at a time.
_STEP_PAGES = 128


def back_up(path: str | Path, target: str | Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Copy a journal; the copy is a journal like the original, in one file.

    It holds what was published when the copy began. While it is made, the log beside the journal cannot be
    folded back and grows by what is published meanwhile.

    Parameters
    ----------
    path
        The journal, in use or not.
    target
        The file to make. It appears under its name when it is whole and on the disk.
    progress
        Called now and then with the bytes copied and the bytes in all.

    Returns
    -------
    Bytes of the copy.

    Raises
    ------
    UsageError
        If the target exists already.
    SourceError
        If the journal cannot be read, or the target cannot be written.
    """
    where = Path(target)
    if where.exists():
        raise UsageError(f"{where} exists already; give the backup another name, or remove that file.")
    half = where.with_name(f".{where.name}.tmp")
    source = open_reading(Path(path))
    try:
        half.unlink(missing_ok=True)
        _copy(Path(path), source, half, progress)
        _flush(half)
        half.replace(where)
        _flush(where.parent)
    except OSError as error:
        raise SourceError(f"The backup {where} cannot be written ({error.strerror or error}).") from error
    finally:
        source.close()
        with contextlib.suppress(OSError):
            half.unlink(missing_ok=True)
    return where.stat().st_size


def _copy(
    path: Path, source: sqlite3.Connection, half: Path, progress: Callable[[int, int], None] | None
) -> None:
    with explained(path):
        page = int(source.execute("PRAGMA page_size").fetchone()[0])
        # Within a transaction all steps see one state; otherwise the copy would begin anew with each append.
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def told(_status: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress((total - remaining) * page, total * page)

    with explained(half):
        made = sqlite3.connect(half, isolation_level=None)
        try:
            source.backup(made, pages=_STEP_PAGES, progress=told, sleep=0.0)
            # One file, without a log that could be left behind when the copy is moved.
            made.execute("PRAGMA journal_mode = DELETE").fetchone()
        finally:
            made.close()


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
