"""The light curve of one alert, the same for every survey: points in time with a band and a role.

Magnitudes and fluxes are kept as the survey gives them; what is brighter is asked of the curve, not
guessed from the sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["LightCurve", "Point", "Role", "order_bands"]

Role = Literal["detection", "forced", "limit"]
BAND_ORDER = ["u", "g", "r", "i", "z", "y", "Y", "J", "H", "K", "G", "V"]
CLOUDY_MAG = 0.3
LARGEST = 1e30


class Point(NamedTuple):
    """One measurement.

    `fainter` says that the source is fainter than in the reference image (a negative difference).
    """

    mjd: float
    value: float
    error: float
    band: str
    role: Role
    fainter: bool = False
    current: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class LightCurve:
    """Measurements of one object in order of time.

    Parameters
    ----------
    mjd
        Times (n,), MJD in the scale `scale`.
    value, error
        Brightness and its standard error (n,), in `unit`; NaN where an error is not known. A limit's
        value is the limit.
    band, role
        Filter name and role of each point (n).
    fainter
        Whether the difference to the reference is negative (n,).
    current
        Index of the alert's own detection, or None.
    quantity
        What `value` is, in words ("difference magnitude").
    unit
        "mag", "nJy", or whatever a VOEvent's table says.
    scale
        Time scale of `mjd`: "UTC", "TAI", or empty where unknown.
    reference_mjd
        The moment that relative times count from: the alert's own, else the last point's.
    """

    mjd: NDArray[np.float64]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    band: tuple[str, ...]
    role: tuple[Role, ...]
    fainter: NDArray[np.bool_]
    current: int | None
    quantity: str
    unit: str
    scale: str
    reference_mjd: float

    @classmethod
    def from_points(
        cls, points: Iterable[Point], *, quantity: str, unit: str, scale: str
    ) -> LightCurve | None:
        """Sort points into a curve.

        Points without a time and a value of this world are left out; an error that is none becomes NaN.

        Returns
        -------
        LightCurve or None
            None where no point is left.
        """
        usable = sorted(
            (p for p in points if abs(p.mjd) < LARGEST and abs(p.value) < LARGEST), key=lambda p: p.mjd
        )
        if not usable:
            return None
        current = next((i for i, p in enumerate(usable) if p.current), None)
        return cls(
            mjd=np.array([p.mjd for p in usable]),
            value=np.array([p.value for p in usable]),
            error=np.array([p.error if 0 <= p.error < LARGEST else np.nan for p in usable]),
            band=tuple(p.band for p in usable),
            role=tuple(p.role for p in usable),
            fainter=np.array([p.fainter for p in usable]),
            current=current,
            quantity=quantity,
            unit=unit,
            scale=scale,
            reference_mjd=usable[-1 if current is None else current].mjd,
        )

    def __len__(self) -> int:
        return len(self.mjd)

    @property
    def is_magnitude(self) -> bool:
        """Whether smaller values are brighter."""
        return self.unit == "mag"

    @property
    def bands(self) -> tuple[str, ...]:
        """The bands that occur, from blue to red."""
        return order_bands(self.band)

    def where(self, role: Role, band: str | None = None) -> NDArray[np.bool_]:
        """Mask (n,) of the points with a role, in a band or in all."""
        return np.array(
            [r == role and (band is None or b == band) for r, b in zip(self.role, self.band, strict=True)],
            dtype=bool,
        )

    def window(self) -> tuple[float, float]:
        """The lowest and highest value that a drawing should reach.

        Detections are all inside with their error bars. Of forced photometry the middle 98 % are, because
        one bad exposure would flatten everything else; of limits those that are not brighter than
        everything seen, because a cloudy night says nothing.
        """
        detected, limits = self.where("detection"), self.where("limit")
        forced = self.value[self.where("forced")]
        margin = np.where(np.isfinite(self.error), self.error, 0.0)[detected]
        seen = self.value[detected]
        parts = [self.value] if not len(seen) else [seen]
        if len(seen):
            # A detection with a vast error must not set the scale either.
            margin = np.minimum(margin, 3 * np.median(margin))
            parts += [seen - margin, seen + margin]
            parts.append(self.value[limits & (self.value > seen.min() - CLOUDY_MAG)])
            if len(forced):
                parts.append(np.percentile(forced, [1, 99]))
        values = np.concatenate(parts)
        low, high = float(values.min()), float(values.max())
        pad = 0.06 * (high - low) or (0.5 if self.is_magnitude else 0.1 * abs(high) or 1.0)
        # Far from zero, a smaller step would be lost in rounding.
        pad = max(pad, 1e-9 * abs(low), 1e-9 * abs(high))
        return low - pad, high + pad


def order_bands(bands: Iterable[str]) -> tuple[str, ...]:
    """Each band once, known ones from blue to red, then the others by name."""
    rank = {band: i for i, band in enumerate(BAND_ORDER)}
    return tuple(sorted(set(bands), key=lambda band: (rank.get(band, len(rank)), band)))
