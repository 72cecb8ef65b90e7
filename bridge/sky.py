"""Spherical astronomy at survey rate: separations, galactic and ecliptic coordinates.

A few lines of geometry that several rooms need and that are not worth a dependency on astropy. Angles are
degrees in and out. NaN goes in and out as "no value"; a declination beyond a pole has no position, so it
gives NaN.
"""

from __future__ import annotations

import math

__all__ = ["ecl_lat", "ecl_lon", "from_galactic", "gal_lat", "gal_lon", "separation"]

NAN = math.nan
Matrix = tuple[tuple[float, float, float], ...]

# ICRS to galactic: ESA SP-1200 (The Hipparcos and Tycho Catalogues), vol. 1, eq. 1.5.11.
ICRS_TO_GALACTIC: Matrix = (
    (-0.0548755604, -0.8734370902, -0.4838350155),
    (0.4941094279, -0.4448296300, 0.7469822445),
    (-0.8676661490, -0.1980763734, 0.4559837762),
)

# Mean obliquity at J2000.0, 84381.406": IAU 2006 (Capitaine et al. 2003, A&A 412, 567).
OBLIQUITY = math.radians(84381.406 / 3600)
ICRS_TO_ECLIPTIC: Matrix = (
    (1.0, 0.0, 0.0),
    (0.0, math.cos(OBLIQUITY), math.sin(OBLIQUITY)),
    (0.0, -math.sin(OBLIQUITY), math.cos(OBLIQUITY)),
)


def separation(ra1_deg: float, dec1_deg: float, ra2_deg: float, dec2_deg: float) -> float:
    """Angle between two directions, accurate from zero to the antipode.

    Parameters
    ----------
    ra1_deg, dec1_deg, ra2_deg, dec2_deg
        The directions, in degrees.

    Returns
    -------
    The angle in degrees, 0 to 180 (Vincenty's formula on the sphere: Survey Review 23, 88, 1975).
    """
    if not (-90.0 <= dec1_deg <= 90.0 and -90.0 <= dec2_deg <= 90.0):
        return NAN
    delta = math.radians(ra2_deg - ra1_deg)
    if not math.isfinite(delta):
        return NAN
    dec1, dec2 = math.radians(dec1_deg), math.radians(dec2_deg)
    sin1, cos1, sin2, cos2 = math.sin(dec1), math.cos(dec1), math.sin(dec2), math.cos(dec2)
    sin_delta, cos_delta = math.sin(delta), math.cos(delta)
    across = math.hypot(cos2 * sin_delta, cos1 * sin2 - sin1 * cos2 * cos_delta)
    return math.degrees(math.atan2(across, sin1 * sin2 + cos1 * cos2 * cos_delta))


def _rotate(matrix: Matrix, ra_deg: float, dec_deg: float) -> tuple[float, float, float] | None:
    if not (-90.0 <= dec_deg <= 90.0 and math.isfinite(ra_deg)):
        return None
    ra, dec = math.radians(ra_deg), math.radians(dec_deg)
    x, y, z = math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)
    row_x, row_y, row_z = (a * x + b * y + c * z for a, b, c in matrix)
    return row_x, row_y, row_z


def _longitude(matrix: Matrix, ra_deg: float, dec_deg: float) -> float:
    vector = _rotate(matrix, ra_deg, dec_deg)
    return NAN if vector is None else math.degrees(math.atan2(vector[1], vector[0])) % 360.0


def _latitude(matrix: Matrix, ra_deg: float, dec_deg: float) -> float:
    vector = _rotate(matrix, ra_deg, dec_deg)
    if vector is None:
        return NAN
    return math.degrees(math.atan2(vector[2], math.hypot(vector[0], vector[1])))


def gal_lon(ra_deg: float, dec_deg: float) -> float:
    """Galactic longitude of an ICRS position, 0 to 360 degrees."""
    return _longitude(ICRS_TO_GALACTIC, ra_deg, dec_deg)


def gal_lat(ra_deg: float, dec_deg: float) -> float:
    """Galactic latitude of an ICRS position, -90 to 90 degrees."""
    return _latitude(ICRS_TO_GALACTIC, ra_deg, dec_deg)


def from_galactic(lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """The ICRS position (right ascension 0 to 360, declination) of a galactic one, in degrees."""
    # The inverse of a rotation is its transpose.
    back: Matrix = tuple(zip(*ICRS_TO_GALACTIC, strict=True))
    return _longitude(back, lon_deg, lat_deg), _latitude(back, lon_deg, lat_deg)


def ecl_lon(ra_deg: float, dec_deg: float) -> float:
    """Ecliptic longitude (mean ecliptic of J2000, frame bias of 0.02 arcsec neglected), 0 to 360 degrees."""
    return _longitude(ICRS_TO_ECLIPTIC, ra_deg, dec_deg)


def ecl_lat(ra_deg: float, dec_deg: float) -> float:
    """Ecliptic latitude (mean ecliptic of J2000, frame bias of 0.02 arcsec neglected), -90 to 90 degrees."""
    return _latitude(ICRS_TO_ECLIPTIC, ra_deg, dec_deg)
