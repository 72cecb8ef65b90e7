"""The objects in a simulated field: what they are, how bright, and how their light changes.

All light curves are closed formulas of time, so an object's flux at any exposure, past or present, needs no
state: a history made today agrees with the alerts of last night.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from bridge.simulate.sky import Exposures, Floats, Ints, Pointing

__all__ = ["KINDS", "Measurements", "Objects", "joined", "make_objects", "measure", "share_out"]

KINDS = ("supernova", "rr_lyrae", "variable", "agn", "asteroid", "bogus")
SUPERNOVA, RR_LYRAE, VARIABLE, AGN, ASTEROID, BOGUS = range(6)
# Share of each kind among the alerts of a visit; what is too faint on the night is replaced by artefacts.
SHARES = (0.07, 0.20, 0.31, 0.12, 0.13, 0.17)
DETECTION_SNR = 5.0
# Flux relative to r in u, g, r, i, z, y: blue pulsators, red variables, and so on (rough broad-band colours).
COLOURS = np.array(
    [
        [0.3, 0.9, 1.0, 0.8, 0.7, 0.6],
        [0.6, 0.9, 1.0, 1.0, 1.0, 0.95],
        [0.2, 0.6, 1.0, 1.3, 1.5, 1.6],
        [0.9, 0.95, 1.0, 1.05, 1.1, 1.1],
        [0.35, 0.7, 1.0, 1.15, 1.2, 1.2],
        [1.0, 1.0, 1.0, 1.0, 1.0, 1.0],
    ]
)
TRAITS = 24


Columns = TypeVar("Columns", "Objects", "Measurements", Exposures)


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one field, as columns of length n.

    Parameters
    ----------
    kind
        Index into `KINDS`.
    slot
        Number of the object in its field, unique within any one exposure.
    ra_deg, dec_deg
        Position at `reference_mjd_tai`, ICRS.
    ra_rate, dec_rate
        Motion on the sky in deg/d; `ra_rate` does not include cos dec.
    offset_x_deg, offset_y_deg
        Position on the field of view.
    amplitude_njy
        Largest r flux of the difference.
    depth_of_change
        Amplitude over mean flux, of what varies.
    period_d, phase
        Of periodic objects.
    peak_mjd_tai
        Of supernovae.
    traits
        (n, 24) uniform random numbers in [0, 1) for everything else that belongs to an object.
    """

    kind: Ints
    slot: Ints
    ra_deg: Floats
    dec_deg: Floats
    ra_rate: Floats
    dec_rate: Floats
    reference_mjd_tai: Floats
    offset_x_deg: Floats
    offset_y_deg: Floats
    amplitude_njy: Floats
    depth_of_change: Floats
    period_d: Floats
    phase: Floats
    peak_mjd_tai: Floats
    traits: Floats

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True, slots=True)
class Measurements:
    """Photometry and astrometry, one row each; fluxes in nJy, positions and errors in deg (ICRS)."""

    who: Ints
    when: Ints
    flux: npt.NDArray[np.float32]
    flux_err: npt.NDArray[np.float32]
    template: npt.NDArray[np.float32]
    snr: npt.NDArray[np.float32]
    ra_deg: Floats
    dec_deg: Floats
    position_err_deg: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.who)

    def __getitem__(self, rows: npt.NDArray[np.bool_] | Ints) -> Measurements:
        return Measurements(*(getattr(self, f.name)[rows] for f in fields(self)))


def joined(parts: Sequence[Columns]) -> Columns:
    """Objects, or measurements, of several sets one after the other."""
    kind = type(parts[0])
    return kind(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(kind)))


def share_out(count: int) -> list[int]:
    """How many of each kind make `count` alerts, by largest remainders."""
    exact = np.array(SHARES) * count
    whole = np.floor(exact).astype(int)
    order = np.argsort(whole - exact, kind="stable")
    whole[order[: count - whole.sum()]] += 1
    return [int(n) for n in whole]


def make_objects(
    kinds: Ints,
    slots: Ints,
    pointing: Pointing,
    width_deg: float,
    sigma_njy: float,
    reference_mjd_tai: float,
    rng: np.random.Generator,
) -> Objects:
    """Draw objects of the given kinds somewhere in a field; `sigma_njy` is the survey's r-band noise."""
    n = len(kinds)
    x, y = width_deg * (rng.random((2, n)) - 0.5) * 0.96
    dec = pointing.dec_deg + y
    ra = (pointing.ra_deg + x / np.cos(np.radians(dec))) % 360
    moving = kinds == ASTEROID
    speed = np.where(moving, 0.1 + 0.25 * rng.random(n), 0.0)
    heading = np.radians(250 + 30 * rng.random(n))
    lowest = np.choose(kinds, [1.6, 1.2, 1.2, 1.3, 1.3, 1.0])
    highest = np.choose(kinds, [2.5, 2.3, 2.2, 2.2, 2.1, 1.6])
    change = np.choose(
        kinds,
        [1.0, 0.3 + 0.3 * rng.random(n), 0.05 + 0.4 * rng.random(n), 0.1 + 0.3 * rng.random(n), 1.0, 1.0],
    )
    period = np.choose(kinds, [1, 0.4 + 0.4 * rng.random(n), 10 ** (3 * rng.random(n) - 0.5), 1, 1, 1])
    return Objects(
        kind=kinds,
        slot=slots,
        ra_deg=np.round(ra, 9),
        dec_deg=np.round(dec, 9),
        ra_rate=np.where(moving, speed * np.sin(heading) / np.cos(np.radians(dec)), 0.0),
        dec_rate=np.where(moving, speed * np.cos(heading), 0.0),
        reference_mjd_tai=np.full(n, reference_mjd_tai),
        offset_x_deg=x,
        offset_y_deg=y,
        amplitude_njy=sigma_njy * 10 ** (lowest + (highest - lowest) * rng.random(n)),
        depth_of_change=change,
        period_d=period.astype(np.float64),
        phase=rng.random(n),
        peak_mjd_tai=reference_mjd_tai - 40 + 44 * rng.random(n),
        traits=rng.random((n, TRAITS)),
    )


