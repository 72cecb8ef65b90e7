"""Moments of an alert: MJD with its scale, and UTC as people read it.

Surveys count time differently (ZTF: JD in UTC; LSST: MJD in TAI). A moment keeps the survey's own number
and scale beside the UTC that everybody compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bridge.mapping.times import SCALES, utc_from_mjd_tai

__all__ = ["Epoch", "jd_to_mjd", "mjd_of_iso"]

MJD_OF_JD = 2_400_000.5
MJD_EPOCH = datetime(1858, 11, 17)
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Epoch:
    """One moment.

    Parameters
    ----------
    mjd
        MJD in `scale`.
    scale
        "UTC" or "TAI".
    """

    mjd: float
    scale: Literal["UTC", "TAI"]

    @property
    def mjd_utc(self) -> float:
        """The moment as MJD in UTC, from TAI to the millisecond."""
        if self.scale == "UTC":
            return self.mjd
        day, millisecond = utc_from_mjd_tai(self.mjd)
        return day + millisecond / DAY_MS

    @property
    def utc(self) -> str:
        """ISO 8601 in UTC, to the millisecond.

        Raises
        ------
        PacketError
            If it is no date between 1972 and 9999.
        """
        return SCALES[f"mjd_{self.scale.lower()}"](self.mjd)


def jd_to_mjd(jd: float) -> float:
    """MJD of a Julian date, same scale."""
    return jd - MJD_OF_JD


def mjd_of_iso(text: str) -> float | None:
    """MJD of ISO 8601 text (a zone is converted away), or None where it is not a time."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    offset = moment.utcoffset()
    if offset is not None:
        moment = moment.replace(tzinfo=None) - offset
    return (moment - MJD_EPOCH) / timedelta(days=1)
