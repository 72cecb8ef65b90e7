"""Partitions of a group whose positions are kept by somebody else: by whoever knows what was done with them.

A source by itself commits what it has handed over. Where alerts are held back, or where positions belong into
a transaction with what was made of the alerts, only the receiver knows how far it has come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from confluent_kafka import Consumer, TopicPartition

from bridge.errors import SourceError
from bridge.streams.batch import Batch
from bridge.streams.kafka.cursors import Cursors, place_of
from bridge.streams.kafka.partitions import SharedPartitions

__all__ = ["BrokenOffError", "Custody", "EntrustedPartitions", "offsets_of"]


class BrokenOffError(SourceError):
    """What was made since the last commit is undone; beginning anew from there mends it."""


class Custody(Protocol):
    """Keeps positions, and is told when that comes to an end."""

    def give_up(self, *, lost: bool) -> None:
        """All partitions go to others: the last moment to commit, unless they are lost already."""

    def closing(self) -> None:
        """The source ends, with the partitions still its own."""


class EntrustedPartitions(SharedPartitions):
    """The share that the group gives to this member; it begins where the group's positions say.

    Parameters
    ----------
    consumer, cursors, follow, stop
        As `SharedPartitions`.
    custody
        Who keeps the positions.
    """

    def __init__(
        self,
        consumer: Consumer,
        cursors: Cursors,
        follow: bool,
        stop: Callable[[], bool],
        custody: Custody,
    ) -> None:
        super().__init__(consumer, cursors, follow, stop)
        self._custody = custody

    def handed_over(self, batch: Batch) -> None:
        """Nothing: what has been handed over is not done for that."""

    def close(self) -> None:
        """Let the keeper finish, and leave the group."""
        try:
            self._custody.closing()
        finally:
            super().close()

    def _revoked(self, _consumer: Consumer, _taken: list[TopicPartition]) -> None:
        self._custody.give_up(lost=False)
        self._forget()

    def _taken(self, _consumer: Consumer, _taken: list[TopicPartition]) -> None:
        self._custody.give_up(lost=True)
        self._forget()

    def _forget(self) -> None:
        # What was read and not committed comes again, if the partition does.
        for place in self.read:
            self.cursors.next.pop(place, None)
            self._ends.pop(place, None)
        super()._forget()


def offsets_of(positions: Iterable[tuple[str, int]]) -> list[TopicPartition]:
    """Positions as the client library wants them."""
    return [TopicPartition(*place_of(key), offset) for key, offset in positions]
