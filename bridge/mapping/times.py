"""Times of surveys to ISO 8601 in UTC, right to a millisecond on every day since 1972, leap seconds included.

Alerts carry times as one double: Julian dates in UTC (ZTF) or Modified Julian Dates in TAI (LSST). The
arithmetic is in whole milliseconds, so rounding never gives "24:00:00" and a day of 86,401 s is one.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from datetime import date, datetime, timedelta
from functools import lru_cache

from bridge.errors import PacketError

__all__ = ["ISO_SCALE", "SCALES", "iso_from_mjd_tai", "iso_from_mjd_utc", "utc_from_iso", "utc_from_mjd_tai"]

DAY_MS = 86_400_000
ORDINAL_OF_MJD_0 = 678_576  # 1858-11-17

# TAI - UTC in seconds from the given MJD (UTC) on: IERS Bulletin C. None was announced after 2017.
LEAP_SECONDS = (
    (41317, 10),
    (41499, 11),
    (41683, 12),
    (42048, 13),
    (42413, 14),
    (42778, 15),
    (43144, 16),
    (43509, 17),
    (43874, 18),
    (44239, 19),
    (44786, 20),
    (45151, 21),
    (45516, 22),
    (46247, 23),
    (47161, 24),
    (47892, 25),
    (48257, 26),
    (48804, 27),
    (49169, 28),
    (49534, 29),
    (50083, 30),
    (50630, 31),
    (51179, 32),
    (53736, 33),
    (54832, 34),
    (56109, 35),
    (57204, 36),
    (57754, 37),
)
LEAP_DAYS = frozenset(mjd - 1 for mjd, _ in LEAP_SECONDS[1:])
TAI_STARTS_MS = [mjd * DAY_MS + offset * 1000 for mjd, offset in LEAP_SECONDS]
EARLIEST_MJD = LEAP_SECONDS[0][0]
END_MJD = 2_973_484  # the day after 9999-12-31, the last that a date can be


def iso_from_mjd_utc(mjd: float, add_s: float = 0.0) -> str:
    """ISO time of a UTC Modified Julian Date.

    Parameters
    ----------
    mjd
        UTC as MJD, in the ERFA convention: on a day with a leap second the fraction counts 86,401 s.
    add_s
        Seconds to add (half an exposure).

    Returns
    -------
    ``YYYY-MM-DDThh:mm:ss.sss``; the second is 60 inside a leap second.

    Raises
    ------
    PacketError
        If the date is not a number, or before 1972 or after 9999.
    """
    day, fraction = _split(mjd)
    length = DAY_MS + 1000 * (day in LEAP_DAYS)
    millisecond = round(fraction * length + add_s * 1000)
    while millisecond >= length:
        millisecond -= length
        day += 1
        length = DAY_MS + 1000 * (day in LEAP_DAYS)
    return _iso(day, millisecond)


def utc_from_mjd_tai(mjd_tai: float) -> tuple[int, int]:
    """UTC day (MJD) and millisecond of that day of a TAI Modified Julian Date."""
    day, fraction = _split(mjd_tai)
    tai_ms = day * DAY_MS + round(fraction * DAY_MS)
    row = bisect_right(TAI_STARTS_MS, tai_ms) - 1
    if row < 0:
        raise PacketError(f"time MJD {mjd_tai!r} (TAI) is before 1972, when UTC with leap seconds begins")
    utc_ms = tai_ms - LEAP_SECONDS[row][1] * 1000
    utc_day, millisecond = divmod(utc_ms, DAY_MS)
    if utc_day - 1 in LEAP_DAYS and row + 1 < len(LEAP_SECONDS) and utc_day == LEAP_SECONDS[row + 1][0]:
        return utc_day - 1, DAY_MS + millisecond
    return utc_day, millisecond


def iso_from_mjd_tai(mjd_tai: float, add_s: float = 0.0) -> str:
    """ISO time (UTC) of a TAI Modified Julian Date; parameters and errors as `iso_from_mjd_utc`."""
    return _iso(*utc_from_mjd_tai(mjd_tai + add_s / 86_400 if add_s else mjd_tai))


def _iso_from_jd_utc(jd: float, add_s: float = 0.0) -> str:
    # Exact: both numbers are multiples of 2**-31, and the difference is smaller than either.
    return iso_from_mjd_utc(jd - 2_400_000.5, add_s)


SCALES = {
    "jd_utc": _iso_from_jd_utc,
    "mjd_utc": iso_from_mjd_utc,
    "mjd_tai": iso_from_mjd_tai,
}
"""Name in a mapping file to the function ``(value, seconds to add) -> ISO time``."""

ISO_SCALE = "iso_utc"
"""Name in a mapping file for times that are texts in ISO 8601 already; documents have them."""

_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)([.,]\d+)?)?\s*(?:Z|UTC|([+-]\d\d):?(\d\d)?)?\Z", re.ASCII
)


def utc_from_iso(text: str) -> str:
    """A time in ISO 8601 as UTC without a zone, with all digits of its second.

    Parameters
    ----------
    text
        Date and time to the minute at least; without a zone it is taken as UTC.

    Raises
    ------
    PacketError
        If it is no such text, or no such time exists.
    """
    match = _ISO.match(text.strip())
    if match is None:
        raise PacketError(f"time {text[:60]!r} is not a date and time in ISO 8601")
    day, clock, second, fraction, hours, minutes = match.groups()
    leap = second == "60" and clock == "23:59" and not hours
    try:
        instant = datetime.fromisoformat(f"{day}T{clock}:{'59' if leap else second or '00'}")
        if hours:
            sign = -1 if hours[0] == "-" else 1
            instant -= sign * timedelta(hours=abs(int(hours)), minutes=int(minutes or 0))
    except (ValueError, OverflowError):
        raise PacketError(f"time {text[:60]!r} does not exist") from None
    plain = f"{day}T{clock}:60" if leap else instant.isoformat()
    return plain + (fraction or "").replace(",", ".")


def _split(mjd: float) -> tuple[int, float]:
    if not EARLIEST_MJD <= mjd < END_MJD:
        raise PacketError(f"time MJD {mjd!r} is not a date between 1972 and 9999")
    day = math.floor(mjd)
    return day, mjd - day


def _iso(day: int, millisecond: int) -> str:
    if day >= END_MJD:  # By rounding, or with half an exposure.
        raise PacketError(f"time MJD {day} is not a date between 1972 and 9999")
    seconds, millisecond = divmod(millisecond, 1000)
    if seconds >= 86_400:
        return f"{_date(day)}T23:59:60.{millisecond:03d}"
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{_date(day)}T{hour:02d}:{minute:02d}:{second:02d}.{millisecond:03d}"


@lru_cache(maxsize=4096)
def _date(mjd_day: int) -> str:
    return date.fromordinal(mjd_day + ORDINAL_OF_MJD_0).isoformat()
