"""Which packets a set of filters keeps, whatever schema each of them was written with."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError, PacketError
from bridge.filters import AnyFilter, FilterSet, Selector

__all__ = ["Selection"]


class Selection:
    """Filters compiled for each writer schema that comes along.

    Parameters
    ----------
    filters
        A packet is selected by each of these that it meets.
    """

    def __init__(self, filters: Sequence[AnyFilter]) -> None:
        self.filters = tuple(filters)
        self._set = FilterSet(self.filters)
        self._compiled: dict[Schema, Selector | str] = {}

    def __call__(self, packet: Packet) -> list[int]:
        """Indices of the filters that the packet meets.

        Raises
        ------
        ExpressionError
            If a filter does not fit the first schema that comes: then it is the filter that is wrong.
        PacketError
            If a filter does not fit a later schema, or the packet its schema.
        """
        matches = self._compiled.get(packet.schema)
        if matches is None:
            matches = self._compile(packet.schema)
        if isinstance(matches, str):
            raise PacketError(matches)
        return matches(packet.data, packet.start, packet.stop)

    def _compile(self, schema: Schema) -> Selector | str:
        compiled: Selector | str
        try:
            compiled = self._set.compile(schema)
        except ExpressionError as error:
            if not self._compiled:
                raise
            compiled = str(error).rstrip(".")
        self._compiled[schema] = compiled
        return compiled
