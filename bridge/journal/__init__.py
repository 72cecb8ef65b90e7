"""The journal: the durable log of published events, source positions and subscriber cursors.

One SQLite file. `Journal` is its one writer, `JournalReader` reads beside it from any thread or process.
"""

from __future__ import annotations

from bridge.journal.entry import (
    Appended,
    Conflict,
    Entry,
    Kind,
    NewEntry,
    Pruned,
    SavedCursor,
    Space,
    Statistics,
    Summary,
)
from bridge.journal.journal import DEFAULT_PATH, DEFAULT_RETENTION_S, Journal
from bridge.journal.reader import JournalReader
from bridge.journal.search import Cone, Search

__all__ = [
    "DEFAULT_PATH",
    "DEFAULT_RETENTION_S",
    "Appended",
    "Cone",
    "Conflict",
    "Entry",
    "Journal",
    "JournalReader",
    "Kind",
    "NewEntry",
    "Pruned",
    "SavedCursor",
    "Search",
    "Space",
    "Statistics",
    "Summary",
]
