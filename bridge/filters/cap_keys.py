"""What a cap is, and what of an alert it looks at: its visit, and how good it is.

Both are values of the alert, compiled for its schema as filters are. `Capper` decides by them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.alerts.schema import Schema
from bridge.errors import ConfigError, ExpressionError, PacketError
from bridge.filters.filter import FilterSet
from bridge.filters.value import OrderBy, Value, Values, compile_values
from bridge.filters.visits import VisitWatch

__all__ = ["DEFAULT_WAIT_S", "Cap", "CapKeys", "Keys"]

DEFAULT_WAIT_S = 30.0

# LSST has a number for the visit. ZTF's pid is that of a readout channel, so that an exposure has 64 of them;
# the time at which it began is the same in all channels.
_KNOWN_VISITS = ("diaSource.visit", "candidate.jd")


@dataclass(frozen=True, slots=True)
class Cap:
    """The cap of one filter.

    Parameters
    ----------
    most
        Alerts that are let through per visit.
    order
        Ranks them; without it the first that come are let through, at once.
    visit
        Tells to which visit an alert belongs; by default ``diaSource.visit`` (LSST) or ``candidate.jd``
        (ZTF).
    wait_s
        How long to wait for a visit's alerts, in seconds.
    """

    most: int
    order: OrderBy | None = None
    visit: Value | None = None
    wait_s: float = DEFAULT_WAIT_S

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.most < 1 or not 0 < self.wait_s < 1e6:
            raise ConfigError("A cap is a whole number from 1 up, and its wait a number of seconds above 0.")


@dataclass(slots=True)
class Keys:
    """Compiled for one schema.

    Parameters
    ----------
    watched
        Whoever follows the visits of each way to tell them, and the text of that way.
    visits, ranks
        Read the visits, in the order of `watched`, and the ranks.
    visit_of, rank_of
        Index of a capped filter to its place among these.
    """

    watched: tuple[tuple[VisitWatch, str], ...]
    visits: Values
    visit_of: dict[int, int]
    ranks: Values
    rank_of: dict[int, int]


class CapKeys:
    """The keys of a set of filters, compiled for each schema that comes along.

    Parameters
    ----------
    filters
        The filters with their caps.

    Attributes
    ----------
    watches
        Who follows the visits, by how long it waits for one, in seconds.
    """

    def __init__(self, filters: FilterSet) -> None:
        self.watches = {cap.wait_s: VisitWatch(cap.wait_s) for cap in filters.caps if cap is not None}
        self._capped = tuple(zip(filters.caps, filters.filters, strict=True))
        self._keys: dict[Schema, Keys | str] = {}

    def __call__(self, schema: Schema) -> Keys:
        """The keys of alerts of a schema.

        Raises
        ------
        ExpressionError
            If the first schema lacks what a cap needs.
        PacketError
            If a later one does.
        """
        keys = self._keys.get(schema)
        if keys is None:
            try:
                keys = self._compile(schema)
            except ExpressionError as error:
                if not self._keys:
                    raise
                keys = str(error).rstrip(".")
            self._keys[schema] = keys
        if isinstance(keys, str):
            raise PacketError(keys)
        return keys

    def _compile(self, schema: Schema) -> Keys:
        """The keys of those capped filters that fit a schema."""
        visits: list[Value] = []
        watched: list[tuple[VisitWatch, str]] = []
        visit_of: dict[int, int] = {}
        ranks: list[Value] = []
        rank_of: dict[int, int] = {}
        for index, (cap, each) in enumerate(self._capped):
            if cap is None or not _fits(FilterSet([each]), schema):
                continue
            visit = cap.visit or _known_visit(schema, each.name)
            place = (self.watches[cap.wait_s], visit.text)
            if place not in watched:
                watched.append(place)
                visits.append(visit)
            visit_of[index] = watched.index(place)
            if cap.order is not None:
                if cap.order.value not in ranks:
                    ranks.append(cap.order.value)
                rank_of[index] = ranks.index(cap.order.value)
        return Keys(
            tuple(watched), compile_values(schema, visits), visit_of, compile_values(schema, ranks), rank_of
        )


def _known_visit(schema: Schema, name: str) -> Value:
    for text in _KNOWN_VISITS:
        value = Value(text, f"The visit of filter {name!r}")
        try:
            value.check(schema)
        except ExpressionError:
            continue
        return value
    raise ExpressionError(
        f"Filter {name!r} has a cap, but schema {schema.name} has no {' or '.join(_KNOWN_VISITS)} by which a "
        'visit could be told; name a field that does with visit = "...".'
    )


def _fits(filters: FilterSet, schema: Schema) -> bool:
    try:
        filters.compile(schema)
    except ExpressionError:
        return False
    return True
