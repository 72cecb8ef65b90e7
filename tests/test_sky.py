"""Angles on the sky against astropy."""

from __future__ import annotations

import math

import pytest
from astropy import units
from astropy.coordinates import BarycentricMeanEcliptic, SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge import sky

ra = st.floats(0, 360, exclude_max=True)
dec = st.floats(-90, 90)
moderate = settings(max_examples=60, deadline=None)


@moderate
@given(ra, dec, ra, dec)
def test_separation_is_astropy_s(ra1: float, dec1: float, ra2: float, dec2: float) -> None:
    expected = SkyCoord(ra1, dec1, unit="deg").separation(SkyCoord(ra2, dec2, unit="deg")).deg
    assert sky.separation(ra1, dec1, ra2, dec2) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("offset_deg", [1e-3 / 3600, 1e-9, 1e-6, 1.0, 90.0, 179.999999])
def test_small_and_large_separations_keep_their_digits(offset_deg: float) -> None:
    assert sky.separation(10.0, -offset_deg / 2, 10.0, offset_deg / 2) == pytest.approx(offset_deg, rel=1e-9)
    assert sky.separation(0.0, 0.0, offset_deg, 0.0) == pytest.approx(offset_deg, rel=1e-9)


@moderate
@given(ra, dec)
def test_galactic_coordinates_are_astropy_s(ra_deg: float, dec_deg: float) -> None:
    galactic = SkyCoord(ra_deg, dec_deg, unit="deg").galactic
    ours = SkyCoord(sky.gal_lon(ra_deg, dec_deg), sky.gal_lat(ra_deg, dec_deg), unit="deg", frame="galactic")
    assert ours.separation(galactic) < 0.1 * units.arcsec  # astropy goes through the B1950 pole
    assert 0 <= sky.gal_lon(ra_deg, dec_deg) <= 360


@moderate
@given(ra, dec)
def test_what_is_turned_to_galactic_and_back_is_where_it_was(ra_deg: float, dec_deg: float) -> None:
    back = sky.from_galactic(sky.gal_lon(ra_deg, dec_deg), sky.gal_lat(ra_deg, dec_deg))
    assert sky.separation(ra_deg, dec_deg, *back) < 1e-6


@moderate
@given(ra, dec)
def test_ecliptic_coordinates_are_astropy_s(ra_deg: float, dec_deg: float) -> None:
    frame = BarycentricMeanEcliptic(equinox="J2000")
    ecliptic = SkyCoord(ra_deg, dec_deg, unit="deg").transform_to(frame)
    ours = SkyCoord(sky.ecl_lon(ra_deg, dec_deg), sky.ecl_lat(ra_deg, dec_deg), unit="deg", frame=frame)
    assert ours.separation(ecliptic) < 0.1 * units.arcsec


@pytest.mark.parametrize("place", [(math.nan, 0.0), (0.0, math.nan), (0.0, 91.0), (math.inf, 0.0)])
def test_no_place_has_no_angles(place: tuple[float, float]) -> None:
    assert math.isnan(sky.separation(*place, 0.0, 0.0))
    assert math.isnan(sky.separation(0.0, 0.0, *place))
    for function in (sky.gal_lat, sky.gal_lon, sky.ecl_lat, sky.ecl_lon):
        assert math.isnan(function(*place))
