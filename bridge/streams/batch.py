"""What a source yields: batches of items, each with the positions that are reached when it is done.

Positions are plain integers per partition, so that a journal can keep them: the offset of the next item
wanted. A file that was read to its end has a position beyond all offsets, which holds the file's size: it is
passed over without being opened, and read anew if its size has changed since.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from bridge.alerts.packet import Item, Packet

__all__ = ["Batch", "Gatherer", "Source", "finished_mark", "is_finished"]

FINISHED = 1 << 62


def finished_mark(size: int) -> int:
    """Position of a file that was read to its end when it had `size` bytes."""
    return FINISHED + size


def is_finished(position: int, size: int) -> bool:
    """Whether a position says that a file, which has `size` bytes now, was read to its end."""
    return position == FINISHED + size


def first_wanted(position: int | None) -> int:
    """Offset of the first item wanted of a file that is not finished at its present size."""
    return 0 if position is None or position >= FINISHED else position


class Batch(list[Item]):
    """Items in the order of the source; an empty batch is a sign of life from a source that waits.

    Attributes
    ----------
    positions
        Partition to position, to be stored in the same transaction as what the items became. Handing them to
        `open_source` as `resume` goes on behind this batch.
    kept
        Whether what the items became is safe, when the next batch is asked for. Who goes on while that is
        still being written says False, and True when it is.
    """

    __slots__ = ("kept", "positions")

    def __init__(self, items: Iterable[Item] = (), positions: dict[str, int] | None = None) -> None:
        super().__init__(items)
        self.positions: dict[str, int] = {} if positions is None else positions
        self.kept = True


class Source(Protocol):
    """Where items come from."""

    @property
    def trouble(self) -> str | None:
        """Why nothing can be read at the moment, as a sentence; None while all is well."""
        ...

    def __iter__(self) -> Iterator[Batch]:
        """Batches, to the end of the source or until it is told to stop."""


class Gatherer:
    """Collects items until a batch is full.

    Parameters
    ----------
    max_items
        Most items of a batch.
    max_bytes
        A batch is full when its items reach this size.
    """

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._start()

    def _start(self) -> None:
        self._batch = Batch()
        self._bytes = 0

    def add(self, item: Item, *, counted: bool = True) -> bool:
        """Take an item; says whether the batch is full. An item that is not counted leaves no position."""
        self._batch.append(item)
        if counted:
            self._batch.positions[item.origin.partition] = item.origin.offset + 1
        self._bytes += item.stop - item.start if isinstance(item, Packet) else len(item.data)
        return len(self._batch) >= self._max_items or self._bytes >= self._max_bytes

    def finish(self, partition: str, size: int) -> None:
        """Note that a partition was read to its end."""
        self._batch.positions[partition] = finished_mark(size)

    def take(self) -> Batch:
        """The batch so far; a new one is begun."""
        batch = self._batch
        self._start()
        return batch

    def __bool__(self) -> bool:
        return bool(self._batch or self._batch.positions)
