"""Which packets a set of filters keeps, whatever schema each of them was written with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.alerts.packet import Packet
from bridge.alerts.schema import Schema
from bridge.errors import ExpressionError, PacketError
from bridge.filters import AnyFilter, FilterSet, Selector

__all__ = ["Selection"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Fitting:
    """The filters that fit a schema, compiled; and the index of each among all of them."""

    select: Selector
    indices: tuple[int, ...]


class Selection:
    """Filters compiled for each writer schema that comes along.

    A stream may carry several surveys, and a filter for one names fields that the other lacks. So a
    filter that does not fit a schema is left out for its packets (and said so once); only where none
    fits, the packets are refused.

    Parameters
    ----------
    filters
        A packet is selected by each of these that it meets.
    lenient
        Filters are known to fit some schema of the stream: one that fits none costs its packets only, even
        if it is the first that comes. It may become known later.
    """

    def __init__(self, filters: Sequence[AnyFilter], *, lenient: bool = False) -> None:
        self.filters = tuple(filters)
        self.lenient = lenient
        self._compiled: dict[Schema, _Fitting | str] = {}
        self._unfit: dict[Schema, str] = {}

    def __call__(self, packet: Packet) -> Sequence[int]:
        """Indices of the filters that the packet meets, ascending.

        Raises
        ------
        ExpressionError
            If no filter fits the first schema that comes: then it is the filters that are wrong.
        PacketError
            If none fits a later schema, or the packet does not fit its schema.
        """
        fitting = self.fit(packet.schema)
        if isinstance(fitting, str):
            raise PacketError(fitting)
        met = fitting.select(packet.data, packet.start, packet.stop)
        return [fitting.indices[index] for index in met]

    def unfit(self, schema: Schema) -> str | None:
        """Why none of the filters fits a schema; None where one does. It decides nothing for others."""
        if schema in self._compiled:
            compiled = self._compiled[schema]
        elif schema in self._unfit:
            return self._unfit[schema]
        else:
            compiled = self._compile(schema, lenient=True)
            if isinstance(compiled, str):
                self._unfit[schema] = compiled
            else:
                self._compiled[schema] = compiled
        return compiled if isinstance(compiled, str) else None

    def fit(self, schema: Schema) -> _Fitting | str:
        """The filters compiled for a schema, or why none fits; raises as a call does."""
        fitting = self._compiled.get(schema)
        if fitting is None:
            fitting = self._compiled[schema] = self._compile(schema)
        return fitting

    def _compile(self, schema: Schema, *, lenient: bool = False) -> _Fitting | str:
        indices: list[int] = []
        errors: list[ExpressionError] = []
        for index, each in enumerate(self.filters):
            try:
                FilterSet([each]).compile(schema)
            except ExpressionError as error:
                errors.append(error)
            else:
                indices.append(index)
        if not indices:
            if not (self._compiled or self.lenient or lenient):
                raise errors[0]
            return str(errors[0]).rstrip(".")
        for unfit in errors:
            _log.warning("Left out for packets of schema %s: %s", schema.name, unfit)
        return _Fitting(FilterSet([self.filters[index] for index in indices]).compile(schema), tuple(indices))
