"""Times against astropy, leap seconds included."""

from __future__ import annotations

import math
import warnings

import pytest
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import PacketError
from bridge.mapping.times import LEAP_SECONDS, SCALES

NEAR_LEAPS = st.builds(
    lambda row, seconds: row[0] + seconds / 86_400,
    st.sampled_from(LEAP_SECONDS[1:]),
    st.floats(-100, 100),
)
DAYS = st.one_of(st.floats(41_318, 70_000), NEAR_LEAPS)


def astropy_iso(value: float, form: str, scale: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return str(Time(value, format=form, scale=scale).utc.isot)


@given(DAYS)
def test_tai_to_utc_is_that_of_astropy_on_every_day(mjd: float) -> None:
    assert SCALES["mjd_tai"](mjd, 0.0) == astropy_iso(mjd, "mjd", "tai")


@given(DAYS)
def test_utc_is_that_of_astropy_on_every_day(mjd: float) -> None:
    assert SCALES["mjd_utc"](mjd, 0.0) == astropy_iso(mjd, "mjd", "utc")
    assert SCALES["jd_utc"](mjd + 2_400_000.5, 0.0) == astropy_iso(mjd + 2_400_000.5, "jd", "utc")


def test_the_leap_second_itself_is_second_60() -> None:
    mjd_tai = 57754 + 36.25 / 86_400

    assert SCALES["mjd_tai"](mjd_tai, 0.0) == "2016-12-31T23:59:60.250"
    assert SCALES["mjd_tai"](57754 + 37.25 / 86_400, 0.0) == "2017-01-01T00:00:00.250"


def test_half_an_exposure_across_a_leap_second_takes_one_second_longer() -> None:
    before = 57753 + (86_400 - 10) / 86_401

    assert SCALES["mjd_utc"](before, 15.0) == "2017-01-01T00:00:04.000"


def test_rounding_never_gives_twenty_four_hours() -> None:
    assert SCALES["mjd_utc"](60000 + (86_400 - 0.0002) / 86_400, 0.0) == "2023-02-26T00:00:00.000"


@pytest.mark.parametrize("scale", sorted(SCALES))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0, -999.0, 1e300])
def test_what_is_no_date_costs_the_packet(scale: str, value: float) -> None:
    with pytest.raises(PacketError, match="MJD"):
        SCALES[scale](value, 0.0)


@pytest.mark.parametrize(
    ("scale", "value", "add_s"),
    [
        ("jd_utc", 5_373_484.5, 0.0),
        ("jd_utc", 5_373_484.4999, 15.0),
        ("mjd_utc", 2_973_484.0, 0.0),
        ("mjd_utc", math.nextafter(2_973_484.0, 0), 0.0),
        ("mjd_tai", 2_973_483.9999999, 60.0),
    ],
)
def test_what_rounding_or_half_an_exposure_brings_into_the_year_10000_costs_the_packet(
    scale: str, value: float, add_s: float
) -> None:
    with pytest.raises(PacketError, match="is not a date between 1972 and 9999"):
        SCALES[scale](value, add_s)


def test_the_last_second_of_the_year_9999_is_a_time() -> None:
    assert SCALES["mjd_utc"](2_973_483 + 86_399 / 86_400, 0.0) == "9999-12-31T23:59:59.000"
