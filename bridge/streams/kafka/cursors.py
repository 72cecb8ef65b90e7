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
        Where partitions begin that were there when this source was first opened. One that appears later,
        and one that an earlier run would have found had it been there, begin at their first message.

    Attributes
    ----------
    left_out
        Messages that were there already when reading began behind them.
    """

    def __init__(self, url: KafkaUrl, resume: Mapping[str, int], start: Start) -> None:
        self._url = url
        self._resume = resume
        self._start = start
        self._keys: dict[Place, str] = {}
        self.cluster = ""
        self.next: dict[Place, int] = {}
        self.left_out = 0

    def connect(self, cluster: str) -> None:
        """Learn which cluster this is; its positions come into force."""
        self.cluster = cluster
        prefix = f"kafka://{cluster}/"
        for key, offset in self._resume.items():
            topic, _, number = key.removeprefix(prefix).rpartition("/")
            if key.startswith(prefix) and number.isdecimal() and self._url.covers(topic):
                self.next.setdefault((topic, int(number)), offset)
        if self.next:
            self._start = "earliest"

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
        if unknown:
            # A number and not just "the end": after a crash reading goes on from here.
            self.next.update(look_up(unknown, self._start))
            if self._start == "latest":
                first = look_up(unknown, "earliest")
                self.left_out += sum(self.next[place] - first[place] for place in unknown)
        return {place: self.next[place] for place in places}

    def settle(self) -> None:
        """All partitions that were there at first have begun; what comes now is new."""
        self._start = "earliest"
