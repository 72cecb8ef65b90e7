"""Where and when the simulated surveys look: pointings, nights, bands and observing conditions.

Both surveys take two exposures in a row of each field, field after field, and come back the next night. Each
field has a past as well, so that the first visit already finds objects with long light curves.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

__all__ = ["BANDS", "LSST", "ZTF", "Exposures", "Pointing", "Sky", "random_stream"]

BANDS = "ugrizy"
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def random_stream(seed: int, *keys: int) -> np.random.Generator:
    """A stream of random numbers of its own for each purpose, the same on every machine."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))


@dataclass(frozen=True, slots=True)
class Pointing:
    """One field: its number and name, its centre, and how often it was seen before the simulation begins."""

    number: int
    name: str
    ra_deg: float
    dec_deg: float
    past_interval_nights: int
    past_per_night: int


@dataclass(frozen=True, slots=True)
class Sky:
    """How a survey observes.

    Parameters
    ----------
    cadence_s, exposure_s
        Time from one exposure to the next, and exposure time.
    past_nights
        How far back the past of a field goes.
    width_deg
        Side of the (square) field of view.
    depth
        Five-sigma limiting AB magnitude of one difference image in u, g, r, i, z, y.
    cycle
        Bands of successive visits.
    """

    pointings: tuple[Pointing, ...]
    cadence_s: float
    exposure_s: float
    past_nights: int
    width_deg: float
    depth: tuple[float, ...]
    cycle: str

    def pointing(self, visit: int) -> Pointing:
        """Where visit number `visit` (from 0) looks."""
        return self.pointings[(visit // 2) % len(self.pointings)]

    def visit(self, visit: int, start_mjd_tai: float, seed: int) -> Exposures:
        """The one exposure of visit number `visit`."""
        night, place = divmod(visit, 2 * len(self.pointings))
        time = start_mjd_tai + night + place * self.cadence_s / 86400
        band = BANDS.index(self.cycle[visit % len(self.cycle)])
        return self._conditions(
            np.array([time]), np.array([band]), np.array([place + 1]), random_stream(seed, 1, visit)
        )

    def past(self, pointing: Pointing, start_mjd_tai: float, seed: int, limit: int | None) -> Exposures:
        """Exposures of a field before the simulation begins (at most `limit`, the latest), oldest first."""
        nights = np.arange(-self.past_nights, 0)
        nights = nights[nights % pointing.past_interval_nights == 0]
        # Each field has its own part of the night, so no two exposures share a time or a sequence number.
        first = 100 * self.pointings.index(pointing)
        place = first + np.tile(np.arange(pointing.past_per_night), len(nights))
        times = start_mjd_tai + np.repeat(nights, pointing.past_per_night) + place * self.cadence_s / 86400
        bands = np.array([BANDS.index(self.cycle[i % len(self.cycle)]) for i in range(len(times))], np.int64)
        kept = slice(max(0, len(times) - limit), None) if limit is not None else slice(None)
        place, times, bands = place[kept], times[kept], bands[kept]
        return self._conditions(times, bands, place + 1, random_stream(seed, 2, pointing.number))

    def _conditions(self, times: Floats, bands: Ints, place: Ints, rng: np.random.Generator) -> Exposures:
        seeing = 0.75 + 0.35 * rng.random(len(times))
        depth = np.array(self.depth)[bands] - 1.2 * np.log10(seeing) + rng.normal(0, 0.08, len(times))
        dither = 0.05 * self.width_deg * (rng.random((len(times), 2)) - 0.5)
        return Exposures(times, bands, place.astype(np.int64), seeing, depth, dither[:, 0], dither[:, 1])


@dataclass(frozen=True, slots=True)
class Exposures:
    """Exposures of one field, as columns.

    Parameters
    ----------
    midpoint_mjd_tai
        Middle of each exposure, MJD in TAI.
    band
        Index into `BANDS`.
    sequence
        Counts the exposures of one night, from 1.
    seeing
        Image quality relative to the survey's usual one.
    depth
        Five-sigma limiting AB magnitude of the difference image.
    dither_x_deg, dither_y_deg
        How far the pointing was off the field's centre.
    """

    midpoint_mjd_tai: Floats
    band: Ints
    sequence: Ints
    seeing: Floats
    depth: Floats
    dither_x_deg: Floats
    dither_y_deg: Floats

    def __len__(self) -> int:
        return len(self.midpoint_mjd_tai)

    def __getitem__(self, rows: npt.NDArray[np.bool_]) -> Exposures:
        return Exposures(*(getattr(self, f.name)[rows] for f in fields(self)))

    @property
    def sigma_njy(self) -> Floats:
        """Noise of a point source's flux on the difference image, nJy: a fifth of the limiting flux."""
        return np.power(10.0, 0.4 * (31.4 - self.depth)) / 5

    @property
    def night_mjd(self) -> Ints:
        """The observing night: the MJD of its evening's noon in Chile or California, twelve hours back."""
        return np.floor(self.midpoint_mjd_tai - 0.5).astype(np.int64)


LSST = Sky(
    pointings=(
        Pointing(1, "cosmos", 150.11, 2.23, 1, 6),
        Pointing(2, "edfs_b", 63.6, -47.6, 1, 7),
        Pointing(3, "ecdfs", 53.16, -28.08, 1, 8),
        Pointing(4, "xmm_lss", 35.57, -4.82, 1, 11),
    ),
    cadence_s=39.0,
    exposure_s=30.0,
    past_nights=63,
    width_deg=3.0,
    depth=(23.6, 24.5, 24.2, 23.7, 23.1, 22.2),
    cycle="grizrigzgirz",
)

ZTF = Sky(
    pointings=(
        Pointing(658, "000658", 75.2, 35.4, 3, 2),
        Pointing(789, "000789", 179.6, 52.0, 4, 2),
        Pointing(827, "000827", 289.9, 61.8, 2, 2),
    ),
    cadence_s=40.0,
    exposure_s=30.0,
    past_nights=29,
    width_deg=6.8,
    depth=(20.5, 20.8, 20.6, 20.0, 20.0, 20.0),
    cycle="grgrgrgrgi",
)
