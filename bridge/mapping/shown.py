"""Which rows of an array a table shows, told before any value of them becomes text.

Kept apart from `tables`, because the numbers and texts of a column are rendered for these rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from bridge.alerts.column import Column
from bridge.alerts.lens import RawColumn

__all__ = ["AnyColumn", "Encoded", "Shown", "shown_items"]

AnyColumn = Column | RawColumn
Encoded = Sequence[bytes | None]


class Shown:
    """The rows that a table shows.

    Attributes
    ----------
    positions
        Of the rows, in the order of the array.
    pick
        Picks their items out of all items of a column.
    """

    __slots__ = ("pick", "positions")

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = positions
        self.pick: Callable[[Sequence[Any]], Sequence[Any]]
        # itemgetter picks in C, but gives a single item as it is.
        self.pick = itemgetter(*positions) if len(positions) > 1 else self._few

    def _few(self, items: Sequence[Any]) -> Sequence[Any]:
        return [items[position] for position in self.positions]


def shown_items(column: RawColumn | None, shown: Shown | None) -> Encoded:
    """Encoded values of the rows that are shown (None: all); nothing of a null array."""
    if column is None:
        return ()
    return column.items if shown is None else shown.pick(column.items)
