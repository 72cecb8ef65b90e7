"""Positions for people, held against astropy and against the traps of rounding."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from bridge.inspect.sexagesimal import sexagesimal_dec, sexagesimal_ra

RA = st.floats(0, 360, exclude_max=True)
DEC = st.floats(-90, 90)


def seconds_of(text: str) -> float:
    sign = -1 if text.startswith("-") else 1
    whole, minutes, seconds = text.lstrip("+-").split(":")
    return sign * (int(whole) * 3600 + int(minutes) * 60 + float(seconds))


@given(RA)
@example(359.9999999999)
@example(15 * (5 + 59 / 60 + 59.9999 / 3600))
def test_right_ascension_reads_back_and_never_shows_sixty_seconds(ra_deg: float) -> None:
    text = sexagesimal_ra(ra_deg)
    assert re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}", text)
    off = abs(seconds_of(text) - ra_deg * 240)
    assert min(off, 86_400 - off) <= 0.000501


@given(DEC)
@example(-0.0000001)
@example(59.9999999)
@example(-89.99999999)
def test_declination_reads_back_and_never_shows_sixty_seconds(dec_deg: float) -> None:
    text = sexagesimal_dec(dec_deg)
    assert re.fullmatch(r"[+-]\d\d:[0-5]\d:[0-5]\d\.\d\d", text)
    assert abs(seconds_of(text) - dec_deg * 3600) <= 0.00501
    assert text != "-00:00:00.00"


def test_whole_seconds_have_no_point() -> None:
    assert sexagesimal_ra(289.8937586, 0) == "19:19:35"
    assert sexagesimal_dec(-47.1807580, 0) == "-47:10:51"
