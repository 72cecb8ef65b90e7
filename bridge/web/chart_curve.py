"""The light curve of an event as SVG: bands by colour and shape, limits as triangles, brighter is up."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bridge.inspect.curve import LightCurve
from bridge.inspect.marks import Mark, mark_of
from bridge.web.markup import Markup, tag

__all__ = ["MOST_BANDS", "MOST_POINTS", "draw_curve"]

MOST_POINTS = 3_000
"""A longer curve is not drawn: a page of that size is of no use, and strangers write light curves, too."""

MOST_BANDS = 24
"""Nor is one in more bands than anybody could tell apart."""

WIDTH, HEIGHT = 720.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 708.0, 24.0, 262.0
_SHAPES = {
    "o": "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0",
    "s": "M-3.6 -3.6h7.2v7.2h-7.2z",
    "^": "M0 -4.6l4.4 8h-8.8z",
    "D": "M0 -5l5 5l-5 5l-5 -5z",
}
# What is black on paper is the colour of the text on a page, which may be dark.
_BLACK = "#000000"
_STAR = "M-4.5 0h9M0 -4.5v9M-3.2 -3.2l6.4 6.4M-3.2 3.2l6.4 -6.4"
_LIMIT = "M-3.5 -2h7l-3.5 6z"


def draw_curve(curve: LightCurve) -> Markup | None:
    """The chart; None for a curve of more than `MOST_POINTS` points or `MOST_BANDS` bands."""
    if len(curve) > MOST_POINTS or len(curve.bands) > MOST_BANDS:
        return None
    view = _View(curve)
    return tag(
        "svg",
        tag("title", f"Light curve: {curve.quantity}, {len(curve)} points, bands {', '.join(curve.bands)}."),
        *view.value_axis(),
        *view.time_axis(),
        *view.points(),
        *view.legend(),
        class_="curve",
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
    )


class _View:
    """Where times and values of one curve lie in the drawing."""

    def __init__(self, curve: LightCurve) -> None:
        self.curve = curve
        self.days = curve.mjd - curve.reference_mjd
        first, last = float(self.days.min()), float(self.days.max())
        pad = 0.02 * (last - first) or 0.5
        self.first, self.last = first - pad, last + pad
        self.low, self.high = curve.window()
        self.marks = {band: mark_of(band, curve.bands) for band in curve.bands}

    def x(self, days: float) -> float:
        return _LEFT + (days - self.first) / (self.last - self.first) * (_RIGHT - _LEFT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return (
            _TOP + part * (_BOTTOM - _TOP) if self.curve.is_magnitude else _BOTTOM - part * (_BOTTOM - _TOP)
        )

    def points(self) -> Iterator[Markup]:
        curve = self.curve
        order = {"forced": 0, "limit": 1, "detection": 2}
        for index in sorted(range(len(curve)), key=lambda i: (order[curve.role[i]], i == curve.current)):
            value = float(curve.value[index])
            if self.low <= value <= self.high:
                yield self._point(index, value)

    def _point(self, index: int, value: float) -> Markup:
        curve, role = self.curve, self.curve.role[index]
        mark = self.marks[curve.band[index]]
        colour = _colour(mark)
        x, y, error = self.x(float(self.days[index])), self.y(value), float(curve.error[index])
        told = f"{value:.6g}" + (f" ± {error:.3g}" if math.isfinite(error) else "")
        says = f"MJD {curve.mjd[index]:.5f} {curve.scale}, {curve.band[index]}: {told} {curve.unit} ({role})"
        parts = [tag("title", says)]
        if role == "detection" and math.isfinite(error):
            low, high = (min(max(self.y(end), _TOP), _BOTTOM) for end in (value - error, value + error))
            parts.append(tag("path", d=f"M{x:.1f} {low:.1f}V{high:.1f}", stroke=colour, fill="none"))
        shape = _LIMIT if role == "limit" else _SHAPES.get(mark.marker, _STAR)
        hollow = role != "detection" or bool(curve.fainter[index]) or shape is _STAR
        scale = "scale(0.55)" if role == "forced" else "scale(1.5)" if index == curve.current else ""
        parts.append(
            tag(
                "path",
                d=shape,
                transform=f"translate({x:.1f} {y:.1f}) {scale}".rstrip(),
                stroke=colour,
                fill="none" if hollow else colour,
            )
        )
        return tag("g", *parts, class_="mark")

    def value_axis(self) -> Iterator[Markup]:
        for value, text in _ticks(self.low, self.high, 6):
            y = self.y(value)
            yield tag("path", d=f"M{_LEFT:g} {y:.1f}H{_RIGHT:g}", class_="grid")
            yield tag("text", text, x=f"{_LEFT - 6:g}", y=f"{y + 4:.1f}", class_="label end")

    def time_axis(self) -> Iterator[Markup]:
        for days, text in _ticks(self.first, self.last, 8):
            x = self.x(days)
            yield tag("path", d=f"M{x:.1f} {_TOP:g}V{_BOTTOM + 4:g}", class_="grid")
            yield tag("text", text, x=f"{x:.1f}", y=f"{_BOTTOM + 17:g}", class_="label middle")
        zero = f"days from MJD {self.curve.reference_mjd:.5f} {self.curve.scale}".rstrip()
        yield tag("text", zero, x=f"{_RIGHT:g}", y=f"{HEIGHT - 4:g}", class_="label end")

    def legend(self) -> Iterator[Markup]:
        curve = self.curve
        yield tag("text", f"{curve.quantity} [{curve.unit}]", x="6", y="13", class_="label")
        x = _RIGHT
        for band in reversed(curve.bands[:12]):
            mark = self.marks[band]
            x -= 9.0 * min(len(band), 12) + 22
            shape, colour = _SHAPES.get(mark.marker, _STAR), _colour(mark)
            fill = "none" if shape is _STAR else colour
            yield tag("path", d=shape, transform=f"translate({x:.1f} 9)", stroke=colour, fill=fill)
            yield tag("text", band[:12], x=f"{x + 9:.1f}", y="13", class_="band")


def _colour(mark: Mark) -> str:
    return "currentColor" if mark.colour == _BLACK else mark.colour


def _ticks(low: float, high: float, about: int) -> Iterator[tuple[float, str]]:
    """Round values from low to high, with their texts."""
    rough = (high - low) / about
    power: float = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    for value in np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step:
        text = f"{value:,.{decimals}f}" if abs(value) < 1e7 and decimals < 8 else f"{value:.4g}"
        yield float(value), "0" if value == 0 else text
