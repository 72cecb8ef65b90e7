"""The drawings: positions as matplotlib places them, bars as high as they should be, whatever is drawn."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from matplotlib.projections.geo import HammerAxes

from bridge.inspect.curve import LightCurve, Point
from bridge.journal import Summary
from bridge.web.chart_curve import MOST_BANDS, MOST_POINTS, draw_curve
from bridge.web.chart_pace import BIN_S, BINS, HEIGHT, WIDTH, Pace, draw_pace
from bridge.web.chart_sky import draw_sky, project
from bridge.web.markup import Markup

SUMMARY = Summary(7, "ivo://a/b#<7>", "relayed", b"", "test", "", 10.0, 20.0, None, 1.7e9, 100, True)


def svg(markup: Markup | None) -> etree._Element:
    assert markup is not None
    return etree.fromstring(markup)


@given(st.floats(0.001, 359.999), st.floats(-89.999, 89.999))
def test_positions_lie_where_matplotlib_puts_them(ra_deg: float, dec_deg: float) -> None:
    transform = HammerAxes.HammerTransform(180)
    # East to the left: longitude runs against right ascension.
    longitude = math.radians(180 - ra_deg)
    ((x, y),) = transform.transform_non_affine(np.array([[longitude, math.radians(dec_deg)]]))
    left, centre = project(360.0, 0.0), project(180.0, 0.0)
    radius = (centre[0] - left[0]) / (2 * math.sqrt(2))
    found = project(ra_deg, dec_deg)
    assert (found[0] - centre[0]) / radius == pytest.approx(x, abs=1e-9)
    assert (centre[1] - found[1]) / radius == pytest.approx(y, abs=1e-9)


def test_right_ascension_grows_to_the_left_and_the_edges_are_0_and_24_hours() -> None:
    places = [project(ra, 0.0)[0] for ra in (0, 45, 90, 180, 270, 359.9, 360)]
    assert places == sorted(places, reverse=True)
    assert project(-10.0, 5.0) == pytest.approx(project(350.0, 5.0))


def test_the_map_shows_events_that_have_a_place_and_links_them() -> None:
    events = [
        SUMMARY,
        replace(SUMMARY, seq=8, ra_deg=None),
        replace(SUMMARY, seq=9, dec_deg=95.0),
        replace(SUMMARY, seq=10, ra_deg=math.inf),
        replace(SUMMARY, seq=11, role="<evil>"),
    ]
    drawn = svg(draw_sky(events))
    assert [link.get("href") for link in drawn.iter("a")] == ["event?seq=11", "event?seq=7"]
    dots = [dot.get("class") for dot in drawn.iter("circle")]
    assert dots == ["dot new other", "dot new test"]
    assert "ivo://a/b#<7>" in (drawn.find(".//circle/title").text or "")
    assert "12h" in [text.text for text in drawn.iter("text")]


def bars(pace: Pace) -> list[tuple[float, float]]:
    """Left edge and height of each bar."""
    return [(float(bar.get("x")), float(bar.get("height"))) for bar in svg(draw_pace(pace)).iter("rect")]


def test_bars_are_as_high_as_the_events_were_many() -> None:
    counts = [0] * BINS
    counts[10], counts[20], counts[-1] = 30, 60, 4
    drawn = bars(Pace(900.0, tuple(counts), 1.0))
    assert len(drawn) == 3
    assert [round(height / drawn[0][1], 1) for _, height in drawn] == [1.0, 2.0, 2.0], (
        "the last one: 4 in 1 s"
    )
    assert [x for x, _ in drawn] == sorted(x for x, _ in drawn)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=BINS), st.floats(0, BIN_S))
def test_any_pace_stays_inside_its_drawing(counts: list[int], last_s: float) -> None:
    pace = Pace(1_700_000_010.0, tuple(counts), last_s)
    drawn = svg(draw_pace(pace))
    for bar in drawn.iter("rect"):
        assert 0 <= float(bar.get("y")) <= HEIGHT
        assert float(bar.get("x")) + float(bar.get("width")) <= WIDTH
    labels = [text.text for text in drawn.iter("text") if text.get("class") == "label end"]
    assert 2 <= len(labels) <= 7
    assert float(labels[-1].replace(",", "")) >= max(pace.rates_hz) * 0.999


def curve(*points: Point, unit: str = "mag") -> LightCurve:
    made = LightCurve.from_points(points, quantity="<magpsf>", unit=unit, scale="UTC")
    assert made is not None
    return made


def test_a_light_curve_has_brighter_up_bands_limits_and_errors() -> None:
    drawn = svg(
        draw_curve(
            curve(
                Point(60_000.0, 18.0, 0.1, "g", "detection"),
                Point(60_001.0, 20.0, 0.2, "r", "detection", current=True),
                Point(60_002.0, 19.5, math.nan, "y", "limit"),
                Point(60_003.0, 19.0, 0.1, "g", "forced"),
            )
        )
    )
    marks = [mark for mark in drawn.iter("g") if mark.get("class") == "mark"]
    told = [mark.findtext("title") for mark in marks]
    assert told[-1] == "MJD 60001.00000 UTC, r: 20 ± 0.2 mag (detection)", "its own detection lies on top"
    assert "(limit)" in told[1]
    places = [re.findall(r"[0-9.]+", mark.findall("path")[-1].get("transform")) for mark in marks]
    height = {title: float(place[1]) for title, place in zip(told, places, strict=True)}
    (bright,) = (title for title in told if ": 18 " in title)
    assert height[bright] < height[told[-1]], "18 mag is above 20 mag"
    assert len([mark for mark in marks if len(mark.findall("path")) == 2]) == 2, "error bars of detections"
    assert {text.text for text in drawn.iter("text")} >= {"<magpsf> [mag]", "g", "r", "y"}
    assert "#000000" not in etree.tostring(drawn).decode(), "black would be lost on a dark page"


LARGE = st.floats(-1e30, 1e30)


@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            Point, LARGE, LARGE, st.floats(), st.text(st.characters(codec="utf-8"), max_size=20),
            st.sampled_from(["detection", "limit", "forced"]), st.booleans(),
        ),
        min_size=1, max_size=20,
    ),
    st.sampled_from(["mag", "nJy", '"><script>']),
)  # fmt: skip
def test_any_light_curve_can_be_drawn(points: list[Point], unit: str) -> None:
    made = LightCurve.from_points(points, quantity="q", unit=unit, scale="")
    if made is not None:
        drawn = svg(draw_curve(made))
        assert not list(drawn.iter("script"))
        assert len(list(drawn.iter("text"))) < 80


def test_a_light_curve_without_end_is_not_drawn() -> None:
    points = [Point(60_000.0 + n, 18.0, 0.1, "g", "detection") for n in range(MOST_POINTS + 1)]
    assert draw_curve(curve(*points)) is None
    colourful = [Point(60_000.0 + n, 18.0, 0.1, f"band {n}", "detection") for n in range(MOST_BANDS + 1)]
    assert draw_curve(curve(*colourful)) is None
    assert draw_curve(curve(*colourful[1:])) is not None
