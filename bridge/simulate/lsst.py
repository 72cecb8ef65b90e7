"""LSST: from objects and visits to framed alerts.

Each field keeps its objects and their encoded histories. A visit measures them, encodes each new detection
once, and hands out alerts whose histories are the stored bytes.
"""

from __future__ import annotations

import numpy as np

from bridge.alerts.schema import Schema
from bridge.simulate.avro import RowEncoder, Rows
from bridge.simulate.field import Field, observe
from bridge.simulate.lsst_objects import LightCurves, object_columns
from bridge.simulate.lsst_packets import NULL, SOME, LsstPackets, Recipe
from bridge.simulate.lsst_rows import (
    detectors,
    forced_columns,
    identifiers,
    source_columns,
    visit_identifiers,
)
from bridge.simulate.lsst_solar import geometry_columns, orbit_columns
from bridge.simulate.model import History, Visit
from bridge.simulate.population import (
    ASTEROID,
    BOGUS,
    DETECTION_SNR,
    Measurements,
    Objects,
    measure,
    share_out,
)
from bridge.simulate.sky import BANDS, LSST, Exposures, Ints, Pointing, random_stream

__all__ = ["LsstSimulator"]

CHUNK_OBJECTS = 128
SS_OBJECT_BASE = 21_000_000_000_000_000


class LsstField:
    """A field, and what was measured of its lasting objects so far."""

    def __init__(self, field: Field) -> None:
        n = len(field.objects)
        self.field, self.objects, self.pointing = field, field.objects, field.pointing
        self.ids = np.zeros(n, np.int64)
        self.first_mjd_tai = np.zeros(n)
        self.curves = LightCurves(n)
        self.sources = [History() for _ in range(n)]
        self.forced = [History() for _ in range(n)]
        self.known = np.zeros(0, np.int64)