def measure(
    objects: Objects, who: Ints, exposures: Exposures, when: Ints, rng: np.random.Generator
) -> Measurements:
    """Observe object ``who[i]`` in exposure ``when[i]``, with noise."""
    time, band = exposures.midpoint_mjd_tai[when], exposures.band[when]
    true, template = _fluxes(objects, who, time, band)
    sigma = np.hypot(exposures.sigma_njy[when], 0.01 * true)
    flux = true + sigma * rng.standard_normal(len(who))
    snr = np.abs(flux) / sigma
    # Centroid error of a point source: width over signal to noise (King 1983, PASP 95, 163), 0.35" wide core.
    error = exposures.seeing[when] * 0.35 / 3600 / np.maximum(snr, 1.0)
    elapsed = time - objects.reference_mjd_tai[who]
    dec = objects.dec_deg[who] + objects.dec_rate[who] * elapsed + error * rng.standard_normal(len(who))
    shift = error * rng.standard_normal(len(who)) / np.cos(np.radians(dec))
    ra = objects.ra_deg[who] + objects.ra_rate[who] * elapsed + shift
    return Measurements(
        who=who,
        when=when,
        flux=flux.astype(np.float32),
        flux_err=sigma.astype(np.float32),
        template=template.astype(np.float32),
        snr=snr.astype(np.float32),
        ra_deg=np.round(ra % 360, 9),
        dec_deg=np.round(dec, 9),
        position_err_deg=error.astype(np.float32),
    )


def _fluxes(objects: Objects, who: Ints, time: Floats, band: Ints) -> tuple[Floats, Floats]:
    """Flux of the difference and flux on the template, nJy, without noise."""
    kind = objects.kind[who]
    colour = COLOURS[kind, band]
    turn = (time / objects.period_d[who] + objects.phase[who]) % 1.0
    curve = np.ones(len(who))
    for index, shape in ((RR_LYRAE, _sawtooth), (VARIABLE, _sine)):
        rows = kind == index
        curve[rows] = shape(turn[rows])
    rows = kind == SUPERNOVA
    curve[rows] = _explosion(time[rows] - objects.peak_mjd_tai[who[rows]], band[rows])
    rows = kind == AGN
    curve[rows] = _wander(time[rows], objects.traits[who[rows]])
    rows = kind == ASTEROID
    curve[rows] = 1 + 0.1 * np.sin(2 * np.pi * (time[rows] * 3.1 + objects.phase[who[rows]]))
    rows = kind == BOGUS
    curve[rows] = np.where(objects.phase[who[rows]] < 0.4, -1.0, 1.0)
    amplitude = objects.amplitude_njy[who] * colour
    steady = np.where(kind <= AGN, amplitude / objects.depth_of_change[who], 0.0)
    host = np.where(kind == SUPERNOVA, 0.8 * objects.traits[who, 0] * amplitude, 0.0)
    return amplitude * curve, np.where(kind == SUPERNOVA, host, steady)


def _sawtooth(turn: Floats) -> Floats:
    """RR Lyrae of type ab: up in 15 % of the period, down in the rest; mean 0, largest value 1."""
    rise = turn / 0.15
    fall = 1 - (turn - 0.15) / 0.85
    return 2 * np.where(turn < 0.15, rise, fall) - 1


def _sine(turn: Floats) -> Floats:
    wave: Floats = np.sin(2 * np.pi * turn)
    return wave


def _explosion(since_peak_d: Floats, band: Ints) -> Floats:
    """Supernova: the rise and fall of Bazin et al. 2009 (A&A 499, 653, eq. 1), slower in red bands."""
    fall = np.array([14.0, 18.0, 26.0, 32.0, 36.0, 40.0])[band]
    rise = 3.5
    # The formula peaks rise * ln(fall / rise - 1) after its own zero and there has this value.
    late = since_peak_d + rise * np.log(fall / rise - 1)
    top = np.exp(-rise * np.log(fall / rise - 1) / fall) * (1 - rise / fall)
    late = np.clip(late, -300, None)
    value: Floats = np.exp(-late / fall) / (1 + np.exp(-late / rise)) / top
    return value


def _wander(time: Floats, traits: Floats) -> Floats:
    """Active nucleus: six sines of 15 to 700 days, stronger the slower, as in a damped random walk."""
    total = np.zeros(len(time))
    for i, period in enumerate((15.0, 33.0, 71.0, 150.0, 330.0, 700.0)):
        total += (i + 1) * np.sin(2 * np.pi * (time / period + traits[:, 6 + i]))
    return total / 9.5
