"""Puts LSST packets together: encoded rows, copies of the history, stamps, and the wire format's frame.

Separate from the observing, because it happens later: only when somebody iterates over a visit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema
from bridge.simulate.avro import encode_bytes, encode_long
from bridge.simulate.lsst_stamps import LsstStamps
from bridge.simulate.model import History, SimulatedAlert
from bridge.simulate.population import KINDS, Measurements, Objects
from bridge.simulate.sky import Exposures, random_stream

__all__ = ["NULL", "SOME", "LsstPackets", "Recipe"]

WINDOW_D = 365.25
CHUNK_ALERTS = 128
# Index of null and of the value in LSST's unions, and the end of an array's blocks.
NULL, SOME, END = b"\0", b"\2", b"\0"


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of an alert but its stamps and the copies of its history.

    Parameters
    ----------
    index
        Row of the alert in the visit's measurements.
    identifier, object_id, kind
        As in `SimulatedAlert`; `kind` is an index into `KINDS`.
    source
        The encoded diaSource.
    sources, forced
        The histories, and how many of their rows belong to this packet.
    rest
        diaObject, ssSource and mpc_orbits, encoded.
    """

    index: int
    identifier: int
    object_id: int
    kind: int
    source: bytes
    sources: tuple[History, int] | None
    forced: tuple[History, int] | None
    rest: bytes


class LsstPackets:
    """The packets of one visit; iterating makes them, any number of times the same.

    Parameters
    ----------
    schema, schema_id
        The writer schema and its number in the registry.
    seed, number
        Of the simulation, and of the visit.
    exposure, objects, seen
        The visit, everything in its field, and what was measured of it.
    recipes
        The alerts in the order in which they are sent.
    reason
        Why the visit was taken, in the scheduler's words.
    """

    def __init__(
        self,
        schema: Schema,
        schema_id: int,
        seed: int,
        number: int,
        exposure: Exposures,
        objects: Objects,
        seen: Measurements,
        recipes: list[Recipe],
        reason: str,
    ) -> None:
        self.schema, self.prefix = schema, b"\0" + schema_id.to_bytes(4, "big")
        self.seed, self.number = seed, number
        self.exposure, self.objects, self.seen, self.recipes = exposure, objects, seen, recipes
        target = f"{reason}, lowdust"
        self.head = SOME + encode_bytes(reason.encode()) + SOME + encode_bytes(target.encode())

    def __iter__(self) -> Iterator[SimulatedAlert]:
        sigma = float(self.exposure.sigma_njy[0])
        stamps = LsstStamps(self.seed, float(self.exposure.seeing[0]), sigma)
        for start in range(0, len(self.recipes), CHUNK_ALERTS):
            chunk = self.recipes[start : start + CHUNK_ALERTS]
            rng = random_stream(self.seed, 8, self.number, start)
            rows = np.array([recipe.index for recipe in chunk])
            images = stamps.make(self.objects, self.seen[rows], rng)
            for index, (recipe, cutouts) in enumerate(zip(chunk, images, strict=True), start):
                data = self._message(recipe, cutouts)
                origin = Origin("simulated-lsst", self.number * len(self.recipes) + index)
                packet = Packet(
                    data, len(self.prefix), len(data), self.schema, origin, "confluent", whole=True
                )
                yield SimulatedAlert(recipe.identifier, str(recipe.object_id), KINDS[recipe.kind], packet)

    def _message(self, recipe: Recipe, cutouts: tuple[tuple[bytes, ...], ...]) -> bytes:
        earliest = float(self.exposure.midpoint_mjd_tai[0]) - WINDOW_D
        parts = [self.prefix, encode_long(recipe.identifier), self.head, recipe.source]
        for past in (recipe.sources, recipe.forced):
            count, rows = past[0].since(earliest, past[1]) if past else (0, b"")
            parts += [SOME, encode_long(count), rows, END] if count else [NULL]
        parts.append(recipe.rest)
        for pieces in cutouts:
            parts += [SOME, encode_long(sum(map(len, pieces))), *pieces]
        return b"".join(parts)
