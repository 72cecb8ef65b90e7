"""ZTF's postage stamps: gzipped FITS of 63 by 63 pixels, put together from compressed pieces.

Compressing three stamps of noise for each alert would cost more than everything else. A deflate stream may
be cut at full flushes, so the outer bands of a stamp, where only sky is, come compressed from a pool, and
only the middle band, where the source is, is compressed for each alert (RFC 1951 and 1952).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bridge.simulate.fits import header, image_cards, pixels
from bridge.simulate.lsst_stamps import is_dipole
from bridge.simulate.population import BOGUS, Measurements, Objects
from bridge.simulate.sky import random_stream

__all__ = ["ZERO_POINT", "ZtfStamps"]

SIDE = 63
BAND = 21
POOL = 10
SKY_DN = 195.0
SKY_NOISE_DN = 8.6
TEMPLATE_NOISE_DN = 5.0
# Magnitude of one DN; close to what real alerts have in magzpsci.
ZERO_POINT = 26.1
FWHM_PIXEL = 2.2
GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"
Images = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes, and the same compressed as a part of a deflate stream."""

    raw: bytes
    deflated: bytes


def _piece(raw: bytes, *, last: bool = False, strategy: int = zlib.Z_HUFFMAN_ONLY) -> Piece:
    # Noise has no repetitions to find, so only its symbols are counted (Huffman only): five times as fast.
    engine = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS, 9, strategy)
    deflated = engine.compress(raw) + engine.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)
    return Piece(raw, deflated)


_HEADER = _piece(
    header([*image_cards((SIDE, SIDE), "f4"), ("BUNIT", "DN", "")]), strategy=zlib.Z_DEFAULT_STRATEGY
)
_PADDING = _piece(bytes(-(SIDE * SIDE * 4) % 2880), last=True, strategy=zlib.Z_DEFAULT_STRATEGY)


def gzipped(pieces: tuple[Piece, ...]) -> bytes:
    """One gzip member out of pieces, of which only the last one ends the stream."""
    raw = b"".join(piece.raw for piece in pieces)
    trailer = zlib.crc32(raw).to_bytes(4, "little") + len(raw).to_bytes(4, "little")
    return b"".join((GZIP_HEAD, *(piece.deflated for piece in pieces), trailer))


class ZtfStamps:
    """Makes stamps; the pools of sky depend on nothing but the seed.

    Parameters
    ----------
    seed
        Of the simulation.
    """

    def __init__(self, seed: int) -> None:
        rng = random_stream(seed, 30)
        noise = rng.standard_normal((2, POOL, SIDE, SIDE), np.float32)
        self.templates = np.float32(SKY_DN) + noise[0] * np.float32(TEMPLATE_NOISE_DN)
        skies = noise[1] * np.float32(SKY_NOISE_DN)
        outer = (slice(0, BAND), slice(2 * BAND, SIDE))
        self.template_bands = [[_band(image[rows]) for rows in outer] for image in self.templates]
        self.sky_bands = [[_band(image[rows]) for rows in outer] for image in skies]
        self.science_bands = [
            [[_band(template[rows] + sky[rows]) for rows in outer] for sky in skies]
            for template in self.templates
        ]
        axis = np.arange(SIDE) - SIDE // 2
        line = np.exp(-(axis**2) / (2 * (FWHM_PIXEL / 2.355) ** 2))
        psf = np.outer(line, line) / line.sum() ** 2
        self.psf = psf[BAND : 2 * BAND].astype(np.float32)

    def make(
        self, objects: Objects, seen: Measurements, rng: np.random.Generator
    ) -> list[tuple[bytes, bytes, bytes]]:
        """Science, template and difference stamp (gzipped FITS) of each detection."""
        who, count = seen.who, len(seen)
        dn = np.float32(10 ** (0.4 * (ZERO_POINT - 31.4)))
        shapes = np.repeat(self.psf[None], count, axis=0)
        dipole = is_dipole(objects, who)
        shapes[dipole] = np.roll(self.psf, 1, axis=1) - np.roll(self.psf, -1, axis=1)
        spike = np.zeros_like(self.psf)
        spike[BAND // 2, SIDE // 2] = 1
        shapes[(objects.kind[who] == BOGUS) & ~dipole] = spike
        difference = rng.standard_normal((count, BAND, SIDE), np.float32) * np.float32(SKY_NOISE_DN)
        difference += (seen.flux * dn)[:, None, None] * shapes
        which = objects.slot[who] % POOL
        template = self.templates[which, BAND : 2 * BAND] + (seen.template * dn)[:, None, None] * self.psf
        science = template + difference
        skies = rng.integers(0, POOL, count)
        stamps = []
        for i in range(count):
            base, sky = int(which[i]), int(skies[i])
            stamps.append(
                (
                    _stamp(self.science_bands[base][sky], science[i]),
                    _stamp(self.template_bands[base], template[i]),
                    _stamp(self.sky_bands[sky], difference[i]),
                )
            )
        return stamps


def _band(image: Images) -> Piece:
    return _piece(pixels(image, "f4"))


def _stamp(outer: list[Piece], middle: Images) -> bytes:
    return gzipped((_HEADER, outer[0], _band(middle), outer[1], _PADDING))
