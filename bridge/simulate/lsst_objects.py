"""LSST's diaObject: who an object is, and running statistics of its light curve in each band."""

from __future__ import annotations

from typing import Any

import numpy as np

from bridge.simulate.population import Measurements, Objects
from bridge.simulate.sky import BANDS, Exposures, Floats, Ints

__all__ = ["LightCurves", "object_columns"]

NAN = float("nan")


class LightCurves:
    """Running statistics of the detections of n objects in six bands (fluxes in nJy)."""

    def __init__(self, n: int) -> None:
        self.count = np.zeros((n, 6), np.int64)
        self.sums = np.zeros((n, 6, 6))
        self.lowest = np.full((n, 6), np.inf)
        self.highest = np.full((n, 6), -np.inf)

    def add(self, seen: Measurements, exposures: Exposures) -> None:
        """Take detections into account."""
        at = (seen.who, exposures.band[seen.when])
        flux, sigma = seen.flux.astype(np.float64), seen.flux_err.astype(np.float64)
        weight = sigma**-2
        terms = (weight, weight * flux, flux, flux**2, sigma, weight * (flux + seen.template))
        cells = np.ravel_multi_index(at, self.count.shape)
        size = self.count.size
        self.count += np.bincount(cells, minlength=size).reshape(self.count.shape)
        for i, term in enumerate(terms):
            self.sums[:, :, i] += np.bincount(cells, term, size).reshape(self.count.shape)
        np.minimum.at(self.lowest, at, flux)
        np.maximum.at(self.highest, at, flux)

    def columns(self, who: Ints, index: int, band: str) -> dict[str, Any]:
        """The fields of one band of diaObject for the objects `who`."""
        count = self.count[who, index]
        some = count > 0
        weight, weighted, total, squares, errors, science = np.moveaxis(self.sums[who, index], -1, 0)
        safe = np.maximum(count, 1)
        heavy = np.where(some, weight, 1.0)
        spread = np.sqrt(np.maximum(squares / safe - (total / safe) ** 2, 0) * safe / np.maximum(safe - 1, 1))

        def known(values: Floats) -> np.ndarray[Any, Any]:
            return np.where(some, values, NAN).astype(np.float32)

        return {
            f"{band}_psfFluxMean": known(weighted / heavy),
            f"{band}_psfFluxMeanErr": known(heavy**-0.5),
            f"{band}_psfFluxSigma": np.where(count > 1, spread, NAN).astype(np.float32),
            f"{band}_psfFluxNdata": count,
            f"{band}_fpFluxMean": NAN,
            f"{band}_fpFluxMeanErr": NAN,
            f"{band}_scienceFluxMean": known(science / heavy),
            f"{band}_scienceFluxMeanErr": known(heavy**-0.5),
            f"{band}_psfFluxMin": known(self.lowest[who, index]),
            f"{band}_psfFluxMax": known(self.highest[who, index]),
            f"{band}_psfFluxMaxSlope": NAN,
            f"{band}_psfFluxErrMean": known(errors / safe),
        }


def object_columns(
    ids: Ints, objects: Objects, who: Ints, time: float, counts: Ints, first: Floats, summary: LightCurves
) -> dict[str, Any]:
    """Columns of diaObject; a band without data has NaN and a count of 0."""
    columns: dict[str, Any] = {
        "diaObjectId": ids,
        "validityStartMjdTai": time + 0.0019,
        "ra": objects.ra_deg[who],
        "raErr": (1e-5 / np.sqrt(counts)).astype(np.float32),
        "dec": objects.dec_deg[who],
        "decErr": (1e-5 / np.sqrt(counts)).astype(np.float32),
        "ra_dec_Cov": 0.0,
        "firstDiaSourceMjdTai": first,
        "lastDiaSourceMjdTai": time,
        "nDiaSources": counts,
    }
    for index, band in enumerate(BANDS):
        columns |= summary.columns(who, index, band)
    return columns
