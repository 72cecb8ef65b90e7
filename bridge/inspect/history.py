"""A light curve in a few words: how often seen, when first and last, how bright, where it is going."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bridge.inspect.curve import LightCurve
from bridge.inspect.epochs import Epoch
from bridge.inspect.report import FactList
from bridge.inspect.values import number_text, plus_minus

__all__ = ["add_history", "trend"]

TREND_DAYS = 10.0


def add_history(facts: FactList, curve: LightCurve | None) -> None:
    """Add the counts, first, last, brightest and trend of a curve.

    Parameters
    ----------
    facts
        Where to add.
    curve
        The light curve, or None where there is none.
    """
    if curve is None:
        return
    detected = curve.where("detection")
    _count(facts, curve, "detection", "detections", "Detections")
    _count(facts, curve, "limit", "limits", "Upper limits")
    _count(facts, curve, "forced", "forced", "Forced photometry")
    earlier = np.flatnonzero(detected)
    earlier = earlier[earlier != curve.current]
    if len(earlier):
        for key, label, index in (
            ("first", "First in packet", earlier[0]),
            ("previous", "Previous", earlier[-1]),
        ):
            ago = curve.reference_mjd - curve.mjd[index]
            facts.add(
                key,
                label,
                _point(curve, int(index)),
                f"{_text(curve, int(index))}, {_days(ago)} before ({_date(curve, int(index))})",
            )
    if detected.sum() > 1:
        values = np.where(detected & ~curve.fainter, curve.value, np.nan)
        if np.isfinite(values).any():
            best = int(np.nanargmin(values) if curve.is_magnitude else np.nanargmax(values))
            ago = curve.reference_mjd - curve.mjd[best]
            when = "now" if best == curve.current else f"{_days(ago)} before"
            label = "Brightest excess" if (detected & curve.fainter).any() else "Brightest"
            facts.add("brightest", label, _point(curve, best), f"{_text(curve, best)}, {when}")
    fit = trend(curve)
    if fit is not None:
        slope, error, used, span = fit
        band = curve.band[curve.current or 0]
        word = _word(curve, slope, error)
        unit = f"{curve.unit}/day"
        facts.add(
            "trend",
            f"Last {TREND_DAYS:g} days",
            {"band": band, "slope_per_day": slope, "error_per_day": error, "points": used, "days": span},
            f"{word} in {band}: {plus_minus(slope, error)} {unit} ({used} points over {span:.1f} d)",
        )


def trend(curve: LightCurve) -> tuple[float, float, int, float] | None:
    """Straight line through the recent detections in the current band, weighted by their errors.

    Parameters
    ----------
    curve
        A curve with a current point.

    Returns
    -------
    tuple or None
        Slope and its standard error (scaled up by the scatter where the line fits badly), per day, number
        of points, span in days. None with fewer than three points, or all within half an hour.
    """
    if curve.current is None:
        return None
    now = curve.current
    chosen = (
        curve.where("detection", curve.band[now])
        # Magnitudes of positive and negative differences lie on no common line; fluxes do.
        & ((curve.fainter == curve.fainter[now]) | (not curve.is_magnitude))
        & (curve.mjd >= curve.mjd[now] - TREND_DAYS)
        & np.isfinite(curve.error)
        & (curve.error > 0)
    )
    times = curve.mjd[chosen] - curve.mjd[now]
    if chosen.sum() < 3 or times.max() - times.min() < 0.02:
        return None
    with np.errstate(all="ignore"):
        return _fit(times, curve.value[chosen], 1 / curve.error[chosen] ** 2)


def _fit(
    times: NDArray[np.float64], values: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[float, float, int, float] | None:
    if not 0 < weights.sum() < np.inf:
        return None
    middle = np.average(times, weights=weights)
    spread = float((weights * (times - middle) ** 2).sum())
    mean = np.average(values, weights=weights)
    slope = float((weights * (times - middle) * (values - mean)).sum() / spread)
    rest = values - mean - slope * (times - middle)
    reduced = float((weights * rest**2).sum() / (len(times) - 2))
    error = float(np.sqrt(max(reduced, 1.0) / spread))
    if not (np.isfinite(slope) and np.isfinite(error)):
        return None
    return slope, error, len(times), float(times.max() - times.min())


def _word(curve: LightCurve, slope: float, error: float) -> str:
    if abs(slope) < 3 * error:
        return "no clear trend"
    rising = (slope < 0) == curve.is_magnitude
    if curve.is_magnitude and curve.current is not None and curve.fainter[curve.current]:
        # The magnitude of a negative difference gets brighter as the source gets fainter.
        rising = not rising
    return "rising" if rising else "fading"


def _count(facts: FactList, curve: LightCurve, role: str, key: str, label: str) -> None:
    counts = {
        band: sum(b == band and r == role for b, r in zip(curve.band, curve.role, strict=True))
        for band in curve.bands
    }
    counts = {band: n for band, n in counts.items() if n}
    if not counts:
        return
    total = sum(counts.values())
    inner = ", ".join(f"{band} {n}" for band, n in counts.items())
    extra = ""
    if role == "detection":
        negative = int((curve.where("detection") & curve.fainter).sum())
        extra = f"; {negative} fainter than the reference" if negative else ""
        extra += ", with this one" if curve.current is not None else ""
    facts.add(key, label, {"total": total, "bands": counts}, f"{total} ({inner}){extra}")


def _point(curve: LightCurve, index: int) -> dict[str, object]:
    error = float(curve.error[index])
    return {
        "mjd": float(curve.mjd[index]),
        "value": float(curve.value[index]),
        "error": error if np.isfinite(error) else None,
        "band": curve.band[index],
    }


def _text(curve: LightCurve, index: int) -> str:
    digits = 4 if curve.is_magnitude else 5
    return f"{curve.band[index]} {number_text(float(curve.value[index]), digits)} {curve.unit}"


def _date(curve: LightCurve, index: int) -> str:
    mjd = float(curve.mjd[index])
    utc = Epoch(mjd, "TAI").utc if curve.scale == "TAI" else Epoch(mjd, "UTC").utc
    return utc[:10]


def _days(days: float) -> str:
    if abs(days) < 2 / 24:
        return f"{days * 1440:.0f} min"
    if abs(days) < 2:
        return f"{days * 24:.1f} h"
    return f"{days:.1f} d"
