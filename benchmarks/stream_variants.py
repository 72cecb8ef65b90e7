"""A visit of many alerts out of few: each light curve comes often, under new identifiers and at new places.

So a visit of more than a gigabyte needs neither memory nor a disk that would slow down what is measured.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence

from bridge.alerts.lens import compile_lens
from bridge.alerts.ocf_header import write_long
from bridge.alerts.packet import Origin, Packet
from bridge.simulate import SimulatedAlert, simulate

__all__ = ["FIELD_RA_DEG", "simulated_lsst", "variants"]

BACKLOG = 65
"""Earlier exposures of a field: with so many the mean alert has some 136 kB, LSST's own estimate."""

FIELD_RA_DEG = (148.7, 151.5)
"""Where the simulated field lies."""

STEP = 1_000_003


def simulated_lsst(count: int) -> list[SimulatedAlert]:
    """Alerts of one simulated visit."""
    return list(next(simulate("lsst", visits=1, alerts=count, seed=1, backlog=BACKLOG)))


def variants(alerts: Sequence[SimulatedAlert], count: int) -> Iterator[Packet]:
    """So many packets; every time round the alerts have other identifiers and right ascensions."""
    draw = random.Random(1)
    schema = alerts[0].packet.schema
    ra = compile_lens(schema, ("diaSource.ra",))
    ra_deg = [struct.pack("<d", *ra.read(alert.packet)) for alert in alerts]
    for number in range(count):
        turn, index = divmod(number, len(alerts))
        identifier, packet = alerts[index].identifier, alerts[index].packet
        # The first is that of the source; others in the alert may be of what lies there.
        data = packet.data.replace(ra_deg[index], struct.pack("<d", draw.uniform(*FIELD_RA_DEG)), 1)
        data = data.replace(write_long(identifier), write_long(identifier + turn * STEP))
        yield Packet(data, packet.start, len(data), schema, Origin("visit", number), "confluent", True)
