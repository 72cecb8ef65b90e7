"""Opens the journal's file: one writer at a time, readers beside it, and plain words when it fails.

All that is particular to SQLite and to files (locks, pragmas, error codes) stays here, so that the
journal itself reads as what it promises.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

from bridge.errors import SourceError
from bridge.journal.search import teach
from bridge.journal.tables import APPLICATION_ID, MIGRATIONS, migrate, version_of

__all__ = ["Durability", "beside", "explained", "open_reading", "open_writing", "take_lock"]

Durability = Literal["full", "normal"]

_BUSY_S = 10.0
_PAGE_BYTES = 8_192
# Statements that stay compiled: those that store have one for each of some forty numbers of rows.
_COMPILED = 256
# A batch of 256 events of 10 kB is 2.5 MB of log: SQLite's 1,000 pages would fold it at each.
_CHECKPOINT_PAGES = 2_000
_LOG_LIMIT_BYTES = 64 << 20

_BROKEN_OFF = (
    "The search of the journal took too long and was broken off. Ask for less: a shorter time, a smaller "
    "cone, or how the IVORN begins."
)

_CAUSES = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space (nothing half-written stays)",
    sqlite3.SQLITE_READONLY: "it cannot be written; check the rights of the file and of its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; check that the folder exists and may be written",
    sqlite3.SQLITE_NOTADB: "the file is not a journal; give another name",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; put it aside, save what can be read with 'journal export'",
    sqlite3.SQLITE_BUSY: "another program holds it locked; end that program and try again",
    sqlite3.SQLITE_IOERR: "the disk reports an error; check the disk and its free space",
    sqlite3.SQLITE_PERM: "the rights of the file or folder do not allow it",
}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a `SourceError` that names the journal, the cause and the remedy."""
    try:
        yield
    except sqlite3.ProgrammingError as error:
        if "closed" not in str(error):
            raise
        raise SourceError(f"The journal {path} has been closed already.") from error
    except sqlite3.OperationalError as error:
        if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_INTERRUPT:
            raise SourceError(_BROKEN_OFF) from error
        raise SourceError(f"The journal {path} cannot be used: {_cause(error)}.") from error
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise SourceError(f"The journal {path} cannot be used: {_cause(error)}.") from error


def _cause(error: sqlite3.Error) -> str:
    # The low byte is the primary code; the rest says where inside SQLite it arose.
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _CAUSES.get(code, f"SQLite says '{error}'")


def beside(path: Path, suffix: str) -> Path:
    """A file beside the journal, such as ``.lock``; of a journal that is a link, beside what it points to.

    SQLite puts its own there, and a journal by another name is the same journal.
    """
    real = path.resolve()
    return real.with_name(real.name + suffix)


def take_lock(path: Path) -> IO[str]:
    """Make sure that this process alone writes the journal.

    The lock is advisory and the kernel's (``flock`` on ``<journal>.lock``), so it ends with the process,
    however it ends. SQLite's own file is left alone: closing a second descriptor on it would drop
    SQLite's locks.

    Returns
    -------
    file
        Keep it open as long as the journal is; closing it gives the lock back.
    """
    name = beside(path, ".lock")
    try:
        handle = name.open("a+", encoding="ascii", errors="replace")
    except OSError as error:
        raise SourceError(
            f"The journal {path} cannot be opened: {error.strerror} ({name}). "
            "Check that the folder exists and may be written."
        ) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read(20).strip()
        handle.close()
        who = f" (process {holder})" if holder.isdigit() else ""
        raise SourceError(
            f"The journal {path} is in use by another feed{who}. Stop that one, or give this one "
            "a journal of its own."
        ) from error
    with contextlib.suppress(OSError):
        # Who holds it is told to people only: a full disk is for the journal itself to find.
        handle.truncate(0)
        os.write(handle.fileno(), f"{os.getpid()}\n".encode("ascii"))
    return handle


def open_writing(path: Path, durability: Durability) -> sqlite3.Connection:
    """Open or make the file, bring its tables up to date, and set it up for one writer beside readers."""
    with explained(path):
        connection = _connect(f"{path.absolute().as_uri()}?mode=rwc")
        try:
            _check_identity(connection, path)
            # Both take effect in a new file only. Room that becomes free can be given back in steps, which
            # costs bookkeeping per page; with pages twice the usual size it costs no time.
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
            # Some builds overwrite with zeros what is deleted: each removed packet would be written again.
            connection.execute("PRAGMA secure_delete = OFF").fetchone()
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            connection.execute(f"PRAGMA synchronous = {durability.upper()}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}").fetchone()
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_LIMIT_BYTES}").fetchone()
            migrate(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reading(path: Path) -> sqlite3.Connection:
    """Open an existing journal without the right to change it; a feed may be writing it meanwhile."""
    if not path.is_file():
        raise SourceError(f"There is no journal {path}. A feed makes one when it starts; check the name.")
    with explained(path):
        try:
            connection = _connect(f"{path.absolute().as_uri()}?mode=ro")
        except sqlite3.OperationalError:
            # On a read-only disk SQLite cannot make its shared index file. A journal that was closed in
            # good order (no log beside it) can be read without.
            if beside(path, "-wal").exists():
                raise
            connection = _connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1")
        try:
            connection.execute("PRAGMA query_only = ON")
            _check_identity(connection, path)
            if version_of(connection) < len(MIGRATIONS):
                raise SourceError(
                    f"The journal {path} was written by an older version of this program, or never used. "
                    "Start a feed on it once to bring it up to date."
                )
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # The callers hold a lock of their own around each use, so a connection may change threads.
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=_COMPILED,
    )
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        teach(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    mark = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and mark != APPLICATION_ID:
        raise SourceError(f"The file {path} is a database, but not a journal. Give another name.")
    version = version_of(connection)
    if version > len(MIGRATIONS):
        raise SourceError(
            f"The journal {path} was written by a newer version of this program (format {version}; "
            f"this one knows {len(MIGRATIONS)}). Use that version, or another journal."
        )
