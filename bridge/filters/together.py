"""Filters that share one output: the first of two steps where one process alone must count caps.

Many processes take what any filter keeps out of a wide stream, and one applies the same file, with its caps,
to the narrow stream that is left.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.filters.filter import FilterSet

__all__ = ["Together"]


class Together(FilterSet):
    """A set of filters as one: what meets any of them goes on once, whatever caps they have.

    Parameters
    ----------
    filters
        The set; its caps are left to a later step.
    """

    def __init__(self, filters: FilterSet) -> None:
        super().__init__(filters.filters)
        self.caps = (None,)

    def __len__(self) -> int:
        return 1

    @property
    def names(self) -> tuple[str, ...]:
        """One output, without a name."""
        return ("",)

    def outputs(self, met: Sequence[int]) -> Sequence[int]:
        """The one output, if any filter was met."""
        return met and (0,)
