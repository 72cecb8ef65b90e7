"""The columns of ZTF's records (candidate, prv_candidate, fp_hist) from simulated measurements.

Habits of real packets are kept: -999 where a catalogue has nothing, the text 'null' for no asteroid,
magnitudes without sign (the sign is ``isdiffpos``), and upper limits as rows whose detection fields are null.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.simulate.lsst_solar import designations
from bridge.simulate.lsst_stamps import is_dipole
from bridge.simulate.population import ASTEROID, BOGUS, SUPERNOVA, Measurements, Objects
from bridge.simulate.sky import BANDS, ZTF, Exposures, Floats, Ints, Pointing
from bridge.simulate.ztf_stamps import ZERO_POINT

__all__ = [
    "channels",
    "detection_columns",
    "file_names",
    "forced_columns",
    "identifiers",
    "julian_dates",
    "limit_columns",
]

TAI_MINUS_UTC_S = 37.0
# Night 0 of the survey, 2017-01-01.
FIRST_NIGHT_MJD = 57754
FID = np.array([0, 1, 2, 3, 0, 0])
MJD_ORDINAL = date(1858, 11, 17).toordinal()
NONE = np.float32(-999.0)
Strings = npt.NDArray[np.bytes_]


def julian_dates(exposures: Exposures) -> Floats:
    """Start of each exposure as a Julian date in UTC, to seven decimals as ZTF gives it."""
    start = exposures.midpoint_mjd_tai - (TAI_MINUS_UTC_S + ZTF.exposure_s / 2) / 86400
    return np.round(start + 2_400_000.5, 7)


def channels(objects: Objects, who: Ints) -> Ints:
    """Readout channel (0 to 63) from the place in the field of view."""
    column = np.clip(((objects.offset_x_deg[who] / ZTF.width_deg + 0.5) * 8).astype(np.int64), 0, 7)
    row = np.clip(((objects.offset_y_deg[who] / ZTF.width_deg + 0.5) * 8).astype(np.int64), 0, 7)
    return row * 8 + column


def identifiers(exposures: Exposures, when: Ints, rcid: Ints, slot: Ints) -> tuple[Ints, Ints]:
    """``pid`` (night, fraction of the day, channel) and ``candid`` (pid, then the number in the image)."""
    mjd = julian_dates(exposures)[when] - 2_400_000.5
    night = np.floor(mjd).astype(np.int64)
    fraction = np.floor((mjd - night) * 1e6 + 1e-3).astype(np.int64)
    pid = (((night - FIRST_NIGHT_MJD) * 1_000_000 + fraction) * 100 + rcid) * 10 + 5
    return pid, pid * 1_000_000 + 15_000 + slot


def limit_columns(exposures: Exposures, when: Ints, rcid: Ints, pointing: Pointing) -> dict[str, Any]:
    """Columns of prv_candidate that hold for an exposure, and with nothing else make an upper limit."""
    pid, _ = identifiers(exposures, when, rcid, np.zeros(len(when), np.int64))
    noise = ((pid // 10) % 9973) / 9973
    return dict.fromkeys(DETECTION_ONLY) | {
        "jd": julian_dates(exposures)[when],
        "fid": FID[exposures.band[when]],
        "pid": pid,
        "diffmaglim": exposures.depth[when].astype(np.float32),
        "pdiffimfilename": file_names(exposures, when, rcid, pointing, archive=True),
        "programpi": "Kulkarni",
        "programid": 1,
        "nid": np.floor(julian_dates(exposures)[when] - 2_400_000.5).astype(np.int64) - FIRST_NIGHT_MJD,
        "rcid": rcid,
        "field": pointing.number,
        "magzpsci": np.float32(ZERO_POINT) + (0.2 * (noise - 0.5)).astype(np.float32),
        "magzpsciunc": (1e-5 * (0.2 + noise)).astype(np.float32),
        "magzpscirms": (0.02 + 0.02 * noise).astype(np.float32),
        "clrcoeff": (0.1 * np.where(exposures.band[when] == 1, -1, 1)).astype(np.float32),
        "clrcounc": (2e-5 * (0.2 + noise)).astype(np.float32),
        "rbversion": "t17_f5_c3",
    }


def detection_columns(
    objects: Objects, seen: Measurements, exposures: Exposures, pointing: Pointing, rng: np.random.Generator
) -> dict[str, Any]:
    """Columns that candidate and prv_candidate share, of detections."""
    n, who, when = len(seen), seen.who, seen.when
    kind, traits, slot = objects.kind[who], objects.traits[who], objects.slot[who]
    rcid = channels(objects, who)
    _, candid = identifiers(exposures, when, rcid, slot)
    noise = rng.standard_normal((5, n)).astype(np.float32)
    uniform = rng.random((4, n))
    limit = exposures.depth[when]
    magnitude = _magnitude(np.abs(seen.flux.astype(np.float64)))
    sigma = 1.0857 / np.maximum(seen.snr.astype(np.float64), 1)
    aperture = magnitude + 0.5 * sigma * noise[0]
    fwhm = 2.2 * exposures.seeing[when] + 0.2 * np.abs(noise[1])
    length = 0.33 * fwhm * (1 + 0.3 * uniform[0] * (kind == BOGUS))
    width = 0.31 * fwhm
    x, y = 40 + 2990 * uniform[1], 40 + 2990 * uniform[2]
    false, dipole = kind == BOGUS, is_dipole(objects, who)
    score = np.where(
        false, 0.5 * uniform[3], np.clip(0.95 - 0.12 * np.abs(noise[2]) - 0.3 / seen.snr, 0.2, 1)
    )
    asteroid = kind == ASTEROID
    names = np.full(n, b"null", "S16")
    moving = np.flatnonzero(asteroid)
    names[moving] = [name.encode() for name, _ in designations(objects, who[moving])]
    return limit_columns(exposures, when, rcid, pointing) | {
        "candid": candid,
        "isdiffpos": np.where(seen.flux > 0, b"t", b"f"),
        "tblid": slot,
        "xpos": x.astype(np.float32),
        "ypos": y.astype(np.float32),
        "ra": np.round(seen.ra_deg, 7),
        "dec": np.round(seen.dec_deg, 7),
        "magpsf": magnitude.astype(np.float32),
        "sigmapsf": sigma.astype(np.float32),
        "chipsf": (1 + np.abs(noise[3]) + 8 * false).astype(np.float32),
        "magap": aperture.astype(np.float32),
        "sigmagap": (1.2 * sigma).astype(np.float32),
        **_neighbour(objects, who, seen.template),
        "sky": (0.3 * noise[4]).astype(np.float32),
        "magdiff": (aperture - magnitude).astype(np.float32),
        "fwhm": fwhm.astype(np.float32),
        "classtar": np.clip(np.where(false, 0.4, 0.97) + 0.02 * noise[1], 0, 1).astype(np.float32),
        "mindtoedge": np.minimum.reduce([x, y, 3072 - x, 3080 - y]).astype(np.float32),
        "magfromlim": (limit - aperture).astype(np.float32),
        "seeratio": np.clip(1 + 0.15 * noise[2], 0.4, 2).astype(np.float32),
        "aimage": length.astype(np.float32),
        "bimage": width.astype(np.float32),
        "aimagerat": (length / fwhm).astype(np.float32),
        "bimagerat": (width / fwhm).astype(np.float32),
        "elong": (length / width).astype(np.float32),
        "nneg": np.where(dipole, 9, (3 * uniform[3]).astype(np.int64)),
        "nbad": np.where(false & (uniform[0] < 0.3), 2, 0),
        "rb": score.astype(np.float32),
        "ssdistnr": np.where(asteroid, 0.1 + 0.8 * traits[:, 7], -999).astype(np.float32),
        "ssmagnr": np.where(asteroid, np.round(magnitude + 0.3 * noise[3], 1), -999).astype(np.float32),
        "ssnamenr": names,
        "sumrat": np.where(dipole, 0.3, 1 - 0.05 * uniform[0]).astype(np.float32),
        "magapbig": (aperture + 0.3 * sigma * noise[4]).astype(np.float32),
        "sigmagapbig": (1.5 * sigma).astype(np.float32),
        "scorr": np.round(seen.snr.astype(np.float64) * 1.05, 4),
    }


DETECTION_ONLY = [
    "candid",
    "isdiffpos",
    "tblid",
    "xpos",
    "ypos",
    "ra",
    "dec",
    "magpsf",
    "sigmapsf",
    "chipsf",
    "magap",
    "sigmagap",
    "distnr",
    "magnr",
    "sigmagnr",
    "chinr",
    "sharpnr",
    "sky",
    "magdiff",
    "fwhm",
    "classtar",
    "mindtoedge",
    "magfromlim",
    "seeratio",
    "aimage",
    "bimage",
    "aimagerat",
    "bimagerat",
    "elong",
    "nneg",
    "nbad",
    "rb",
    "ssdistnr",
    "ssmagnr",
    "ssnamenr",
    "sumrat",
    "magapbig",
    "sigmagapbig",
    "ranr",
    "decnr",
    "scorr",
]


def forced_columns(
    objects: Objects, seen: Measurements, exposures: Exposures, pointing: Pointing, rng: np.random.Generator
) -> dict[str, Any]:
    """Columns of fp_hist; one row in fifty failed and says so."""
    who, when = seen.who, seen.when
    rcid = channels(objects, who)
    columns = limit_columns(exposures, when, rcid, pointing)
    dn = 10 ** (0.4 * (columns["magzpsci"].astype(np.float64) - 31.4))
    failed = rng.random(len(seen)) < 0.02
    neighbour = _neighbour(objects, who, seen.template)
    return (
        columns
        | neighbour
        | {
            "distnr": neighbour["distnr"] * np.float32(1.01),
            "rfid": pointing.number * 1_000_000 + 120_000 + columns["fid"] * 100 + rcid,
            "sciinpseeing": (2.2 * exposures.seeing[when]).astype(np.float32),
            "scibckgnd": (150 + 90 * exposures.seeing[when]).astype(np.float32),
            "scisigpix": (8.6 * exposures.seeing[when]).astype(np.float32),
            "exptime": np.float32(ZTF.exposure_s),
            "adpctdif1": np.float32(0.06),
            "adpctdif2": np.float32(0.06),
            "forcediffimflux": np.where(failed, -99999, seen.flux * dn).astype(np.float32),
            "forcediffimfluxunc": np.where(failed, -99999, seen.flux_err * dn).astype(np.float32),
            "procstatus": np.where(failed, b"61", b"0"),
        }
    )


def _neighbour(objects: Objects, who: Ints, template: npt.NDArray[np.float32]) -> dict[str, Any]:
    """The closest source on the reference image: the object itself, a host galaxy, or an unrelated star."""
    kind, traits = objects.kind[who], objects.traits[who]
    itself = template > 0
    distance = np.where(kind == SUPERNOVA, 1 + 4 * traits[:, 10], np.where(itself, 0.5 * traits[:, 10], 0))
    distance = np.where(itself, distance, 3 + 20 * traits[:, 10])
    known = np.where(itself, template.astype(np.float64), 3000.0 * (1 + 9 * traits[:, 8]))
    return {
        "distnr": distance.astype(np.float32),
        "magnr": np.round(_magnitude(known), 3).astype(np.float32),
        "sigmagnr": (0.01 + 0.05 * traits[:, 8]).astype(np.float32),
        "chinr": (0.4 + traits[:, 9]).astype(np.float32),
        "sharpnr": (0.2 * (traits[:, 9] - 0.5)).astype(np.float32),
        "ranr": np.round(objects.ra_deg[who], 7),
        "decnr": np.round(objects.dec_deg[who] + distance * 1.01 / 3600, 7),
    }


def _magnitude(flux_njy: Floats) -> Floats:
    """AB magnitude: 31.4 is the zero point of nanojansky (Oke and Gunn 1983)."""
    return 31.4 - 2.5 * np.log10(np.maximum(flux_njy, 1e-3))


def file_names(exposures: Exposures, when: Ints, rcid: Ints, pointing: Pointing, *, archive: bool) -> Strings:
    """File names of difference images, made once for each pair of exposure and channel."""
    pairs, which = np.unique(when * 64 + rcid, return_inverse=True)
    mjd = julian_dates(exposures) - 2_400_000.5
    names = []
    for pair in pairs.tolist():
        exposure, channel = divmod(pair, 64)
        night = int(np.floor(mjd[exposure]))
        fraction = f"{int((mjd[exposure] - night) * 1e6 + 1e-3):06d}"
        day = date.fromordinal(MJD_ORDINAL + night)
        name = (
            f"ztf_{day:%Y%m%d}{fraction}_{pointing.name}_z{BANDS[int(exposures.band[exposure])]}"
            f"_c{channel // 4 + 1:02d}_o_q{channel % 4 + 1}_scimrefdiffimg.fits"
        )
        names.append(f"/ztf/archive/sci/{day:%Y}/{day:%m%d}/{fraction}/{name}.fz" if archive else name)
    return np.array([name.encode() for name in names], np.bytes_)[which]
