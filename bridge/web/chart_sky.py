"""The sky with the last events on it, as SVG: Hammer's equal-area projection, right ascension to the left.

Drawn by hand, because a page that works offline in every dome cannot load a library for it, and because the
grid is the same for ever: it is made once, and only the events are drawn anew.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Iterator, Sequence

from bridge.journal import Summary
from bridge.sky import from_galactic
from bridge.web.markup import Markup, join, tag
from bridge.web.wording import iso_time, position

__all__ = ["draw_sky", "project", "role_class"]

WIDTH, HEIGHT = 512.0, 262.0
_RADIUS = 80.0
_CENTRE = (WIDTH / 2 + 10, 131.0)
_CENTRAL_RA_DEG = 180.0
_NEWEST = 10

Place = tuple[float, float]


def project(ra_deg: float, dec_deg: float) -> Place:
    """Where a position lies in the drawing: Hammer's projection, centre at 12 h, east to the left.

    Parameters
    ----------
    ra_deg, dec_deg
        The position, ICRS.

    Returns
    -------
    tuple
        ``x`` and ``y``, downwards, in the units of the drawing (Snyder 1987, Map Projections, USGS
        Professional Paper 1395, page 232, without the factor of the globe).
    """
    # The remainder keeps right ascension 0 at the right edge and 360 at the left one.
    off_deg = _CENTRAL_RA_DEG - (ra_deg if ra_deg == 360.0 else ra_deg % 360.0)
    half, dec = math.radians(off_deg) / 2, math.radians(dec_deg)
    scale = _RADIUS * math.sqrt(2.0 / (1.0 + math.cos(dec) * math.cos(half)))
    return (
        _CENTRE[0] + 2.0 * scale * math.cos(dec) * math.sin(half),
        _CENTRE[1] - scale * math.sin(dec),
    )


def draw_sky(events: Sequence[Summary]) -> Markup:
    """The map.

    Parameters
    ----------
    events
        The newest first; those without a position are left out.
    """
    placed = [
        (event, place) for event in events if (place := _place(event.ra_deg, event.dec_deg)) is not None
    ]
    dots = [_dot(event, place, rank) for rank, (event, place) in enumerate(placed)]
    says = f"Positions of the last {len(placed)} events on the sky, right ascension increasing to the left."
    return tag(
        "svg",
        tag("title", says),
        _grid(),
        # The newest come last, and so on top.
        *reversed(dots),
        class_="sky",
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        role="img",
    )


def _place(ra_deg: float | None, dec_deg: float | None) -> Place | None:
    return project(ra_deg, dec_deg) if ra_deg is not None and position(ra_deg, dec_deg) else None  # type: ignore[arg-type]


def _dot(event: Summary, place: Place, rank: int) -> Markup:
    says = f"{event.ivorn}\n{position(event.ra_deg, event.dec_deg)}\n{iso_time(event.published_at)}"
    dot = tag(
        "circle",
        tag("title", says),
        cx=f"{place[0]:.1f}",
        cy=f"{place[1]:.1f}",
        r="4.5" if rank < _NEWEST else "3",
        class_=f"dot {'new' if rank < _NEWEST else 'old'} {role_class(event.role)}",
    )
    # The table has the same links; here they would be two hundred stops of the keyboard.
    return tag("a", dot, href=f"event?seq={event.seq}", tabindex="-1")


def role_class(role: str) -> str:
    """The role as a class of the style; strangers may write any word for it."""
    return role if role in ("observation", "prediction", "utility", "test") else "other"


@functools.cache
def _grid() -> Markup:
    outline = tag(
        "ellipse",
        cx=f"{_CENTRE[0]:g}",
        cy=f"{_CENTRE[1]:g}",
        rx=f"{2 * math.sqrt(2) * _RADIUS:.1f}",
        ry=f"{math.sqrt(2) * _RADIUS:.1f}",
        class_="edge",
    )
    parallels = [
        _path(((ra, dec) for ra in range(0, 361, 5)), "grid") for dec in (-60.0, -30.0, 0.0, 30.0, 60.0)
    ]
    meridians = [_path(((ra, dec) for dec in range(-90, 91, 5)), "grid") for ra in range(45, 360, 45)]
    plane = _path((from_galactic(float(lon), 0.0) for lon in range(0, 361, 2)), "plane")
    x, y = project(*from_galactic(0.0, 0.0))
    centre = tag("path", d=f"M{x - 4:.1f} {y:.1f}h8M{x:.1f} {y - 4:.1f}v8", class_="plane")
    return tag("g", outline, *parallels, *meridians, plane, centre, *_labels())


def _labels() -> Iterator[Markup]:
    for hour in range(3, 24, 3):
        x, y = project(hour * 15.0, 0.0)
        yield tag("text", f"{hour}h", x=f"{x:.1f}", y=f"{y + 11:.1f}", class_="label middle")
    for dec in (-60, -30, 0, 30, 60):
        x, y = project(360.0, float(dec))
        yield tag(
            "text", f"{dec:+d}°".replace("+0", "0"), x=f"{x - 3:.1f}", y=f"{y + 4:.1f}", class_="label end"
        )
    x, y = project(*from_galactic(0.0, 0.0))
    yield tag("text", "galactic centre", x=f"{x + 7:.1f}", y=f"{y + 13:.1f}", class_="label plane-name")


def _path(positions: Iterable[tuple[float, float]], kind: str) -> Markup:
    """A line through positions, broken where it leaves the map at one edge and comes back at the other."""
    steps: list[str] = []
    last: Place | None = None
    for ra_deg, dec_deg in positions:
        place = project(ra_deg, dec_deg)
        pen = "M" if last is None or abs(place[0] - last[0]) > WIDTH / 3 else "L"
        steps.append(f"{pen}{place[0]:.1f} {place[1]:.1f}")
        last = place
    return tag("path", d=join(steps), class_=kind)
