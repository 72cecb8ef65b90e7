"""The columns of LSST's records (diaSource, diaForcedSource, diaObject) from simulated measurements.

Habits of real packets are kept: an absent identifier is 0, a missing float is NaN, snr is positive and the
sign of a source is in its flux and ``isNegative``.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from bridge.simulate.lsst_stamps import is_dipole
from bridge.simulate.population import ASTEROID, BOGUS, Measurements, Objects
from bridge.simulate.sky import BANDS, Exposures, Ints

__all__ = ["detectors", "forced_columns", "identifiers", "source_columns", "visit_identifiers"]

NAN = float("nan")
PIXEL_ARCSEC = 0.2
MJD_ORDINAL = date(1858, 11, 17).toordinal()
PIXEL_FLAGS = [
    "pixelFlags",
    "pixelFlags_bad",
    "pixelFlags_cr",
    "pixelFlags_crCenter",
    "pixelFlags_edge",
    "pixelFlags_nodata",
    "pixelFlags_nodataCenter",
    "pixelFlags_interpolated",
    "pixelFlags_interpolatedCenter",
    "pixelFlags_offimage",
    "pixelFlags_saturated",
    "pixelFlags_saturatedCenter",
    "pixelFlags_suspect",
    "pixelFlags_suspectCenter",
    "pixelFlags_streak",
    "pixelFlags_streakCenter",
    "pixelFlags_injected",
    "pixelFlags_injectedCenter",
    "pixelFlags_injected_template",
    "pixelFlags_injected_templateCenter",
]
QUIET_FLAGS = [
    "centroid_flag",
    "apFlux_flag",
    "apFlux_flag_apertureTruncated",
    "psfFlux_flag",
    "psfFlux_flag_edge",
    "psfFlux_flag_noGoodPixels",
    "trail_flag_edge",
    "trail_flag",
    "forced_PsfFlux_flag",
    "forced_PsfFlux_flag_edge",
    "forced_PsfFlux_flag_noGoodPixels",
    "shape_flag",
    "shape_flag_no_pixels",
    "shape_flag_not_contained",
    "shape_flag_parent_source",
    "glint_trail",
]
UNMEASURED = [
    "psfLnL",
    "trailRaErr",
    "trailDecErr",
    "trailLengthErr",
    "trailAngleErr",
    "trailChi2",
    "dipoleMeanFluxErr",
    "dipoleFluxDiffErr",
    "dipoleChi2",
]


def visit_identifiers(exposures: Exposures) -> Ints:
    """Visit ids as the observatory writes them: the date of the night, then five digits of a counter."""
    nights = exposures.night_mjd
    dates = {int(n): (date.fromordinal(MJD_ORDINAL) + timedelta(days=int(n))) for n in np.unique(nights)}
    days = np.array([int(dates[int(n)].strftime("%Y%m%d")) for n in nights], np.int64)
    return days * 100_000 + exposures.sequence


def identifiers(exposures: Exposures, when: Ints, detector: Ints, slot: Ints) -> Ints:
    """Source ids: night, exposure, detector and object packed into one long, so that no two are alike."""
    night = exposures.night_mjd[when] - 40_000
    return (night << 43) | (exposures.sequence[when] << 30) | (detector << 22) | slot


def detectors(objects: Objects, who: Ints, exposures: Exposures, when: Ints, width_deg: float) -> Ints:
    """Which of 182 CCDs (14 columns of 13) an object falls on, given the dither of the exposure."""
    x = (objects.offset_x_deg[who] + exposures.dither_x_deg[when]) / width_deg + 0.5
    y = (objects.offset_y_deg[who] + exposures.dither_y_deg[when]) / width_deg + 0.5
    column = np.clip((x * 14).astype(np.int64), 0, 13)
    row = np.clip((y * 13).astype(np.int64), 0, 12)
    return column * 13 + row


def source_columns(
    objects: Objects,
    seen: Measurements,
    exposures: Exposures,
    detector: Ints,
    object_ids: Ints,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """Columns of diaSource, for versions 10.0 to 11.1 alike (each takes what it knows)."""
    n, who, when = len(seen), seen.who, seen.when
    kind = objects.kind[who]
    asteroid = kind == ASTEROID
    noise = rng.standard_normal((6, n)).astype(np.float32)
    uniform = rng.random((4, n))
    time = exposures.midpoint_mjd_tai[when]
    error = seen.position_err_deg
    pixel_error = (error * 3600 / PIXEL_ARCSEC).astype(np.float32)
    flux, sigma = seen.flux, seen.flux_err
    seeing = exposures.seeing[when]
    moment = (0.19 * seeing**2).astype(np.float32)
    dipole = is_dipole(objects, who)
    length = np.where(asteroid, 0.4 + 0.6 * objects.traits[who, 2], 0.2 * np.abs(noise[0]))
    real = 1 - np.abs(noise[1]) * 0.12 - 0.4 / seen.snr
    reliability = np.where(kind == BOGUS, 0.45 * uniform[0], np.clip(real, 0.3, 1.0))
    columns: dict[str, Any] = dict.fromkeys(QUIET_FLAGS, False)
    columns.update(dict.fromkeys(PIXEL_FLAGS, False))
    columns.update(dict.fromkeys(UNMEASURED, NAN))
    ray = (kind == BOGUS) & ~dipole
    return columns | {
        "diaSourceId": identifiers(exposures, when, detector, objects.slot[who]),
        "visit": visit_identifiers(exposures)[when],
        "detector": detector,
        "diaObjectId": np.where(asteroid, 0, object_ids),
        "ssObjectId": np.where(asteroid, object_ids, 0),
        "parentDiaSourceId": 0,
        "midpointMjdTai": time,
        "exposureTime": 30.0,
        "ra": seen.ra_deg,
        "raErr": error,
        "dec": seen.dec_deg,
        "decErr": error * (1 + 0.05 * noise[2]),
        "ra_dec_Cov": error**2 * 0.1 * noise[3],
        "x": (uniform[1] * 4070).astype(np.float32),
        "xErr": pixel_error,
        "y": (uniform[2] * 3998).astype(np.float32),
        "yErr": pixel_error,
        "apFlux": flux + 2.2 * sigma * noise[4],
        "apFluxErr": 2.2 * sigma,
        "isNegative": flux < 0,
        "snr": seen.snr,
        "psfFlux": flux,
        "psfFluxErr": sigma,
        "psfChi2": (1681 + 58 * noise[5] + np.where(kind == BOGUS, 900, 0)).astype(np.float32),
        "psfNdata": 1681,
        "trailFlux": flux * (1 + 0.03 * noise[0]),
        "trailFluxErr": 0.1 * sigma,
        "trailRa": seen.ra_deg,
        "trailDec": seen.dec_deg,
        "trailLength": length.astype(np.float32),
        "trailAngle": (360 * uniform[3] - 180).astype(np.float32),
        "trailNdata": 0,
        "trailAlgorithm": 2,
        "dipoleMeanFlux": np.where(dipole, np.abs(flux) * 5, NAN).astype(np.float32),
        "dipoleFluxDiff": np.where(dipole, flux, NAN).astype(np.float32),
        "dipoleLength": np.where(dipole, 0.3 + 0.5 * uniform[3], NAN).astype(np.float32),
        "dipoleAngle": np.where(dipole, 360 * uniform[3] - 180, NAN).astype(np.float32),
        "dipoleNdata": np.where(dipole, 2100, 0),
        "scienceFlux": flux + seen.template,
        "scienceFluxErr": sigma,
        "templateFlux": seen.template,
        "templateFluxErr": 0.15 * sigma,
        "ixx": moment * (1 + 0.1 * noise[1]),
        "iyy": moment * (1 + 0.1 * noise[2]),
        "ixy": moment * 0.05 * noise[3],
        "ixxPSF": moment,
        "iyyPSF": moment,
        "ixyPSF": (-0.02 * moment).astype(np.float32),
        "extendedness": np.clip(np.where(kind == BOGUS, 0.8, 0.1) + 0.1 * noise[4], 0, 1).astype(np.float32),
        "reliability": reliability.astype(np.float32),
        "reliabilityVersion": "simulated",
        "band": _bands(exposures, when),
        "isDipole": dipole,
        "dipoleFitAttempted": dipole,
        "timeProcessedMjdTai": time + 0.0018,
        "timeWithdrawnMjdTai": None,
        "bboxSize": np.clip((8 + 2.5 * np.sqrt(seen.snr)).astype(np.int64), 8, 60),
        "pixelFlags_cr": ray,
        "pixelFlags_crCenter": ray,
    }


def forced_columns(
    objects: Objects,
    seen: Measurements,
    exposures: Exposures,
    detector: Ints,
    object_ids: Ints,
) -> dict[str, Any]:
    """Columns of diaForcedSource: photometry at the object's mean position, whether detected or not."""
    who, when = seen.who, seen.when
    time = exposures.midpoint_mjd_tai[when]
    return {
        "diaForcedSourceId": identifiers(exposures, when, detector, objects.slot[who]) | (1 << 21),
        "diaObjectId": object_ids,
        "ra": objects.ra_deg[who],
        "dec": objects.dec_deg[who],
        "visit": visit_identifiers(exposures)[when],
        "detector": detector,
        "psfFlux": seen.flux,
        "psfFluxErr": seen.flux_err,
        "midpointMjdTai": time,
        "scienceFlux": seen.flux + seen.template,
        "scienceFluxErr": seen.flux_err,
        "band": _bands(exposures, when),
        "timeProcessedMjdTai": time + 0.0018,
        "timeWithdrawnMjdTai": None,
    }


def _bands(exposures: Exposures, when: Ints) -> np.ndarray[Any, Any]:
    return np.array([band.encode() for band in BANDS], "S1")[exposures.band[when]]
