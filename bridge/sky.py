"""Positions on the sky, for people and for comparisons: sexagesimal text, galactic coordinates, separations.

A few lines of spherical geometry that several rooms need and that are not worth a dependency on astropy
in a core that runs at survey rate.
"""

from __future__ import annotations

import math

__all__ = ["galactic", "separation_deg", "sexagesimal_dec", "sexagesimal_ra"]

# Rows of the rotation from ICRS to galactic: The Hipparcos and Tycho Catalogues (ESA SP-1200, 1997),
# volume 1, section 1.5.3, equation 1.5.11 (transposed).
ICRS_TO_GALACTIC = (
    (-0.0548755604, -0.8734370902, -0.4838350155),
    (+0.4941094279, -0.4448296300, +0.7469822445),
    (-0.8676661490, -0.1980763734, +0.4559837762),
)


def galactic(ra_deg: float, dec_deg: float) -> tuple[float, float]:
    """Galactic longitude and latitude of an ICRS position.

    Parameters
    ----------
    ra_deg, dec_deg
        ICRS (or J2000) position in degrees.

    Returns
    -------
    tuple of float
        Longitude in [0, 360) and latitude in [-90, 90], in degrees.
    """
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    unit = (math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec))
    x, y, z = (sum(a * b for a, b in zip(row, unit, strict=True)) for row in ICRS_TO_GALACTIC)
    longitude = math.degrees(math.atan2(y, x)) % 360.0
    # A tiny negative angle modulo 360 rounds to 360 itself.
    return (0.0 if longitude == 360.0 else longitude), math.degrees(math.atan2(z, math.hypot(x, y)))


def separation_deg(ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float) -> float:
    """Great-circle distance between two positions.

    Parameters
    ----------
    ra1_deg, dec1_deg, ra2_deg, dec2_deg
        The positions in degrees.

    Returns
    -------
    float
        Degrees, in [0, 180]. Vincenty's form (Survey Review 23, 1975, 88): exact for the smallest angles
        and for antipodes.
    """
    dec1, dec2 = math.radians(dec1_deg), math.radians(dec2_deg)
    delta = math.radians(ra2_deg - ra1_deg)
    sin1, cos1, sin2, cos2 = math.sin(dec1), math.cos(dec1), math.sin(dec2), math.cos(dec2)
    across = math.hypot(cos2 * math.sin(delta), cos1 * sin2 - sin1 * cos2 * math.cos(delta))
    return math.degrees(math.atan2(across, sin1 * sin2 + cos1 * cos2 * math.cos(delta)))


def sexagesimal_ra(ra_deg: float, decimals: int = 3) -> str:
    """Right ascension as ``hh:mm:ss.sss``.

    Parameters
    ----------
    ra_deg
        Degrees; taken modulo 360.
    decimals
        Decimal places of the seconds of time.

    Returns
    -------
    str
        Rounded as a whole, so it never reads ``:60.000`` and wraps to ``00:00:00`` after 23:59:59.999...
    """
    ticks = round((ra_deg % 360.0) * 240.0 * 10**decimals) % (86_400 * 10**decimals)
    return _split(ticks, decimals)


def sexagesimal_dec(dec_deg: float, decimals: int = 2) -> str:
    """Declination as ``+dd:mm:ss.ss``.

    Parameters
    ----------
    dec_deg
        Degrees.
    decimals
        Decimal places of the arc seconds.

    Returns
    -------
    str
        Always signed, rounded as a whole (never ``:60.00``, never ``-00:00:00.00``).
    """
    ticks = round(abs(dec_deg) * 3600.0 * 10**decimals)
    return ("-" if dec_deg < 0 and ticks else "+") + _split(ticks, decimals)


def _split(ticks: int, decimals: int) -> str:
    seconds, fraction = divmod(ticks, 10**decimals)
    minutes, second = divmod(seconds, 60)
    whole, minute = divmod(minutes, 60)
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{whole:02d}:{minute:02d}:{second:02d}{tail}"
