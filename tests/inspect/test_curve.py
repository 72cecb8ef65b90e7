"""Light curves: sorting, windows, trends, and drawings with characters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.inspect.curve import LightCurve, Point, order_bands
from bridge.inspect.history import add_history, trend
from bridge.inspect.marks import mark_of
from bridge.inspect.report import FactList
from bridge.inspect.sketch import sketch


def curve_of(points: list[Point], unit: str = "mag") -> LightCurve:
    curve = LightCurve.from_points(points, quantity="brightness", unit=unit, scale="UTC")
    assert curve is not None
    return curve


def line(slope: float, error: float = 0.05, start: float = 18.0, **more: bool) -> list[Point]:
    return [
        Point(60000.0 + day, start + slope * day, error, "r", "detection", current=day == 6, **more)
        for day in range(7)
    ]


def test_points_without_time_or_value_are_left_out() -> None:
    nan = math.nan
    points = [Point(60001.0, 18.0, nan, "r", "detection"), Point(nan, 18.0, 0.1, "r", "detection")]
    assert len(curve_of([*points, Point(60000.0, nan, 0.1, "r", "detection")])) == 1
    absurd = Point(60000.0, 1e300, 0.1, "r", "detection")
    assert LightCurve.from_points([*points[1:], absurd], quantity="", unit="mag", scale="") is None
    assert np.isnan(curve_of([absurd._replace(value=18.0, error=-999.0)]).error).all()


def test_bands_go_from_blue_to_red_and_strangers_follow() -> None:
    assert order_bands(["z", "clear", "g", "u", "B", "g"]) == ("u", "g", "z", "B", "clear")


@pytest.mark.parametrize(
    ("slope", "unit", "fainter", "word"),
    [
        (-0.2, "mag", False, "rising"),
        (0.2, "mag", False, "fading"),
        (0.2, "mag", True, "rising"),
        (-0.2, "mag", True, "fading"),
        (0.2, "nJy", False, "rising"),
        (-0.2, "nJy", True, "fading"),
        (0.001, "mag", False, "no clear trend"),
    ],
)
def test_trend_is_named_by_what_the_source_does(slope: float, unit: str, fainter: bool, word: str) -> None:
    curve = curve_of(line(slope, fainter=fainter), unit)
    found = trend(curve)
    assert found is not None
    assert found[0] == pytest.approx(slope, abs=1e-9)
    assert found[2:] == (7, 6.0)
    facts = FactList()
    add_history(facts, curve)
    text = {fact.key: fact.text for fact in facts.section("", "").facts}["trend"]
    assert text.startswith(f"{word} in r: ")


def test_trend_wants_three_points_and_half_an_hour() -> None:
    assert trend(curve_of(line(0.1)[-2:])) is None
    burst = [point._replace(mjd=60006 + i / 1000) for i, point in enumerate(line(0.1))]
    assert trend(curve_of(burst)) is None
    assert trend(curve_of([point._replace(current=False) for point in line(0.1)])) is None


def test_scatter_beyond_the_errors_widens_the_error_of_the_trend() -> None:
    calm = curve_of(line(0.1))
    wild = curve_of([p._replace(value=p.value + (-1) ** i * 0.5) for i, p in enumerate(line(0.1))])
    assert trend(wild)[1] > 5 * trend(calm)[1]  # type: ignore[index]


def test_one_bad_forced_exposure_does_not_flatten_the_drawing() -> None:
    detections = [p._replace(value=100 + i) for i, p in enumerate(line(0.0, error=1.0))]
    forced = [Point(60000 + i / 30, 100.0, 1.0, "g", "forced") for i in range(200)]
    low, high = curve_of([*detections, *forced, Point(60003.0, -1e6, 1.0, "g", "forced")], "nJy").window()
    assert 90 < low < 99
    assert 107 < high < 115


def test_limit_of_a_cloudy_night_does_not_set_the_scale_but_deep_limits_do() -> None:
    limits = [Point(59999.0, 14.0, math.nan, "r", "limit"), Point(59998.0, 20.5, math.nan, "r", "limit")]
    low, high = curve_of([*line(0.0), *limits]).window()
    assert low > 17
    assert high > 20.5


def test_brighter_is_up_in_magnitudes_and_in_fluxes() -> None:
    for unit, brighter in (("mag", -1.0), ("nJy", 1.0)):
        points = [
            Point(60000.0, 20.0, 0.1, "g", "detection"),
            Point(60001.0, 20.0 + brighter, 0.1, "r", "detection", current=True),
        ]
        rows = [text.plain for text in sketch(curve_of(points, unit), 60)]
        assert next(i for i, row in enumerate(rows) if "■" in row) < next(
            i for i, row in enumerate(rows) if "●" in row
        )
        assert sum("◄ now" in row for row in rows) == 1


def test_plain_ascii_uses_the_letters_of_the_bands() -> None:
    points = [*line(0.3), Point(60000.0, 20.5, math.nan, "g", "limit"), Point(60002, 19, 0.1, "i", "forced")]
    text = "\n".join(row.plain for row in sketch(curve_of(points), 72, unicode=False))
    assert text.isascii()
    assert text.count("r") >= 7
    assert "v upper limit" in text
    assert "< now" in text


POINTS = st.lists(
    st.builds(
        Point,
        mjd=st.floats(50_000, 70_000),
        value=st.floats(-1e29, 1e29),
        error=st.floats(),
        band=st.sampled_from(["g", "r", "odd", "?"]),
        role=st.sampled_from(["detection", "forced", "limit"]),
        fainter=st.booleans(),
        current=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


TINY = [Point(50_000.0, -1.2089199183722472e-215, 0.0, "g", "detection", current=True)]


@settings(deadline=None, max_examples=150)
@example(points=TINY, unit="nJy", width=40, unicode=False)
@given(POINTS, st.sampled_from(["mag", "nJy"]), st.integers(40, 160), st.booleans())
def test_any_curve_can_be_drawn_in_any_width(
    points: list[Point], unit: str, width: int, unicode: bool
) -> None:
    rows = sketch(curve_of(points, unit), width, unicode=unicode)
    assert len(rows) >= 19
    assert all(len(row.plain) <= width for row in rows[:18])
    facts = FactList()
    add_history(facts, curve_of(points, unit))
    assert facts.section("", "").facts


def test_the_legend_takes_as_many_lines_as_it_needs() -> None:
    points = [
        Point(60000.0 + day, 18.0, 0.1, "gri"[day % 3], "detection", fainter=day == 1) for day in range(6)
    ]
    points += [Point(60007.0, 20.0, math.nan, "r", "limit"), Point(60008.0, 19.0, 0.1, "r", "forced")]
    for width in (60, 80, 160):
        rows = [row.plain for row in sketch(curve_of(points), width)]
        start = next(number for number, row in enumerate(rows) if row.lstrip().startswith("days"))
        legend = rows[start:]
        assert max(map(len, legend)) <= width
        assert " ".join(" ".join(legend).split()).endswith("▽ upper limit ⠒ forced brightness [mag]")
    assert len(legend) == 1


def test_unknown_bands_get_marks_of_their_own() -> None:
    bands = ("clear", "white")
    assert mark_of("clear", bands).sign != mark_of("white", bands).sign
    assert mark_of("r", bands).sign == "■"
    assert np.unique([mark_of(b).colour for b in "ugrizy"]).size == 6


def test_magnitude_of_a_negative_difference_has_a_hollow_sign_and_a_flux_has_not() -> None:
    drawings = {
        unit: "\n".join(row.plain for row in sketch(curve_of(line(0.3, fainter=True), unit), 100))
        for unit in ("mag", "nJy")
    }
    # One of the signs stands in the legend, which shows each band by its full one.
    assert drawings["mag"].count("□") == 8
    assert drawings["mag"].count("■") == 1
    assert "fainter than reference" in drawings["mag"]
    assert "□" not in drawings["nJy"]
