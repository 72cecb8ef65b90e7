"""Postage stamps read without astropy, held against astropy."""

from __future__ import annotations

import contextlib
import gzip
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Packet
from bridge.errors import PacketError
from bridge.inspect.fits import read_image
from bridge.inspect.stamps import display_values


def written_by_astropy(pixels: np.ndarray, header: dict[str, Any] | None = None) -> bytes:
    fits = pytest.importorskip("astropy.io.fits")
    buffer = io.BytesIO()
    fits.PrimaryHDU(pixels, fits.Header(header or {})).writeto(buffer)
    return buffer.getvalue()


def test_real_stamps_have_the_pixels_that_astropy_reads(
    shared_data: Path, packets: Callable[[Path], list[Packet]]
) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    checked = 0
    for name in ("ztf-ZTF19acihgng.avro", "fink-lsst-2026-03.avro", "fink-ztf-2019-11.avro"):
        for packet in packets(shared_data / "alerts" / name):
            record = decode_packet(packet)
            for field in ("cutoutScience", "cutoutTemplate", "cutoutDifference"):
                data = record[field] if isinstance(record[field], bytes) else record[field]["stampData"]
                plain = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    theirs = fits.getdata(io.BytesIO(plain), 0)
                np.testing.assert_array_equal(read_image(data).pixels, theirs.astype(float))
                checked += 1
    assert checked == 3 * (1 + 7 + 11)


@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "i8", "f4", "f8"])
def test_every_kind_of_number_is_read(dtype: str) -> None:
    pixels = np.arange(35, dtype=dtype).reshape(5, 7)
    image = read_image(written_by_astropy(pixels, {"BUNIT": "nJy"}))
    np.testing.assert_array_equal(image.pixels, pixels)
    assert image.unit == "nJy"
    assert image.source_xy == (3.0, 2.0)
    assert image.to_sky is None
    assert image.arcsec_per_pixel is None


def test_scaled_integers_are_scaled_back() -> None:
    # astropy stores unsigned integers with BZERO = 32768.
    pixels = np.array([[0, 40_000], [65_535, 7]], dtype=np.uint16)
    np.testing.assert_array_equal(read_image(written_by_astropy(pixels)).pixels, pixels)


@pytest.mark.parametrize(
    "header",
    [
        {"CD1_1": -5e-5, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 5e-5},
        {"CDELT1": -5e-5, "CDELT2": 5e-5},
        {"CDELT1": 5e-5, "CDELT2": 5e-5, "PC1_1": 0.0, "PC1_2": 1.0, "PC2_1": 1.0, "PC2_2": 0.0},
    ],
)
def test_pixel_scale_is_found_however_the_header_says_it(header: dict[str, float]) -> None:
    image = read_image(written_by_astropy(np.zeros((3, 3)), {**header, "CRPIX1": 2.5, "CRPIX2": 1.0}))
    assert image.arcsec_per_pixel == pytest.approx(0.18)
    assert image.source_xy == (1.5, 0.0)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [(np.zeros((2, 2, 2)), "not a two-dimensional image"), (np.zeros(5), "not a two-dimensional image")],
)
def test_what_is_no_image_is_refused(pixels: np.ndarray, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        read_image(written_by_astropy(pixels))


WHOLE = b"".join(
    card.ljust(80).encode()
    for card in ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 4", "NAXIS2  = 3", "END")
).ljust(2880) + bytes(range(12))


def test_pixels_that_are_cut_off_are_noticed() -> None:
    assert read_image(WHOLE).pixels.tolist()[2] == [8.0, 9.0, 10.0, 11.0]
    with pytest.raises(PacketError, match="ends before its 4 x 3 pixels"):
        read_image(WHOLE[:-1])


@settings(deadline=None, max_examples=150)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=40))
def test_damage_anywhere_is_a_sentence_and_never_a_traceback(position: int, damage: bytes) -> None:
    damaged = WHOLE[:position] + damage + WHOLE[position + len(damage) :]
    for data in (damaged, gzip.compress(damaged), gzip.compress(damaged)[:-9]):
        with contextlib.suppress(PacketError):
            assert read_image(data).pixels.ndim == 2


def test_source_stands_out_of_the_stretch_and_missing_pixels_stay_missing() -> None:
    noise = np.random.default_rng(1).normal(0, 3, (31, 31))
    noise[15, 15], noise[0, 0] = -500.0, np.nan
    shades = display_values(noise, symmetric=True)
    assert np.nanargmin(shades) == 15 * 31 + 15
    assert np.isnan(shades[0, 0])
    assert np.nanmedian(shades) == pytest.approx(0.5, abs=0.05)
    assert np.isnan(display_values(np.full((3, 3), np.nan))).all()
    flat = display_values(np.full((3, 3), 7.0))
    assert ((flat >= 0) & (flat <= 1)).all()
