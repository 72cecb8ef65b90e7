"""Which partitions this process reads: all of them, or its share among the members of a group.

Both keep to one rule: a partition is read from its cursor, so what has been handed over before is not handed
over again, whatever is assigned, taken away, or mended after a gap.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.streams.batch import Batch
from bridge.streams.kafka.client import REQUEST_S, Cluster, look_up_offsets
from bridge.streams.kafka.cursors import Cursors, Gap, Place, place_of
from bridge.streams.kafka.url import HEARTBEAT_TOPIC

__all__ = ["AllPartitions", "Partitions", "SharedPartitions"]

COMMIT_S = 5.0
RETRY_S = 1.0

# What was handed over last may still be on its way to the disk when the partitions go to others. A disk that
# does not take it for so long refuses it, and the others shall not wait. In seconds, like the time between
# two looks.
KEEP_S = 10.0
LOOK_S = 0.005


class Partitions(ABC):
    """What both ways of reading have in common.

    Parameters
    ----------
    consumer
        Is told what to read.
    cursors
        Say from where.
    follow
        Go on when the ends are reached.
    stop
        Says whether to end.
    """

    def __init__(self, consumer: Consumer, cursors: Cursors, follow: bool, stop: Callable[[], bool]) -> None:
        self.consumer = consumer
        self.cursors = cursors
        self.follow = follow
        self.stop = stop
        self.read: set[Place] = set()
        self._ends: dict[Place, int] = {}
        self._drained: set[Place] = set()
        self._lost: set[Place] = set()
        self._begun: dict[str, int] = {}
        self._looked = False

    @abstractmethod
    def update(self, cluster: Cluster, topics: Sequence[str]) -> None:
        """Read what there is now."""

    def take_begun(self) -> dict[str, int]:
        """Positions of partitions that have just begun; kept, they keep a crash from losing the place."""
        begun, self._begun = self._begun, {}
        return begun

    def wants(self, place: Place, offset: int) -> bool:
        """Whether a message is still wanted: a partition may have been taken away or set back meanwhile."""
        self._drained.discard(place)
        return place in self.read and offset >= self.cursors.next.get(place, 0)

    def at_end(self, place: Place, offset: int) -> None:
        """All of a partition that is there has come; `offset` is that of the next message."""
        if place in self.read:
            self._drained.add(place)
            self.cursors.next[place] = max(offset, self.cursors.next.get(place, 0))

    def lost(self, place: Place) -> None:
        """The message wanted next is not there any more."""
        self._lost.add(place)

    def mend(self, note: Callable[[Gap], None]) -> None:
        """Go on after gaps, at the earliest message there is; each gap is passed to `note`."""
        lost = [place for place in self._lost if place in self.read]
        if not lost:
            self._lost.clear()
            return
        for place, found in look_up_offsets(self.consumer, lost, "earliest").items():
            gap = Gap(place, self.cursors.next[place], found)
            self.cursors.next[place] = found
            note(gap)
        # Nothing of what was fetched is waiting: all messages of a poll have been handed over by now.
        self.consumer.assign(self._assignment(self.read))
        self._lost.clear()

    def rewind(self) -> None:
        """Read again from the cursors: what the library was about to hand over may be lost on the way."""
        if self.read:
            with contextlib.suppress(KafkaException):
                self.consumer.assign(self._assignment(self.read))

    def finished(self) -> bool:
        """Whether the ends that were found at the beginning are reached, when nothing is followed."""
        if self.follow or not self._looked:
            return False
        return all(
            place in self._drained or self.cursors.next.get(place, 0) >= self._ends.get(place, 1 << 62)
            for place in self.read
        )

    def waiting(self) -> int | None:
        """Messages that have not been handed over, as far as the last answers of the brokers tell.

        None before they have told anything. To be called by whoever reads: a client that is being closed must
        not be asked.
        """
        behind = []
        for place in self.read:
            _, end = self.consumer.get_watermark_offsets(TopicPartition(*place), cached=True)
            if end >= 0 and place[0] != HEARTBEAT_TOPIC:
                behind.append(max(0, end - self.cursors.next.get(place, end)))
        return sum(behind) if behind else None

    @abstractmethod
    def handed_over(self, batch: Batch) -> None:
        """A batch has been taken, and the next is asked for; `Batch.kept` says when it is safe."""

    def close(self) -> None:
        """Leave the cluster."""
        with contextlib.suppress(KafkaException, RuntimeError):
            self.consumer.close()

    def _begin(self, places: Sequence[Place]) -> None:
        """Find where to read from."""
        fresh = [place for place in places if place not in self.cursors.next]
        beats = [place for place in fresh if place[0] == HEARTBEAT_TOPIC]
        if beats:
            self.cursors.next.update(look_up_offsets(self.consumer, beats, "latest"))
        self.cursors.begin(places, lambda some, which: look_up_offsets(self.consumer, some, which))
        if not self.follow and places:
            self._ends.update(look_up_offsets(self.consumer, places, "latest"))
        self._begun.update(
            (self.cursors.key(place), self.cursors.next[place])
            for place in fresh
            if place[0] != HEARTBEAT_TOPIC
        )

    def _assignment(self, places: set[Place] | Sequence[Place]) -> list[TopicPartition]:
        return [TopicPartition(*place, self.cursors.next[place]) for place in sorted(places)]

    def _undrained(self, gone: set[str]) -> set[str]:
        """Topics, of those that are not wanted any more, of which something is still to be read."""
        return {place[0] for place in self.read if place[0] in gone and place not in self._drained}


class AllPartitions(Partitions):
    """Every partition there is; new ones are taken up as they appear."""

    def update(self, cluster: Cluster, topics: Sequence[str]) -> None:
        """Take new partitions up, and leave topics of nights gone by when they are read to their end."""
        wanted = {(t, n) for t in topics for n in range(cluster.partitions.get(t, 0))}
        new = sorted(wanted - self.read)
        if new:
            self._begin(new)
            self.consumer.incremental_assign(self._assignment(new))
            self.read.update(new)
        gone = {place[0] for place in self.read} - set(topics)
        old = [p for p in self.read if p[0] in gone - self._undrained(gone)]
        if old:
            self.consumer.incremental_unassign([TopicPartition(*place) for place in old])
            self.read.difference_update(old)
        self._looked = True
        self.cursors.settle()

    def handed_over(self, batch: Batch) -> None:
        """Nobody else reads these partitions, so there is nobody to tell."""


class SharedPartitions(Partitions):
    """The share that the group gives to this member.

    A partition begins at the later of the journal's position and the group's: what another member has
    handed over meanwhile is that member's.
    """

    def __init__(self, consumer: Consumer, cursors: Cursors, follow: bool, stop: Callable[[], bool]) -> None:
        super().__init__(consumer, cursors, follow, stop)
        self._topics: set[str] = set()
        self._all: list[Place] = []
        self._handed_over: deque[Batch] = deque()
        self._to_commit: dict[Place, int] = {}
        self._committed_s = time.monotonic()

    def update(self, cluster: Cluster, topics: Sequence[str]) -> None:
        """Subscribe to the topics there are; the group says later who reads what."""
        there = {topic for topic in topics if topic in cluster.partitions}
        wanted = there | self._undrained(self._topics - there)
        if wanted and wanted != self._topics:
            self.consumer.subscribe(
                sorted(wanted), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._taken
            )
            self._topics = wanted
        self._all = [(topic, n) for topic in sorted(wanted) for n in range(cluster.partitions.get(topic, 0))]

    def handed_over(self, batch: Batch) -> None:
        """Commit now and then what is kept, so that monitors see the progress and others can take over."""
        self._handed_over.append(batch)
        self._note_kept()
        if self._to_commit and time.monotonic() - self._committed_s >= COMMIT_S:
            self._commit(wait=False)

    def close(self) -> None:
        """Commit what is kept and leave the group."""
        self._wait_until_kept()
        self._commit(wait=True)
        super().close()

    def _assigned(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        while not self.stop():
            try:
                self._take_over(consumer, given)
            except KafkaException:
                # A broker went away in this moment; without an offset to begin at nothing must be read.
                time.sleep(RETRY_S)
            else:
                return

    def _take_over(self, consumer: Consumer, given: list[TopicPartition]) -> None:
        places = [(one.topic, one.partition) for one in given]
        # What the group has read of any partition tells whether it is new, and this member's are to be begun.
        asked = given if self.cursors.is_settled else [TopicPartition(*p) for p in {*self._all, *places}]
        for one in consumer.committed(asked, timeout=REQUEST_S) if asked else ():
            place = (one.topic, one.partition)
            if one.offset >= 0:
                self.cursors.met(one.topic)
                if place in places:
                    self.cursors.next[place] = max(one.offset, self.cursors.next.get(place, 0))
        is_new = self.cursors.is_new
        self._begin(places)
        if is_new and not self.cursors.is_settled:
            self._begin_for_all(places)
        self.cursors.settle()
        self.read = set(places)
        self._looked = True
        consumer.assign(self._assignment(places))

    def _begin_for_all(self, places: Sequence[Place]) -> None:
        """Commit where a new group begins, for members that come later, to whom it is not new any more."""
        late = [place for place in self._all if self.cursors.start_of(place[0]) == "latest"]
        begun = look_up_offsets(self.consumer, late, "latest") if late else {}
        begun |= {place: self.cursors.next[place] for place in places if place in begun}
        if begun:
            offsets = [TopicPartition(*place, offset) for place, offset in begun.items()]
            # Who may not commit now has lost its place in the group, and is told so.
            with contextlib.suppress(KafkaException):
                self.consumer.commit(offsets=offsets, asynchronous=False)

    def _revoked(self, _consumer: Consumer, _taken: list[TopicPartition]) -> None:
        self._wait_until_kept()
        self._commit(wait=True)
        self._forget()

    def _taken(self, _consumer: Consumer, _taken: list[TopicPartition]) -> None:
        # The group has given the partitions to others without waiting for us: no commit of ours counts.
        self._to_commit.clear()
        self._forget()

    def _forget(self) -> None:
        self._looked = False
        self._handed_over.clear()
        self.read.clear()
        self._drained.clear()
        self._lost.clear()

    def _note_kept(self) -> None:
        while self._handed_over and self._handed_over[0].kept:
            for key, offset in self._handed_over.popleft().positions.items():
                self._to_commit[place_of(key)] = offset

    def _wait_until_kept(self) -> None:
        """Who gets the partitions next goes on behind what is kept: the rest would be published twice."""
        limit = time.monotonic() + KEEP_S
        self._note_kept()
        while self._handed_over and time.monotonic() < limit:
            time.sleep(LOOK_S)
            self._note_kept()

    def _commit(self, *, wait: bool) -> None:
        offsets = [TopicPartition(*place, offset) for place, offset in self._to_commit.items()]
        self._committed_s = time.monotonic()
        if offsets:
            self._to_commit.clear()
            # The journal has the positions; a commit that fails costs the monitors a moment.
            with contextlib.suppress(KafkaException):
                if wait:
                    self.consumer.commit(offsets=offsets, asynchronous=False)
                else:
                    self.consumer.commit(offsets=offsets)
