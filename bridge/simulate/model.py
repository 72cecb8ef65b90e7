"""What the simulator gives (visits of alerts), and the histories it keeps to make them."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from bridge.alerts.packet import Packet
from bridge.simulate.avro import Rows

__all__ = ["History", "SimulatedAlert", "Survey", "Visit"]

Survey = Literal["ztf", "lsst"]


@dataclass(frozen=True, slots=True)
class SimulatedAlert:
    """One framed alert, and the truth about it.

    Parameters
    ----------
    identifier
        ``candid`` (ZTF) or ``diaSourceId`` (LSST).
    object_id
        ``objectId`` (ZTF); ``diaObjectId``, or ``ssObjectId`` of an asteroid (LSST).
    kind
        What was simulated: "supernova", "rr_lyrae", "variable", "agn", "asteroid" or "bogus". It is not in
        the packet.
    packet
        The message as the survey's Kafka topic would carry it, with its schema.
    """

    identifier: int
    object_id: str
    kind: str
    packet: Packet

    @property
    def data(self) -> bytes:
        """The bytes of the message."""
        return self.packet.data


@dataclass(frozen=True, slots=True)
class Visit:
    """One exposure and its alerts; iterate over it (as often as you like) to have the alerts made.

    The bytes are assembled while iterating, so a visit of ten thousand alerts never lies in memory whole.

    Parameters
    ----------
    number
        Counts visits from 0.
    identifier
        LSST's visit id (``yyyymmddnnnnn``), or the same made up for ZTF.
    midpoint_mjd_tai
        Middle of the exposure, MJD in TAI.
    band
        Filter name.
    field
        Name of the pointing.
    count
        Number of alerts.
    assemble
        Makes the alerts.
    """

    number: int
    identifier: int
    midpoint_mjd_tai: float
    band: str
    field: str
    count: int
    assemble: Callable[[], Iterator[SimulatedAlert]]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[SimulatedAlert]:
        return self.assemble()


class History:
    """The encoded light-curve rows of one object, in ascending time; rows are only ever appended."""

    __slots__ = ("data", "ends", "times")

    def __init__(self) -> None:
        self.data = bytearray()
        self.ends = array("q")
        self.times = array("d")

    def __len__(self) -> int:
        return len(self.times)

    def append(self, time_mjd: float, row: bytes) -> None:
        """Add one row."""
        self.data += row
        self.ends.append(len(self.data))
        self.times.append(time_mjd)

    def extend(self, times_mjd: list[float], rows: Rows, start: int, stop: int) -> None:
        """Add rows ``start`` to ``stop`` of an encoded batch."""
        if stop <= start:
            return
        first = int(rows.ends[start - 1]) if start else 0
        shift = len(self.data) - first
        self.data += rows.data[first : int(rows.ends[stop - 1])]
        self.ends.extend((rows.ends[start:stop] + shift).tolist())
        self.times.extend(times_mjd)

    def since(self, earliest_mjd: float, count: int) -> tuple[int, bytes]:
        """Those of the first `count` rows not older than `earliest_mjd`: how many, and their bytes."""
        first = bisect_left(self.times, earliest_mjd, 0, count)
        if first >= count:
            return 0, b""
        with memoryview(self.data) as view:
            return count - first, bytes(view[self.ends[first - 1] if first else 0 : self.ends[count - 1]])
