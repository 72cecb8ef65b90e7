"""ZTF: from objects and visits to framed alerts.

As for LSST, each detection is encoded once and its bytes are reused in every later packet of the object.
A ZTF history has a row for every exposure of the field: a detection, or an upper limit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema
from bridge.simulate.avro import RowEncoder, Rows, encode_bytes, encode_long
from bridge.simulate.field import Field, observe
from bridge.simulate.model import History, SimulatedAlert, Visit
from bridge.simulate.population import BOGUS, DETECTION_SNR, KINDS, Measurements, Objects, measure, share_out
from bridge.simulate.sky import BANDS, ZTF, Exposures, Ints, random_stream
from bridge.simulate.ztf_candidate import candidate_columns
from bridge.simulate.ztf_rows import (
    channels,
    detection_columns,
    forced_columns,
    julian_dates,
    limit_columns,
)
from bridge.simulate.ztf_stamps import ZtfStamps

__all__ = ["ZtfSimulator"]

WINDOW_D = 30.0
CHUNK_ALERTS = 128
PUBLISHER = b"ZTF (www.ztf.caltech.edu)"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
END = b"\0"


@dataclass(slots=True)
class Track:
    """What is known of one object: its name, its history, and how often it was detected since when."""

    name: str
    rows: History
    forced: History
    detections: int
    first_jd: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """All of an alert but its stamps and the copy of its history."""

    index: int
    candid: int
    pid: int
    kind: int
    track: Track
    rows: int
    forced: int
    candidate: bytes


class ZtfSimulator:
    """Visits of ZTF alerts, one Object Container File each; see `bridge.simulate.simulate`."""

    def __init__(
        self, schema: Schema, version: str, seed: int, alerts: int, start_mjd_tai: float, backlog: int | None
    ) -> None:
        # A header carries its schema without line breaks; the packets' schema is that very text.
        self.schema = parse_schema(json.dumps(schema.json))
        self.seed, self.start, self.backlog = seed, start_mjd_tai, backlog
        self.counts = share_out(alerts)
        outer = schema.root.fields
        self.has_forced = "fp_hists" in outer
        union = outer["prv_candidates"][0].branches
        null_first = union[0].kind == "null"
        self.null, self.some = (b"\0", b"\2") if null_first else (b"\2", b"\0")
        self.encode_candidate = RowEncoder(outer["candidate"][0])
        self.encode_row = RowEncoder(outer["prv_candidates"][0].without_null()[0].element)
        if self.has_forced:
            self.encode_forced = RowEncoder(outer["fp_hists"][0].without_null()[0].element)
        text = self.schema.text.encode()
        metadata = [(b"avro.codec", b"null"), (b"avro.schema", text)]
        pairs = b"".join(encode_bytes(key) + encode_bytes(value) for key, value in metadata)
        self.header = b"Obj\x01" + encode_long(len(metadata)) + pairs + END
        self.head = encode_bytes(version.encode()) + encode_bytes(PUBLISHER)
        self.stamps = ZtfStamps(seed)
        self.fields: dict[int, Field] = {}
        self.tracks: dict[tuple[int, int], Track] = {}
        self.named = 0

    def visit(self, number: int) -> Visit:
        """Observe: detections, histories and all rows of the visit; only stamps are left for later."""
        exposure = ZTF.visit(number, self.start, self.seed)
        pointing = ZTF.pointing(number)
        if pointing.number not in self.fields:
            self.fields[pointing.number] = Field.create(
                ZTF, pointing, self.counts, self.seed, self.start, self.backlog
            )
        place = self.fields[pointing.number]
        rng = random_stream(self.seed, 3, number)
        objects, everything = observe(ZTF, place, exposure, self.counts, self.seed, number, rng)
        found = everything.snr > DETECTION_SNR
        found |= objects.kind[everything.who] == BOGUS
        seen = everything[found]
        self._discover(place, objects, seen.who, exposure, number)
        tracks = [self.tracks[self._key(place, objects, who, number)] for who in seen.who.tolist()]
        shared = detection_columns(objects, seen, exposure, pointing, rng)
        rows = self.encode_row(len(seen), shared)
        jd = float(julian_dates(exposure)[0])
        candidates = self.encode_candidate(
            len(seen),
            candidate_columns(
                shared,
                objects,
                seen,
                exposure,
                pointing,
                np.array([track.detections + 1 for track in tracks]),
                np.array([min(track.first_jd, jd) for track in tracks]),
            ),
        )
        recipes = [
            Recipe(
                i,
                int(shared["candid"][i]),
                int(shared["pid"][i]),
                int(objects.kind[who]),
                tracks[i],
                len(tracks[i].rows),
                len(tracks[i].forced),
                candidates[i],
            )
            for i, who in enumerate(seen.who.tolist())
        ]
        self._remember(place, objects, everything, found, rows, exposure, number, rng)
        order = [recipes[i] for i in rng.permutation(len(recipes))]

        def assemble() -> Iterator[SimulatedAlert]:
            return self._assemble(number, jd, objects, seen, order)

        night = int(exposure.night_mjd[0])
        return Visit(
            number,
            night * 100_000 + int(exposure.sequence[0]),
            float(exposure.midpoint_mjd_tai[0]),
            BANDS[int(exposure.band[0])],
            pointing.name,
            len(seen),
            assemble,
        )

    @staticmethod
    def _key(place: Field, objects: Objects, who: int, number: int) -> tuple[int, int]:
        """Lasting objects are known by field and slot; what is gone after the night, by visit as well."""
        if who < len(place.objects):
            return place.pointing.number, who
        if objects.kind[who] == BOGUS:
            return -1 - number, who
        return -1 - place.night, place.pointing.number * 1_000_000 + who

    def _discover(self, place: Field, objects: Objects, who: Ints, exposure: Exposures, number: int) -> None:
        """Name objects that alert for the first time, and give them the past of their place in the sky."""
        fresh = np.array(
            [i for i in who.tolist() if self._key(place, objects, i, number) not in self.tracks], np.int64
        )
        year = int(2000 + (exposure.midpoint_mjd_tai[0] - 51544) / 365.25) % 100
        for i in fresh.tolist():
            track = Track(self._name(year), History(), History(), 0, float("inf"))
            self.tracks[self._key(place, objects, i, number)] = track
        length = len(place.seen)
        if not length or not len(fresh):
            return
        rng = random_stream(self.seed, 7, number)
        each, when = np.repeat(fresh, length), np.tile(np.arange(length), len(fresh))
        past = measure(objects, each, place.seen, when, rng)
        # An object that did not alert in an earlier simulated visit was not detected there.
        lasting = (each < len(place.objects)) & (when < place.past_count)
        found = lasting & (past.snr > DETECTION_SNR)
        silent = each >= len(place.objects)
        past.flux[silent] = (past.flux_err * rng.standard_normal(len(past)).astype(np.float32))[silent]
        self._append(place, objects, past, found, place.seen, number, rng, None)

    def _remember(
        self,
        place: Field,
        objects: Objects,
        everything: Measurements,
        found: np.ndarray[tuple[int], np.dtype[np.bool_]],
        rows: Rows,
        exposure: Exposures,
        number: int,
        rng: np.random.Generator,
    ) -> None:
        """Add this visit to the history of every known object of the field that lasts."""
        known = np.array(
            [self._key(place, objects, who, number) in self.tracks for who in everything.who.tolist()]
        ) & (objects.kind[everything.who] != BOGUS)
        position = np.cumsum(found) - 1
        encoded = [rows[int(position[i])] if found[i] else b"" for i in np.flatnonzero(known).tolist()]
        self._append(place, objects, everything[known], found[known], exposure, number, rng, encoded)
        place.remember(exposure, WINDOW_D)
        # Artefacts never come back, nor asteroids after their night.
        self.tracks = {
            key: track for key, track in self.tracks.items() if key[0] >= 0 or key[0] == -1 - place.night
        }

    def _append(
        self,
        place: Field,
        objects: Objects,
        past: Measurements,
        found: np.ndarray[tuple[int], np.dtype[np.bool_]],
        exposures: Exposures,
        number: int,
        rng: np.random.Generator,
        encoded: list[bytes] | None,
    ) -> None:
        """Append a row, and one of forced photometry, for each measurement (by object, then time)."""
        rcid = channels(objects, past.who)
        pairs, which = np.unique(past.when * 64 + rcid, return_inverse=True)
        limits = self.encode_row(
            len(pairs), limit_columns(exposures, pairs // 64, pairs % 64, place.pointing)
        )
        texts = [limits[i] for i in range(len(pairs))]
        if encoded is None:
            columns = detection_columns(objects, past[found], exposures, place.pointing, rng)
            detections = self.encode_row(int(found.sum()), columns)
        if self.has_forced:
            forced = self.encode_forced(
                len(past), forced_columns(objects, past, exposures, place.pointing, rng)
            )
        dates = julian_dates(exposures)[past.when].tolist()
        at = 0
        for i, (who, detected) in enumerate(zip(past.who.tolist(), found.tolist(), strict=True)):
            track = self.tracks[self._key(place, objects, who, number)]
            if detected:
                row = detections[at] if encoded is None else encoded[i]
                at += 1
                track.detections += 1
                track.first_jd = min(track.first_jd, dates[i])
            else:
                row = texts[int(which[i])]
            track.rows.append(dates[i], row)
            if self.has_forced:
                track.forced.append(dates[i], forced[i])

    def _name(self, year: int) -> str:
        """The next object name: ZTF, two digits of the year, seven letters."""
        rest, letters = self.named, ""
        self.named += 1
        for _ in range(7):
            rest, letter = divmod(rest, 26)
            letters = LETTERS[letter] + letters
        return f"ZTF{year:02d}{letters}"

    def _assemble(
        self, number: int, jd: float, objects: Objects, seen: Measurements, recipes: list[Recipe]
    ) -> Iterator[SimulatedAlert]:
        for start in range(0, len(recipes), CHUNK_ALERTS):
            chunk = recipes[start : start + CHUNK_ALERTS]
            rng = random_stream(self.seed, 8, number, start)
            images = self.stamps.make(objects, seen[np.array([recipe.index for recipe in chunk])], rng)
            for index, (recipe, stamps) in enumerate(zip(chunk, images, strict=True)):
                datum = self._datum(recipe, jd, stamps)
                sync = rng.bytes(16)
                head = b"".join((self.header, sync, encode_long(1), encode_long(len(datum))))
                stop = len(head) + len(datum)
                origin = Origin("simulated-ztf", number * len(recipes) + start + index)
                packet = Packet(head + datum + sync, len(head), stop, self.schema, origin, "ocf", whole=True)
                yield SimulatedAlert(recipe.candid, recipe.track.name, KINDS[recipe.kind], packet)

    def _datum(self, recipe: Recipe, jd: float, stamps: tuple[bytes, bytes, bytes]) -> bytes:
        parts = [
            self.head,
            encode_bytes(recipe.track.name.encode()),
            encode_long(recipe.candid),
            recipe.candidate,
        ]
        histories = [(recipe.track.rows, recipe.rows)]
        if self.has_forced:
            histories.append((recipe.track.forced, recipe.forced))
        for history, length in histories:
            count, rows = history.since(jd - WINDOW_D, length)
            parts += [self.some, encode_long(count), rows, END] if count else [self.null]
        stem = f"candid{recipe.candid}"
        names = (
            f"{stem}_pid{recipe.pid}_targ_sci.fits.gz",
            f"{stem}_ref.fits.gz",
            f"{stem}_pid{recipe.pid}_targ_scimref.fits.gz",
        )
        for name, stamp in zip(names, stamps, strict=True):
            parts += [self.some, encode_bytes(name.encode()), encode_long(len(stamp)), stamp]
        return b"".join(parts)
