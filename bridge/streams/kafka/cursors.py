"""Where each partition is read from: the positions of the journal, or the beginning, or the end.

A position is the offset of the next message wanted. Its key has the identity of the cluster in it, because
hosts get new names, and because the offsets of another cluster mean something else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.errors import ConfigError
from bridge.streams.kafka.url import KafkaUrl

__all__ = ["Cursors", "Gap", "LookUp", "Place", "Start", "parse_start", "place_of"]

Start = Literal["earliest", "latest"]

Place = tuple[str, int]
"""Topic and number of the partition."""

LookUp = Callable[[Sequence[Place], Start], dict[Place, int]]

_STARTS: Mapping[str, Start] = {
    "earliest": "earliest",
    "smallest": "earliest",
    "beginning": "earliest",
    "latest": "latest",
    "largest": "latest",
    "end": "latest",
}


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that were wanted and are no longer there.

    Parameters
    ----------
    place
        Topic and partition.
    wanted, found
        Offset that was to be read next, and the earliest there is now.
    """

    place: Place
    wanted: int
    found: int

    @property
    def size(self) -> int:
        """How many messages are lost; 0 if the partition was made anew."""
        return max(0, self.found - self.wanted)

    def __str__(self) -> str:
        topic, number = self.place
        if self.size:
            return (
                f"{self.size} messages of {topic} (partition {number}, offsets {self.wanted} to "
                f"{self.found - 1}) were deleted by the broker before they were read; reading goes on at "
                f"{self.found}. Its retention is shorter than this reader was away."
            )
        return (
            f"Partition {number} of {topic} ends before offset {self.wanted}, which was to be read next: it "
            f"has been made anew. Reading begins at {self.found}."
        )


def place_of(key: str) -> Place:
    """Topic and partition in the name of a position."""
    topic, _, number = key.partition("://")[2].partition("/")[2].rpartition("/")
    return topic, int(number)


def parse_start(value: str) -> Start:
    """Read ``auto.offset.reset``.

    Raises
    ------
    ConfigError
        If it is something else than earliest or latest.
    """
    if value not in _STARTS:
        raise ConfigError(f"auto.offset.reset is {value!r}; it must be earliest or latest.")
    return _STARTS[value]


class Cursors:
    """The positions of all partitions of one cluster.

    Parameters
    ----------
    url
        What is read.
    resume
        Positions of an earlier run.
    start
        Where partitions begin that were there when their name or pattern was first looked for. One that
        appears later, and one that an earlier run would have found had it been there, begin at their first
        message.
    is_start_given
        Whether somebody has chosen `start`. Of positions that do not say what was looked for, a name without
        any may be new in the URL or new in the cluster: without such a word nothing is left out.

    Attributes
    ----------
    left_out
        Messages that were there already when reading began behind them.
    """

    def __init__(
        self, url: KafkaUrl, resume: Mapping[str, int], start: Start, *, is_start_given: bool = True
    ) -> None:
        self._url = url
        self._resume = resume
        self._start = start
        self._is_start_given = is_start_given
        # Names and patterns of the URL that were looked for before, as far as that is known.
        self._watched: set[str] = set()
        self._noted: set[str] = set()
        self._settled = False
        self._keys: dict[Place, str] = {}
        self.cluster = ""
        self.next: dict[Place, int] = {}
        self.left_out = 0

    def connect(self, cluster: str) -> None:
        """Learn which cluster this is; its positions come into force."""
        self.cluster = cluster
        prefix = f"kafka://{cluster}/"
        for key, offset in self._resume.items():
            if not key.startswith(prefix):
                continue
            topic, slash, number = key.removeprefix(prefix).rpartition("/")
            if not slash:
                # Not a partition's: see `take_watched`.
                self._watched.add(number)
                self._noted.add(number)
            elif number.isdecimal() and self._url.covers(topic):
                self.next.setdefault((topic, int(number)), offset)
                self.met(topic)

    def met(self, topic: str) -> None:
        """Learn that an earlier run, or another member of the group, has read a topic."""
        self._watched |= self._url.entries_for(topic)

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of an earlier reading."""
        return not self._watched

    @property
    def is_settled(self) -> bool:
        """Whether all partitions that were there at first have begun."""
        return self._settled

    def take_watched(self) -> dict[str, int]:
        """What is looked for, as positions that no partition has: so a later run knows what is new to it.

        Each is given once, and not before all that was there has begun.
        """
        new = set(self._url.topics) - self._noted if self._settled else set()
        self._noted |= new
        return {f"kafka://{self.cluster}/{name}": 0 for name in sorted(new)}

    def start_of(self, topic: str) -> Start:
        """Where a partition of a topic begins that has no position."""
        if self._settled or not self._watched.isdisjoint(self._url.entries_for(topic)):
            return "earliest"
        if self.is_new or self._noted or self._is_start_given:
            return self._start
        return "earliest"

    def key(self, place: Place) -> str:
        """Name of a partition as positions have it."""
        key = self._keys.get(place)
        if key is None:
            key = self._keys[place] = f"kafka://{self.cluster}/{place[0]}/{place[1]}"
        return key

    def begin(self, places: Sequence[Place], look_up: LookUp) -> dict[Place, int]:
        """Offsets to read partitions from, which are their positions from now on.

        Parameters
        ----------
        places
            The partitions.
        look_up
            Gives the first offset there is (``earliest``), or the next one to be written (``latest``).
        """
        unknown = [place for place in places if place not in self.next]
        late = [place for place in unknown if self.start_of(place[0]) == "latest"]
        if unknown:
            # A number and not just "the end": after a crash reading goes on from here.
            first = look_up(unknown, "earliest")
            self.next.update(first)
            if late:
                self.next.update(look_up(late, "latest"))
                self.left_out += sum(self.next[place] - first[place] for place in late)
        return {place: self.next[place] for place in places}

    def settle(self) -> None:
        """All partitions that were there at first have begun; what comes now is new."""
        self._settled = True
