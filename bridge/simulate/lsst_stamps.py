"""LSST's postage stamps: plain FITS with the image, its variance and the PSF.

Only the image differs from alert to alert; variance and PSF belong to the visit or the template and are
encoded once. Sizes as in real packets: 34,560 bytes for visit and difference, 46,080 and more for templates.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bridge.simulate.fits import header, image_cards, padded, pixels
from bridge.simulate.population import ASTEROID, BOGUS, Measurements, Objects
from bridge.simulate.sky import Floats, random_stream

__all__ = ["LsstStamps"]

SIDE = 30
PIXEL_DEG = 0.2 / 3600
PSF_SIDE = 41
TEMPLATE_PSF_SIDES = (55, 55, 55, 55, 55, 55, 61, 61, 77)
TEMPLATE_NOISE = 0.15
POOL = 64
Pieces = tuple[bytes, ...]
Images = npt.NDArray[np.float32]

# Position and rotation are filled in per alert; the slots are as wide as a FITS value field.
_PRIMARY = header(
    [
        *image_cards((SIDE, SIDE), "f4"),
        ("EXTEND", True, ""),
        ("BUNIT", "nJy", ""),
        ("WCSAXES", 2, "number of world coordinate axes"),
        ("CTYPE1", "RA---TAN", ""),
        ("CTYPE2", "DEC--TAN", ""),
        ("CUNIT1", "deg", ""),
        ("CUNIT2", "deg", ""),
        ("CRPIX1", 15.5, "column of the detection"),
        ("CRPIX2", 15.5, "row of the detection"),
        ("CRVAL1", "@RA@", "[deg] right ascension"),
        ("CRVAL2", "@DEC@", "[deg] declination"),
        ("CD1_1", -PIXEL_DEG, ""),
        ("CD1_2", 0.0, ""),
        ("CD2_1", 0.0, ""),
        ("CD2_2", PIXEL_DEG, ""),
        ("RADESYS", "ICRS", ""),
    ]
)
_RA_AT, _DEC_AT = (_PRIMARY.index(slot) - 1 for slot in (b"@RA@", b"@DEC@"))


class LsstStamps:
    """Makes the three stamps of the alerts of one visit.

    Parameters
    ----------
    seed
        Of the simulation; templates depend on nothing else, so an object keeps its template.
    seeing
        Width of the visit's PSF relative to the usual one.
    sigma_njy
        Noise of a point source's flux in the visit.
    """

    def __init__(self, seed: int, seeing: float, sigma_njy: float) -> None:
        self.psf = _gaussian(SIDE, 1.9 * seeing)
        self.noise_njy = sigma_njy * float(np.sqrt((self.psf**2).sum()))
        self.tail = _tail(self.noise_njy, PSF_SIDE, 1.9 * seeing)
        self.template_psf = _gaussian(SIDE, 1.7)
        rng = random_stream(seed, 10)
        # A template is many visits added up: its noise does not follow the visit.
        self.template_pool = rng.standard_normal((POOL, SIDE, SIDE), np.float32) * np.float32(7.0)
        self.template_tails = {side: _tail(7.0, side, 1.7) for side in set(TEMPLATE_PSF_SIDES)}

    def make(
        self, objects: Objects, seen: Measurements, rng: np.random.Generator
    ) -> list[tuple[Pieces, Pieces, Pieces]]:
        """Difference, science and template stamp of each detection, as pieces to be joined."""
        count = len(seen)
        difference = rng.standard_normal((count, SIDE, SIDE), np.float32) * np.float32(self.noise_njy)
        difference += seen.flux[:, None, None] * self._shapes(objects, seen.who)
        slots = objects.slot[seen.who]
        template = self.template_pool[slots % POOL] + (
            seen.template[:, None, None] * self.template_psf.astype(np.float32)
        )
        science = difference + template
        planes = [image.astype(">f4").tobytes() for image in (difference, science, template)]
        size = SIDE * SIDE * 4
        gap = bytes(-size % 2880)
        stamps: list[tuple[Pieces, Pieces, Pieces]] = []
        for i in range(count):
            head = _primary(float(seen.ra_deg[i]), float(seen.dec_deg[i]))
            image = [plane[i * size : (i + 1) * size] for plane in planes]
            side = TEMPLATE_PSF_SIDES[int(slots[i]) % len(TEMPLATE_PSF_SIDES)]
            stamps.append(
                (
                    (head, image[0], gap, self.tail),
                    (head, image[1], gap, self.tail),
                    (head, image[2], gap, self.template_tails[side]),
                )
            )
        return stamps

    def _shapes(self, objects: Objects, who: npt.NDArray[np.int64]) -> Images:
        """What one nJy looks like: a PSF, a short trail, a dipole or a cosmic ray."""
        psf = self.psf.astype(np.float32)
        shapes = np.repeat(psf[None], len(who), axis=0)
        kind = objects.kind[who]
        trail = (np.roll(psf, 1, axis=1) + psf + np.roll(psf, -1, axis=1)) / 3
        shapes[kind == ASTEROID] = trail
        dipole = np.roll(psf, 2, axis=1) - np.roll(psf, -2, axis=1)
        shapes[(kind == BOGUS) & is_dipole(objects, who)] = dipole
        spike = np.zeros((SIDE, SIDE), np.float32)
        spike[SIDE // 2, SIDE // 2 - 1 : SIDE // 2 + 2] = (0.1, 0.8, 0.1)
        shapes[(kind == BOGUS) & ~is_dipole(objects, who)] = spike
        return shapes


def is_dipole(objects: Objects, who: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether an artefact is a dipole (a badly subtracted star) rather than a cosmic ray."""
    dipoles: npt.NDArray[np.bool_] = (objects.kind[who] == BOGUS) & (objects.traits[who, 1] < 0.6)
    return dipoles


def _gaussian(side: int, sigma_pixel: float) -> Floats:
    """A PSF with unit sum in the middle of a square."""
    axis = np.arange(side) - (side - 1) / 2
    line = np.exp(-(axis**2) / (2 * sigma_pixel**2))
    psf = np.outer(line, line)
    scaled: Floats = np.round(psf / psf.sum(), 12)
    return scaled


def _tail(noise: float, psf_side: int, sigma_pixel: float) -> bytes:
    """Variance and PSF extensions."""
    variance = np.full((SIDE, SIDE), noise**2, np.float32)
    uncert = header([*image_cards((SIDE, SIDE), "f4", "UNCERT"), ("UTYPE", "VarianceUncertainty", "")])
    psf = header(image_cards((psf_side, psf_side), "f8", "PSFIMAGE"))
    image = _gaussian(psf_side, sigma_pixel)
    return uncert + padded(pixels(variance, "f4")) + psf + padded(pixels(image, "f8"))


def _primary(ra_deg: float, dec_deg: float) -> bytes:
    ra, dec = f"{ra_deg:>20.12f}".encode(), f"{dec_deg:>20.12f}".encode()
    return b"".join((_PRIMARY[:_RA_AT], ra, _PRIMARY[_RA_AT + 20 : _DEC_AT], dec, _PRIMARY[_DEC_AT + 20 :]))
