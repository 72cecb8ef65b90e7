"""Filters Kafka topics for ever: each alert goes on once, or (by choice) at least once.

Positions are committed for what has gone on and not for what is held back for a cap: whoever reads next
finds it again. Exactly once means that alerts and positions are one transaction of the broker; readers that
ask for committed messages only (``isolation.level=read_committed``) never see an alert twice.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from confluent_kafka import KafkaException

from bridge.alerts.packet import Packet, Refusal
from bridge.convert.keep import Keeper, Kept
from bridge.filters import FilterSet
from bridge.streams.kafka.custody import BrokenOffError, offsets_of
from bridge.streams.kafka.source import KafkaSource

__all__ = ["COMMIT_S", "Outlet", "TopicFilter", "commit_offsets"]

_log = logging.getLogger(__name__)

COMMIT_S = 0.5
"""Longest time between two commits while alerts come in, in seconds."""

FEW = 64
"""A batch of fewer items shows that all there is has been read: what it gave goes on at once."""

REPORT_S = 60.0


class Outlet(Protocol):
    """Where alerts go, and what makes them safe there."""

    def reading(self, partitions: Mapping[str, int]) -> None:
        """Alerts come from these topics, which have so many partitions."""

    def write(self, index: int, packet: Packet) -> None:
        """Send an alert on for a filter, by its index."""

    def refuse(self, refusal: Refusal) -> None:
        """Put aside what is no alert."""

    def commit(self, positions: Mapping[str, int], source: KafkaSource) -> None:
        """Make safe what was sent since the last commit, and these positions."""


class TopicFilter:
    """Runs a source through filters into an outlet; keeps the source's positions.

    Parameters
    ----------
    filters
        What to keep.
    outlet
        Takes what is kept.
    refuse
        Told of each item that is no alert, or cannot be read; the outlet is, too.
    stop
        Asked after every batch.
    progress
        Called after every batch with the numbers so far.
    strict
        Refuse VOEvents that meet a filter and are not valid.
    clock
        Monotonic seconds.

    Attributes
    ----------
    safe
        The numbers as of the last commit.
    """

    def __init__(
        self,
        filters: FilterSet,
        outlet: Outlet,
        refuse: Callable[[Refusal], None],
        stop: Callable[[], bool],
        progress: Callable[[Kept], None] = lambda _: None,
        *,
        strict: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keeper = Keeper(filters, self._set_aside, is_live=True, strict=strict, clock=clock)
        self.safe = self.keeper.kept
        self._outlet = outlet
        self._refuse = refuse
        self._stop = stop
        self._progress = progress
        self._clock = clock
        self._source: KafkaSource | None = None
        self._lanes: tuple[str, ...] = ()
        self._committed: dict[str, int] = {}
        self._committed_s = clock()
        self._reported_s = clock()
        self._is_sound = True
        self._is_dirty = False
        self._has_caps = any(filters.caps)
        self._is_shared = False

    def run(self, source: KafkaSource) -> None:
        """Filter until the source ends or a stop is asked for.

        Parameters
        ----------
        source
            Made with this as its custody.

        Raises
        ------
        SourceError
            If alerts cannot be sent on; none is lost for that.
        """
        self._source = source
        batches = iter(source)
        try:
            for batch in batches:
                self._note_lanes(source)
                self.keeper.add(batch)
                self._send_on()
                is_due = len(batch) < FEW or self._clock() - self._committed_s >= COMMIT_S
                if is_due:
                    self._commit()
                self._report()
                if self._stop():
                    break
        except BaseException:
            # Nothing of what is under way may be committed on the way out.
            self._is_sound = False
            raise
        finally:
            batches.close()

    def give_up(self, *, lost: bool) -> None:
        """All partitions go to others: what was sent on is committed, what is held back is theirs."""
        if self._is_sound and not lost:
            self._commit()
        elif self._is_dirty and lost:
            self._is_sound = False
            raise BrokenOffError("The group has given this member's partitions to others.")
        self.keeper.drop()
        self._committed.clear()

    def closing(self) -> None:
        """Commit the last of what was sent on; at the end of the topics all visits are over, too."""
        if self._is_sound:
            if not self._stop():
                self.keeper.finish()
                self._send_on()
            self._commit()

    def _set_aside(self, refusal: Refusal) -> None:
        self._is_dirty = True
        self._outlet.refuse(refusal)
        self._refuse(refusal)

    def _send_on(self) -> None:
        for held in self.keeper.take():
            assert held.packet is not None
            for index in held.passed:
                self._is_dirty = True
                self._outlet.write(index, held.packet)

    def _commit(self) -> None:
        assert self._source is not None
        self._committed_s = self._clock()
        reached = self.keeper.positions
        new = {name: offset for name, offset in reached.items() if self._committed.get(name) != offset}
        if new or self._is_dirty:
            self._outlet.commit(new, self._source)
            self._committed |= new
            self._is_dirty = False
        self.safe = self.keeper.kept

    def _note_lanes(self, source: KafkaSource) -> None:
        lanes = source.lanes
        self.keeper.reading(lanes)
        if lanes != self._lanes:
            self._lanes = lanes
            names = ", ".join(sorted(name.partition("://")[2].partition("/")[2] for name in lanes))
            _log.info("Reading %s.", names or "nothing at the moment")
            self._outlet.reading(source.there)
            if self._has_caps and lanes:
                self._say_who_counts(max(0, sum(source.there.values()) - len(lanes)))

    def _say_who_counts(self, elsewhere: int) -> None:
        """A cap holds for the whole of a visit only where one process sees all of it."""
        if elsewhere and not self._is_shared:
            _log.warning(
                "This process reads %d of %d partitions, and applies caps to what it sees of a visit; so "
                "does each other one of its group, and together they keep more. Let one process apply the "
                "caps, and share the work before it by filter --any.",
                len(self._lanes),
                len(self._lanes) + elsewhere,
            )
        elif self._is_shared and not elsewhere:
            _log.info("This process reads all partitions now: its caps hold for the whole of a visit.")
        self._is_shared = elsewhere > 0

    def _report(self) -> None:
        kept = self.keeper.kept
        self._progress(kept)
        if self._clock() - self._reported_s >= REPORT_S:
            self._reported_s = self._clock()
            _log.info("%s alerts read, %s kept.", f"{kept.read:,}", f"{kept.kept:,}")


def commit_offsets(positions: Mapping[str, int], source: KafkaSource) -> None:
    """Commit positions by themselves; that they are not taken is no more than a warning."""
    if positions:
        try:
            source.consumer.commit(offsets=offsets_of(positions.items()), asynchronous=False)
        except KafkaException as error:
            # The next commit has these positions or later ones in it; a restart reads from the last one.
            _log.warning(
                "Positions could not be committed (%s); some alerts may come twice.", error.args[0].str()
            )
