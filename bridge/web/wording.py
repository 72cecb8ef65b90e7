"""Times, spans, sizes and positions in the words of the status page and of the status command."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from bridge.inspect.sexagesimal import sexagesimal_dec, sexagesimal_ra

__all__ = ["ago", "clock_time", "iso_time", "number", "position", "rate", "size", "span"]


def span(seconds: float) -> str:
    """A length of time in its own unit: ``45 s``, ``12 min``, ``30 h``, ``9 d``."""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def ago(now: float, then: float | None) -> str:
    """How long ago a moment is, both in Unix seconds; ``never`` for none."""
    return "never" if then is None else f"{span(now - then)} ago"


def iso_time(time_unix_s: float) -> str:
    """A moment in ISO 8601, UTC, to the second."""
    return datetime.fromtimestamp(time_unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def clock_time(time_unix_s: float) -> str:
    """Hours and minutes of a moment, UTC."""
    return datetime.fromtimestamp(time_unix_s, UTC).strftime("%H:%M")


def number(value: int) -> str:
    """A count with its thousands apart."""
    return f"{value:,}"


def rate(per_second: float) -> str:
    """A rate with as many digits as it deserves: ``0.05``, ``3.2``, ``1,200``."""
    if per_second >= 100:
        return f"{per_second:,.0f}"
    if per_second >= 1 or per_second == 0:
        return f"{per_second:.1f}"
    return f"{per_second:.2g}" if per_second >= 0.001 else "under 0.001"


def size(size_bytes: int) -> str:
    """A number of bytes in powers of ten: ``512 B``, ``12.3 kB``, ``4.0 GB``."""
    if size_bytes < 1_000:
        return f"{size_bytes} B"
    power = min(5, int(math.log10(size_bytes)) // 3)
    return f"{size_bytes / 1_000**power:.1f} {'kMGTP'[power - 1]}B"


def position(ra_deg: float | None, dec_deg: float | None) -> str:
    """A position as sexagesimal hours and degrees (ICRS), or nothing where there is none in this sky."""
    if ra_deg is None or dec_deg is None or not (math.isfinite(ra_deg) and -90 <= dec_deg <= 90):
        return ""
    return f"{sexagesimal_ra(ra_deg, 2)} {sexagesimal_dec(dec_deg, 1)}"
