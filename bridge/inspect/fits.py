"""The first image of a FITS file, read without astropy: all that a postage stamp needs.

Survey cutouts are tiny FITS files, gzipped (ZTF) or plain (LSST), and some have headers that astropy
warns about. A stamp is a header of 80-character cards and a block of big-endian numbers.
"""

from __future__ import annotations

import gzip
import io
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bridge.errors import PacketError

__all__ = ["Image", "read_image"]

BLOCK = 2880
CARD = 80
# FITS standard 4.0, table 8.
DTYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels and the part of the header that says where they lie.

    Parameters
    ----------
    pixels
        Brightness (ny, nx), first row at the bottom.
    unit
        BUNIT, or empty.
    source_xy
        The reference pixel, counted from 0, where the header has one (LSST puts the source there), else
        the middle of the image.
    to_sky
        Matrix (2, 2) from pixels to degrees on the sky (RA, Dec directions), or None.
    """

    pixels: NDArray[np.float64]
    unit: str
    source_xy: tuple[float, float]
    to_sky: NDArray[np.float64] | None

    @property
    def arcsec_per_pixel(self) -> float | None:
        """Pixel scale from the matrix, where there is one."""
        if self.to_sky is None:
            return None
        return float(np.sqrt(abs(np.linalg.det(self.to_sky)))) * 3600.0


def read_image(data: bytes) -> Image:
    """Read the primary image of a FITS file.

    Parameters
    ----------
    data
        The file, gzipped or not.

    Raises
    ------
    PacketError
        If it is not FITS, is cut short, or has no two-dimensional image first.
    """
    if data[:2] == b"\x1f\x8b":
        try:
            data = _unzip(data)
        except (OSError, EOFError, zlib.error) as error:
            raise PacketError(f"the cutout's gzip data are damaged ({error})") from None
    if not data.startswith(b"SIMPLE  ="):
        raise PacketError("the cutout is not a FITS file")
    header, start = _read_header(data)
    try:
        dtype = np.dtype(DTYPES[header["BITPIX"]])
        axes = [int(header[f"NAXIS{i + 1}"]) for i in range(int(header["NAXIS"]))]
    except (KeyError, ValueError, TypeError):
        raise PacketError("the cutout's FITS header does not describe an image") from None
    if len(axes) != 2 or min(axes) < 1:
        raise PacketError(f"the cutout's first FITS unit is not a two-dimensional image (axes {axes})")
    nx, ny = axes
    if len(data) < start + nx * ny * dtype.itemsize:
        raise PacketError(f"the cutout ends before its {nx} x {ny} pixels do")
    raw = np.frombuffer(data, dtype, nx * ny, start).reshape(ny, nx)
    pixels = raw.astype(np.float64) * _number(header, "BSCALE", 1.0) + _number(header, "BZERO", 0.0)
    middle = ((nx - 1) / 2, (ny - 1) / 2)
    if "CRPIX1" in header and "CRPIX2" in header:
        middle = (_number(header, "CRPIX1", 0.0) - 1, _number(header, "CRPIX2", 0.0) - 1)
    return Image(pixels, str(header.get("BUNIT", "")).strip(), middle, _matrix(header))


def _unzip(data: bytes) -> bytes:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as stream:
        return stream.read(MAX_BYTES)


def _read_header(data: bytes) -> tuple[dict[str, Any], int]:
    header: dict[str, Any] = {}
    for position in range(0, len(data) - CARD + 1, CARD):
        card = data[position : position + CARD].decode("latin-1")
        key = card[:8].rstrip()
        if key == "END":
            return header, -(-(position + CARD) // BLOCK) * BLOCK
        if card[8:10] == "= " or card[8:9] == "=":
            header[key] = _value(card[9:])
    raise PacketError("the cutout's FITS header has no end")


def _value(text: str) -> Any:
    text = text.strip()
    if text.startswith("'"):
        return text[1:].split("'")[0].rstrip()
    text = text.split("/")[0].strip()
    if text in ("T", "F"):
        return text == "T"
    for convert in (int, float):
        try:
            return convert(text.replace("D", "E"))
        except ValueError:
            continue
    return text


def _number(header: dict[str, Any], key: str, default: float) -> float:
    value = header.get(key, default)
    return float(value) if isinstance(value, (int, float)) else default


def _matrix(header: dict[str, Any]) -> NDArray[np.float64] | None:
    """FITS WCS paper I (Greisen and Calabretta 2002), equation 1: PC times CDELT, or CD as it stands."""
    if any(f"CD{i}_{j}" in header for i in (1, 2) for j in (1, 2)):
        matrix = [[_number(header, f"CD{i}_{j}", 0.0) for j in (1, 2)] for i in (1, 2)]
    elif any(f"PC{i}_{j}" in header for i in (1, 2) for j in (1, 2)) or "CDELT1" in header:
        matrix = [
            [_number(header, f"CDELT{i}", 1.0) * _number(header, f"PC{i}_{j}", float(i == j)) for j in (1, 2)]
            for i in (1, 2)
        ]
    else:
        return None
    array = np.array(matrix)
    return array if np.isfinite(array).all() and abs(np.linalg.det(array)) > 0 else None
