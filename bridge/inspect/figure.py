"""The figure of an alert: its light curve above, its cutouts below, as PNG through matplotlib.

matplotlib is an extra and is only loaded here, through its object interface, so nothing needs a display.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from bridge.errors import SourceError, UsageError
from bridge.inspect.curve import LightCurve
from bridge.inspect.marks import mark_of
from bridge.inspect.report import Cutout, Report
from bridge.inspect.sexagesimal import sexagesimal_dec, sexagesimal_ra
from bridge.inspect.stamps import display_values
from bridge.inspect.values import AB_ZERO_POINT_NJY, ab_magnitude, printable

__all__ = ["draw_cutouts", "draw_report"]

DPI = 130
STAMP_INCHES = 3.0
GREY = "#555555"


def draw_report(report: Report, path: Path) -> None:
    """Draw a report's light curve and cutouts.

    Parameters
    ----------
    report
        What to draw.
    path
        PNG file to write; an existing one is replaced.

    Raises
    ------
    UsageError
        If matplotlib is not installed.
    SourceError
        If there is nothing to draw, or the file cannot be written.
    """
    figure_class = _matplotlib_figure()
    curve = report.light_curve
    if curve is None and not report.cutouts:
        raise SourceError(f"There is nothing to plot: {report.title} has neither a light curve nor cutouts.")
    if curve is not None and len(curve) == 1 and report.cutouts:
        # One point is a number, not a curve; the number is in the text.
        curve = None
    heights = [4.2] * (curve is not None) + [2.9] * bool(report.cutouts)
    figure = figure_class(figsize=(9.5, sum(heights) + 1.0), dpi=DPI, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.08, hspace=0.04)
    parts = np.atleast_1d(figure.subfigures(len(heights), 1, height_ratios=heights))
    if curve is not None:
        _draw_curve(parts[0].subplots(), curve)
    if report.cutouts:
        axes = np.atleast_1d(parts[-1].subplots(1, len(report.cutouts)))
        for ax, cutout in zip(axes, report.cutouts, strict=True):
            _draw_cutout(ax, cutout)
    figure.suptitle(_title(report), fontsize=11, x=0.02, ha="left", parse_math=False)
    _save(figure, path)


def draw_cutouts(report: Report, folder: Path) -> list[Path]:
    """Write each cutout as a PNG file of its own, named from the alert.

    Parameters
    ----------
    report
        The report with the cutouts.
    folder
        Where to; made if need be.

    Returns
    -------
    list of Path
        The files, science first.

    Raises
    ------
    UsageError, SourceError
        As `draw_report`.
    """
    figure_class = _matplotlib_figure()
    if not report.cutouts:
        raise SourceError(f"There are no cutouts to write: {report.title} has none.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SourceError(f"The folder {folder} cannot be made ({error.strerror}).") from None
    stem = "".join(c if c.isalnum() or c in "-." else "_" for c in _alert_id(report))
    paths = []
    for cutout in report.cutouts:
        figure = figure_class(figsize=(STAMP_INCHES, STAMP_INCHES + 0.3), dpi=DPI, layout="constrained")
        _draw_cutout(figure.subplots(), cutout)
        paths.append(folder / f"{stem}-{cutout.name}.png")
        _save(figure, paths[-1])
    return paths


def _matplotlib_figure() -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError(
            "Drawing needs matplotlib, which is not installed: pip install 'voevent-bridge[plot]'."
        ) from None
    return Figure


def _save(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path, format="png", metadata={"Software": "voevent-bridge"})
    except OSError as error:
        raise SourceError(f"The figure {path} cannot be written ({error.strerror}).") from None


def _alert_id(report: Report) -> str:
    found = {fact.key: fact.value for section in report.sections for fact in section.facts}
    return str(found.get("alert_id") or found.get("ivorn") or "alert").rsplit("/", 1)[-1]


def _title(report: Report) -> str:
    lines = [printable(report.title)]
    if report.position is not None:
        ra, dec = report.position.ra_deg, report.position.dec_deg
        place = f"{sexagesimal_ra(ra, 2)} {sexagesimal_dec(dec, 1)}  ({ra:.5f}, {dec:+.5f})"
        found = {fact.key: fact for section in report.sections for fact in section.facts}
        moment = found.get("utc") or found.get("time")
        lines.append(f"{place}   {str(moment.value).replace('T', ' ') if moment else ''}".rstrip())
    return "\n".join(lines)


def _draw_curve(ax: Any, curve: LightCurve) -> None:
    for band in curve.bands:
        mark = mark_of(band, curve.bands)
        style = {"color": mark.colour, "linestyle": "none"}
        forced = curve.where("forced", band)
        ax.plot(
            curve.mjd[forced], curve.value[forced], marker=".", markersize=4, alpha=0.45, zorder=1, **style
        )
        limits = curve.where("limit", band)
        ax.plot(
            curve.mjd[limits], curve.value[limits], marker="v", fillstyle="none", alpha=0.6, zorder=2, **style
        )
        for fainter in (False, True):
            chosen = curve.where("detection", band) & (curve.fainter == fainter)
            if not chosen.any():
                continue
            # In magnitudes the sign of a difference does not show, so hollow marks say it.
            hollow = fainter and curve.is_magnitude
            ax.errorbar(
                curve.mjd[chosen],
                curve.value[chosen],
                np.nan_to_num(curve.error[chosen], nan=0.0),
                marker=mark.marker,
                markersize=6 if len(curve) < 150 else 4.5,
                markerfacecolor="white" if hollow else mark.colour,
                elinewidth=0.9,
                capsize=0,
                zorder=3,
                **style,
            )
    if curve.current is not None:
        now = curve.current
        ax.plot(
            curve.mjd[now], curve.value[now], "o", markersize=15, fillstyle="none", color="black", zorder=4
        )
    _draw_key(ax, curve)
    low, high = curve.window()
    ax.set_ylim((high, low) if curve.is_magnitude else (low, high))
    outside = int(((curve.value < low) | (curve.value > high)).sum())
    if outside:
        note = f"{outside} of {len(curve)} points lie outside"
        ax.text(0.99, 0.02, note, transform=ax.transAxes, ha="right", fontsize=8, color=GREY)
    if curve.mjd[0] == curve.mjd[-1]:
        ax.set_xlim(curve.mjd[0] - 1, curve.mjd[0] + 1)
    if not curve.is_magnitude and low < 0 < high:
        ax.axhline(0, color=GREY, linewidth=0.8, zorder=0)
    ax.set_ylabel(printable(f"{curve.quantity} [{curve.unit}]"), parse_math=False)
    ax.ticklabel_format(axis="x", useOffset=False, style="plain")
    ax.set_xlabel(f"MJD{f' ({curve.scale})' if curve.scale else ''}")
    ax.grid(color="#dddddd", linewidth=0.6)
    ax.set_axisbelow(True)
    _add_second_axes(ax, curve, low, high)


def _add_second_axes(ax: Any, curve: LightCurve, low: float, high: float) -> None:
    zero = curve.reference_mjd
    above = ax.secondary_xaxis("top", functions=(lambda mjd: mjd - zero, lambda days: days + zero))
    above.set_xlabel("days from this alert" if curve.current is not None else "days from the last point")
    if curve.unit != "nJy" or high <= 0:
        return
    # AB magnitudes on the right, where the flux is positive.
    faintest = max(high / 40, low, 1e-3)
    first, last = ab_magnitude(high)[0], ab_magnitude(faintest)[0]
    step = 0.5 if last - first < 4 else 1.0
    ticks: list[float] = []
    for magnitude in (n * step for n in range(math.ceil(first / step), math.floor(last / step) + 1)):
        if not ticks or _flux_njy(ticks[-1]) - _flux_njy(magnitude) > 0.045 * (high - low):
            ticks.append(magnitude)
    if not ticks:
        return
    right = ax.secondary_yaxis("right")
    right.set_yticks([_flux_njy(m) for m in ticks], [f"{m:g}" for m in ticks])
    right.set_ylabel("AB magnitude of a positive flux")


def _flux_njy(magnitude: float) -> float:
    return 10 ** ((AB_ZERO_POINT_NJY - magnitude) / 2.5)


def _draw_key(ax: Any, curve: LightCurve) -> None:
    from matplotlib.lines import Line2D

    def entry(label: str, colour: str, marker: str, **style: Any) -> Any:
        return Line2D([], [], linestyle="none", label=label, color=colour, marker=marker, **style)

    entries = [
        entry(band, mark_of(band, curve.bands).colour, mark_of(band, curve.bands).marker)
        for band in curve.bands
    ]
    roles = set(curve.role)
    if curve.is_magnitude and (curve.where("detection") & curve.fainter).any():
        entries.append(entry("fainter than reference", GREY, "o", fillstyle="none"))
    if "limit" in roles:
        entries.append(entry("upper limit", GREY, "v", fillstyle="none"))
    if "forced" in roles:
        entries.append(entry("forced photometry", GREY, "."))
    if curve.current is not None:
        entries.append(entry("this alert", "black", "o", fillstyle="none", markersize=11))
    key = ax.legend(
        handles=entries, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=len(entries), frameon=False,
        fontsize=9, handletextpad=0.1, columnspacing=1.3,
    )  # fmt: skip
    for text in key.get_texts():
        text.set_parse_math(False)


def _draw_cutout(ax: Any, cutout: Cutout) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_title(cutout.label, fontsize=10)
    image = cutout.image
    if image is None:
        ax.text(0.5, 0.5, cutout.problem, ha="center", va="center", wrap=True, fontsize=8, color=GREY)
        return
    values = display_values(image.pixels, symmetric=cutout.name == "difference")
    shown = np.ma.masked_invalid(values)
    ax.imshow(shown, cmap="gray", origin="lower", interpolation="nearest", vmin=0, vmax=1)
    ax.set_facecolor("#7f6f9f")
    rows, columns = image.pixels.shape
    x, y = image.source_xy
    inner, outer = 0.07 * columns, 0.16 * columns
    for dx, dy in ((1, 0), (0, 1)):
        ax.plot([x + dx * inner, x + dx * outer], [y + dy * inner, y + dy * outer], color="#ffb000", lw=1.6)
    ax.set_xlim(-0.5, columns - 0.5)
    ax.set_ylim(-0.5, rows - 0.5)
    scale = image.arcsec_per_pixel or cutout.arcsec_per_pixel
    if scale:
        _draw_scale(ax, columns, scale)
    if image.to_sky is not None:
        _draw_compass(ax, image.to_sky, columns)


def _draw_scale(ax: Any, columns: int, arcsec_per_pixel: float) -> None:
    wanted = 0.3 * columns * arcsec_per_pixel
    length = max((n for n in (0.5, 1, 2, 5, 10, 15, 20, 30, 60) if n <= wanted), default=wanted)
    pixels = length / arcsec_per_pixel
    left, bottom = 0.05 * columns, 0.05 * columns
    ax.plot([left, left + pixels], [bottom, bottom], color="#ffb000", lw=2, solid_capstyle="butt")
    ax.text(left, bottom + 0.02 * columns, f"{length:g}″", color="#ffb000", fontsize=8, va="bottom")


def _draw_compass(ax: Any, to_sky: np.ndarray, columns: int) -> None:
    """Directions of north and east, from the pixel-to-sky matrix in the image's header."""
    to_pixels = np.linalg.inv(to_sky)
    centre = np.array([0.82, 0.82]) * columns
    for label, sky in (("E", (1.0, 0.0)), ("N", (0.0, 1.0))):
        direction = to_pixels @ np.array(sky)
        direction *= 0.1 * columns / np.hypot(*direction)
        tip = centre + direction
        ax.annotate(
            "", tip, centre, arrowprops={"arrowstyle": "-|>", "color": "#ffb000", "lw": 1.2, "shrinkA": 0}
        )
        ax.text(*(centre + 1.4 * direction), label, color="#ffb000", fontsize=8, ha="center", va="center")
