"""What every view of a journal has: a connection of its own, turns for its threads, and plain errors."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bridge.journal.connection import explained, open_reading

__all__ = ["JournalView"]

# How many of its instructions SQLite does between two looks at the clock: some hundredths of a millisecond.
_INSTRUCTIONS = 5_000


class JournalView:
    """A connection to a journal's file.

    Every method may be called from any thread; calls on one view take turns. Each call sees all that was
    committed before it, and leaves no transaction open (an open one would keep the log from being folded
    back into the file).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open an existing journal for reading; raises `SourceError` when there is none, or it is damaged."""
        return cls(Path(path), open_reading(Path(path)))

    def close(self) -> None:
        """Give the file back; a second call does nothing."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def at_most(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
        """Have what is asked in the block broken off when it has taken so long, all in all.

        What is broken off raises `SourceError`. Other threads wait for the end of the block.
        """
        with self._lock:
            limit = clock() + seconds
            self._connection.set_progress_handler(lambda: clock() > limit, _INSTRUCTIONS)
            try:
                yield
            finally:
                self._connection.set_progress_handler(None, 0)

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            yield self._connection

    def _rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        with self._using() as connection:
            return connection.execute(sql, values).fetchall()
