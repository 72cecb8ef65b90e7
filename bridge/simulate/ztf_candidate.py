"""The columns of ZTF's candidate: a detection, and what the catalogues say about its surroundings."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.simulate.population import ASTEROID, BOGUS, SUPERNOVA, Measurements, Objects
from bridge.simulate.sky import ZTF, Exposures, Floats, Ints, Pointing
from bridge.simulate.ztf_rows import file_names

__all__ = ["candidate_columns"]

NONE = np.float32(-999.0)


def candidate_columns(
    shared: dict[str, Any],
    objects: Objects,
    seen: Measurements,
    exposures: Exposures,
    pointing: Pointing,
    detections: Ints,
    first_jd: Floats,
) -> dict[str, Any]:
    """Columns of candidate: those of prv_candidate (`shared`) and what only the triggering row has."""
    who = seen.who
    kind, traits = objects.kind[who], objects.traits[who]
    star = np.where(kind == SUPERNOVA, 0.05, np.where(kind == ASTEROID, 0.5, 0.97)) * (
        0.9 + 0.1 * traits[:, 9]
    )
    nearest = shared["distnr"] * np.float32(1.01)
    brightness = 17 + 4 * traits[:, 11]
    columns: dict[str, Any] = {}
    for rank, (distance, score) in enumerate(
        ((nearest, star), (nearest + 4 + 8 * traits[:, 12], traits[:, 13]), (nearest + 13, traits[:, 14])), 1
    ):
        for i, band in enumerate("griz"):
            magnitude = brightness + 1.2 * (rank - 1) - 0.3 * i
            missing = (rank == 3) & (traits[:, 15] < 0.3)
            columns[f"s{band}mag{rank}"] = np.where(missing, NONE, np.round(magnitude, 4)).astype(np.float32)
        columns[f"sgscore{rank}"] = score.astype(np.float32)
        columns[f"distpsnr{rank}"] = distance.astype(np.float32)
        columns[f"objectidps{rank}"] = 150_000_000_000_000_000 + (traits[:, 15 + rank] * 1e16).astype(
            np.int64
        )
    jd = shared["jd"]
    score = np.where(kind == BOGUS, 0.4 * traits[:, 19], 1 - 0.05 * traits[:, 19])
    gaia = traits[:, 20] < 0.7
    return (
        shared
        | columns
        | {
            "pdiffimfilename": file_names(exposures, seen.when, shared["rcid"], pointing, archive=False),
            "ndethist": detections,
            "ncovhist": 200 + (300 * traits[:, 21]).astype(np.int64),
            "jdstarthist": first_jd,
            "jdendhist": jd,
            "tooflag": 0,
            "nmtchps": 1 + (15 * traits[:, 12]).astype(np.int64),
            "rfid": pointing.number * 1_000_000 + 120_000 + shared["fid"] * 100 + shared["rcid"],
            "jdstartref": 2458160.7,
            "jdendref": 2458423.8,
            "nframesref": 15,
            "dsnrms": (seen.snr * np.float32(0.9)),
            "ssnrms": (seen.snr * np.float32(2.0)),
            "dsdiff": seen.snr * np.float32(0.9) - seen.snr * np.float32(2.0),
            "nmatches": 300 + (1500 * traits[:, 13]).astype(np.int64),
            "zpclrcov": np.float32(-5e-6),
            "zpmed": shared["magzpsci"] + np.float32(0.06),
            "clrmed": np.float32(0.7),
            "clrrms": np.float32(0.2),
            "neargaia": np.where(gaia, nearest, NONE).astype(np.float32),
            "neargaiabright": NONE,
            "maggaia": np.where(gaia, brightness - 0.4, NONE).astype(np.float32),
            "maggaiabright": NONE,
            "exptime": np.float32(ZTF.exposure_s),
            "drb": score.astype(np.float32),
            "drbversion": "d6_m7",
        }
    )