class LsstSimulator:
    """Visits of LSST alerts in Confluent wire format; see `bridge.simulate.simulate`."""

    def __init__(
        self,
        schema: Schema,
        schema_id: int,
        seed: int,
        alerts: int,
        start_mjd_tai: float,
        backlog: int | None,
    ) -> None:
        self.seed, self.start, self.backlog = seed, start_mjd_tai, backlog
        self.schema, self.schema_id = schema, schema_id
        outer = schema.root.fields

        def encoder(name: str) -> RowEncoder:
            node = outer[name][0].without_null()[0]
            return RowEncoder(node.element if node.kind == "array" else node)

        self.encode_source = encoder("diaSource")
        self.encode_forced = encoder("prvDiaForcedSources")
        self.encode_object = encoder("diaObject")
        self.encode_geometry = encoder("ssSource")
        self.encode_orbit = encoder("mpc_orbits")
        self.counts = share_out(alerts)
        self.fields: dict[int, LsstField] = {}
        self.orbits: dict[int, bytes] = {}
        self.night = -1

    def visit(self, number: int) -> Visit:
        """Observe: detections, histories and all rows of the visit; only stamps are left for later."""
        exposure = LSST.visit(number, self.start, self.seed)
        pointing = LSST.pointing(number)
        place = self._field(pointing)
        if self.night != int(exposure.night_mjd[0]):
            self.night = int(exposure.night_mjd[0])
            self.orbits.clear()
        rng = random_stream(self.seed, 3, number)
        objects, seen = observe(LSST, place.field, exposure, self.counts, self.seed, number, rng)
        seen = seen[(seen.snr > DETECTION_SNR) | (objects.kind[seen.who] == BOGUS)]
        zeros = np.zeros(len(seen), np.int64)
        detector = detectors(objects, seen.who, exposure, zeros, LSST.width_deg)
        sources = identifiers(exposure, zeros, detector, objects.slot[seen.who])
        lasting = len(place.objects)
        time = float(exposure.midpoint_mjd_tai[0])
        self._discover(place, seen[seen.who < lasting], sources[seen.who < lasting], time, number)
        ids = self._object_ids(place, objects, seen, sources)
        self._force(place, exposure, rng)
        rows = self.encode_source(len(seen), source_columns(objects, seen, exposure, detector, ids, rng))
        tails = self._tails(place, objects, seen, exposure, ids, sources)
        recipes = []
        for i, who in enumerate(seen.who.tolist()):
            kind = int(objects.kind[who])
            keeps = who < lasting
            recipes.append(
                Recipe(
                    i,
                    int(sources[i]),
                    int(ids[i]),
                    kind,
                    rows[i],
                    (place.sources[who], len(place.sources[who])) if keeps else None,
                    (place.forced[who], len(place.forced[who])) if keeps else None,
                    tails[i],
                )
            )
            if keeps:
                place.sources[who].append(time, rows[i])
        order = [recipes[i] for i in rng.permutation(len(recipes))]
        packets = LsstPackets(
            self.schema,
            self.schema_id,
            self.seed,
            number,
            exposure,
            objects,
            seen,
            order,
            f"ddf_{pointing.name}",
        )
        return Visit(
            number,
            int(visit_identifiers(exposure)[0]),
            time,
            BANDS[int(exposure.band[0])],
            pointing.name,
            len(seen),
            packets.__iter__,
        )

    def _field(self, pointing: Pointing) -> LsstField:
        if pointing.number not in self.fields:
            field = Field.create(LSST, pointing, self.counts, self.seed, self.start, self.backlog)
            self.fields[pointing.number] = LsstField(field)
        return self.fields[pointing.number]

    def _discover(
        self, place: LsstField, seen: Measurements, sources: Ints, time: float, number: int
    ) -> None:
        """Give objects that alert for the first time the past that they had before the simulation."""
        new = place.ids[seen.who] == 0
        who, sources = seen.who[new], sources[new]
        for start in range(0, len(who), CHUNK_OBJECTS):
            some = who[start : start + CHUNK_OBJECTS]
            self._backlog(place, some, sources[start : start + CHUNK_OBJECTS], time, (number, start))
        place.known = np.sort(np.concatenate([place.known, who]))

    def _backlog(self, place: LsstField, who: Ints, sources: Ints, time: float, key: tuple[int, int]) -> None:
        rng = random_stream(self.seed, 7, place.pointing.number, *key)
        exposures = place.field.past
        length = len(exposures)
        place.ids[who], place.first_mjd_tai[who] = sources, time
        if not length:
            return
        each, when = np.repeat(who, length), np.tile(np.arange(length), len(who))
        seen = measure(place.objects, each, exposures, when, rng)
        detector = detectors(place.objects, each, exposures, when, LSST.width_deg)
        # Chip gaps and failed processing take a tenth of the exposures.
        covered = rng.random(len(seen)) < 0.9
        found = covered & (seen.snr > DETECTION_SNR)
        names = identifiers(exposures, when, detector, place.objects.slot[each])
        positions = np.flatnonzero(found)
        owners, firsts = np.unique(each[positions], return_index=True)
        place.ids[owners] = names[positions[firsts]]
        place.first_mjd_tai[owners] = exposures.midpoint_mjd_tai[when[positions[firsts]]]
        ids = place.ids[each]
        detected = seen[found]
        columns = source_columns(place.objects, detected, exposures, detector[found], ids[found], rng)
        forced = forced_columns(place.objects, seen[covered], exposures, detector[covered], ids[covered])
        place.curves.add(detected, exposures)
        self._store(place.sources, detected, exposures, self.encode_source(len(detected), columns))
        self._store(place.forced, seen[covered], exposures, self.encode_forced(int(covered.sum()), forced))

    @staticmethod
    def _store(histories: list[History], seen: Measurements, exposures: Exposures, rows: Rows) -> None:
        times = exposures.midpoint_mjd_tai[seen.when].tolist()
        owners, starts = np.unique(seen.who, return_index=True)
        for owner, start, stop in zip(
            owners.tolist(), starts.tolist(), [*starts[1:].tolist(), len(seen)], strict=True
        ):
            histories[owner].extend(times[start:stop], rows, start, stop)

    def _force(self, place: LsstField, exposure: Exposures, rng: np.random.Generator) -> None:
        """Forced photometry of every known object of the field in this visit."""
        who = place.known
        zeros = np.zeros(len(who), np.int64)
        seen = measure(place.objects, who, exposure, zeros, rng)
        detector = detectors(place.objects, who, exposure, zeros, LSST.width_deg)
        columns = forced_columns(place.objects, seen, exposure, detector, place.ids[who])
        self._store(place.forced, seen, exposure, self.encode_forced(len(who), columns))

    @staticmethod
    def _object_ids(place: LsstField, objects: Objects, seen: Measurements, sources: Ints) -> Ints:
        """An object is named after its first detection, as in real packets; an asteroid has its own id."""
        lasting = seen.who < len(place.objects)
        ids = np.where(lasting, place.ids[np.where(lasting, seen.who, 0)] if len(place.ids) else 0, sources)
        moving = objects.kind[seen.who] == ASTEROID
        own = SS_OBJECT_BASE + (objects.traits[seen.who, 22] * 1e12).astype(np.int64) * 400
        return np.where(moving, own + objects.slot[seen.who], ids)

    def _tails(
        self,
        place: LsstField,
        objects: Objects,
        seen: Measurements,
        exposure: Exposures,
        ids: Ints,
        sources: Ints,
    ) -> list[bytes]:
        """What follows the histories: diaObject, ssSource and mpc_orbits of each alert, encoded."""
        time = float(exposure.midpoint_mjd_tai[0])
        tails = [b""] * len(seen)
        lasting = seen.who < len(place.objects)
        kept, false = np.flatnonzero(lasting), np.flatnonzero(objects.kind[seen.who] == BOGUS)
        place.curves.add(seen[kept], exposure)
        single = LightCurves(len(objects))
        single.add(seen[false], exposure)
        for rows, curves in ((kept, place.curves), (false, single)):
            who = seen.who[rows]
            counts = curves.count[who].sum(axis=1)
            first = place.first_mjd_tai[who] if curves is place.curves else np.full(len(who), time)
            columns = object_columns(ids[rows], objects, who, time, counts, first, curves)
            encoded = self.encode_object(len(rows), columns)
            for i, row in enumerate(rows.tolist()):
                tails[row] = SOME + encoded[i] + NULL + NULL
        moving = np.flatnonzero(objects.kind[seen.who] == ASTEROID)
        geometry = self.encode_geometry(
            len(moving), geometry_columns(objects, seen[moving], sources[moving], ids[moving], time)
        )
        for i, row in enumerate(moving.tolist()):
            tails[row] = (
                NULL + SOME + geometry[i] + SOME + self._orbit(objects, int(seen.who[row]), int(ids[row]))
            )
        return tails

    def _orbit(self, objects: Objects, who: int, name: int) -> bytes:
        if name not in self.orbits:
            self.orbits[name] = self.encode_orbit(1, orbit_columns(objects, who)).data
        return self.orbits[name]
