"""Reads sources in tests: to their end, or until something has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.alerts.packet import Document, Item
from bridge.alerts.store import SchemaStore
from bridge.streams import Batch, open_source

DEADLINE_S = 60.0

QUICK = 'topic.metadata.refresh.interval.ms = "300"\n'
"""Looks for new topics and partitions often, so that tests need not wait."""


def settings(folder: Path, text: str = "") -> Path:
    """A file of client settings for tests."""
    path = folder / "kafka.toml"
    path.write_text(QUICK + text)
    return path


def read_all(url: str, resume: Mapping[str, int] | None = None, **more: Any) -> list[Batch]:
    """All batches of what is there now."""
    return list(open_source(url, store=more.pop("store", SchemaStore()), resume=resume, **more))


def items(batches: list[Batch]) -> list[Item]:
    return [item for batch in batches for item in batch]


def texts(batches: list[Batch]) -> list[str]:
    return [item.data.decode() for item in items(batches) if isinstance(item, Document)]


def positions(batches: list[Batch]) -> dict[str, int]:
    """Where a journal would stand after these batches."""
    known: dict[str, int] = {}
    for batch in batches:
        known |= batch.positions
    return known


def reached(known: Mapping[str, int]) -> dict[str, int]:
    """Those of some positions that are a partition's; others say what was looked for."""
    return {key: offset for key, offset in known.items() if key.rpartition("/")[2].isdecimal()}


class Following:
    """A source that is followed; batches are taken when a test asks for them."""

    def __init__(self, url: str, resume: Mapping[str, int] | None = None, **more: Any) -> None:
        self._stopped = False
        self.batches: list[Batch] = []
        self.source = open_source(
            url,
            store=more.pop("store", SchemaStore()),
            resume=resume,
            follow=True,
            stop=lambda: self._stopped,
            **more,
        )
        self.taking: Iterator[Batch] = iter(self.source)

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Take batches until a condition holds."""
        limit = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < limit, f"waited in vain for {what}; have {self.texts}"
            self.batches.append(next(self.taking))

    def until_texts(self, *expected: str) -> None:
        self.until(lambda: len(self.texts) >= len(expected), f"{expected}")
        assert sorted(self.texts) == sorted(expected)

    @property
    def texts(self) -> list[str]:
        return texts(self.batches)

    @property
    def positions(self) -> dict[str, int]:
        return positions(self.batches)

    def close(self) -> None:
        self._stopped = True
        for batch in self.taking:
            self.batches.append(batch)
