"""Events a second over the last minutes, as bars in SVG."""

from __future__ import annotations

import math
from dataclasses import dataclass

from bridge.web.markup import Markup, tag
from bridge.web.wording import clock_time, rate

__all__ = ["BINS", "BIN_S", "Pace", "draw_pace"]

BIN_S = 15
"""Length of time that a bar stands for, in seconds."""

BINS = 60
"""So many bars: a quarter of an hour."""

WIDTH, HEIGHT = 480.0, 180.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 460.0, 14.0, 156.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many events were published in each stretch of time.

    Parameters
    ----------
    from_s
        Beginning of the first stretch, in Unix seconds: a multiple of `BIN_S`, so that bars keep their
        height while they move.
    counts
        Events in each stretch of `BIN_S`, the oldest first; the last stretch is still under way.
    last_s
        How much of the last stretch has passed, in seconds.
    """

    from_s: float
    counts: tuple[int, ...]
    last_s: float

    @property
    def rates_hz(self) -> tuple[float, ...]:
        """Events a second in each stretch; the last one so far, over a second at least."""
        whole = tuple(count / BIN_S for count in self.counts[:-1])
        return (*whole, self.counts[-1] / max(1.0, min(self.last_s, BIN_S)))


def draw_pace(pace: Pace) -> Markup:
    """The chart."""
    rates = pace.rates_hz
    step = _step(max(rates))
    top = max(step, step * math.ceil(max(rates) / step - 1e-9))
    height = (_BOTTOM - _TOP) / top
    width = (_RIGHT - _LEFT) / len(rates)
    minutes = len(rates) * BIN_S // 60
    spread = f"{rate(min(rates))} to {rate(max(rates))}"
    says = f"Events published in a second over the last {minutes} minutes: {spread}."
    bars = [
        tag(
            "rect",
            tag("title", f"{clock_time(pace.from_s + number * BIN_S)} UTC: {rate(value)} a second"),
            x=f"{_LEFT + number * width + 0.5:.1f}",
            y=f"{_BOTTOM - value * height:.1f}",
            width=f"{width - 1:.1f}",
            height=f"{value * height:.1f}",
            class_="bar",
        )
        for number, value in enumerate(rates)
        if value
    ]
    return tag(
        "svg",
        tag("title", says),
        *_value_axis(step, top, height),
        *_time_axis(pace.from_s, len(rates), width),
        *bars,
        class_="pace",
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
    )


def _value_axis(step: float, top: float, height: float) -> list[Markup]:
    drawn = []
    for count in range(round(top / step) + 1):
        y = _BOTTOM - count * step * height
        drawn.append(tag("path", d=f"M{_LEFT:g} {y:.1f}H{_RIGHT:g}", class_="grid"))
        drawn.append(
            tag("text", f"{count * step:,g}", x=f"{_LEFT - 6:g}", y=f"{y + 4:.1f}", class_="label end")
        )
    return drawn


def _time_axis(from_s: float, bins: int, width: float) -> list[Markup]:
    drawn = []
    for number in range(bins + 1):
        at = from_s + number * BIN_S
        if at % 180 == 0:
            x = _LEFT + number * width
            drawn.append(tag("path", d=f"M{x:.1f} {_BOTTOM:g}v5", class_="grid"))
            drawn.append(
                tag("text", clock_time(at), x=f"{x:.1f}", y=f"{_BOTTOM + 18:g}", class_="label middle")
            )
    return drawn


def _step(most: float) -> float:
    """A round step that divides the axis into two to five parts."""
    if most <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(most))
    return next(factor * power for factor in (0.2, 0.5, 1.0, 2.0) if 5 * factor * power >= most * 0.999)
