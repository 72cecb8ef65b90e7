"""LSST's ssSource and mpc_orbits for simulated asteroids.

The geometry (distances, angles, vectors) is consistent in itself: it follows from the position on the sky, a
distance and the Earth's place. The orbit is a plausible main-belt one, not the orbit that leads there.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from bridge.simulate.population import Measurements, Objects
from bridge.simulate.sky import Floats, Ints

__all__ = ["designations", "geometry_columns", "orbit_columns"]

NAN = float("nan")
OBLIQUITY = np.radians(23.4392911)
AU_PER_DAY_KM_S = 1731.4568
# North galactic pole and the longitude of the celestial pole, J2000 (Liu et al. 2011, A&A 526, A16, table 1).
POLE_RA, POLE_DEC, POLE_LONGITUDE = np.radians((192.8595, 27.1283, 122.9319))
HALF_MONTHS = "ABCDEFGHJKLMNOPQRSTUVWXY"
LETTERS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ZEROS = ["yarkovsky", "srp", "a1", "a2", "a3", "dt"]
ELEMENTS = ["q", "e", "i", "node", "argperi", "peri_time"]


def designations(objects: Objects, who: Ints) -> list[tuple[str, str]]:
    """Provisional designations, unpacked ("2020 SJ88") and packed ("K20S88J")."""
    names = []
    for traits in objects.traits[who]:
        year = 2000 + int(traits[3] * 26)
        half, letter = HALF_MONTHS[int(traits[4] * 24)], LETTERS[int(traits[5] * 25)]
        cycle = int(traits[6] * 400)
        tens, ones = divmod(cycle, 10)
        packed = f"K{year % 100:02d}{half}{DIGITS[tens]}{ones}{letter}"
        names.append((f"{year} {half}{letter}{cycle or ''}", packed))
    return names


def geometry_columns(
    objects: Objects, seen: Measurements, source_ids: Ints, ids: Ints, time: float
) -> dict[str, Any]:
    """Columns of ssSource; distances in au, velocities in km/s, rates in deg/d, angles in deg."""
    who = seen.who
    ra, dec = np.radians(seen.ra_deg), np.radians(seen.dec_deg)
    sight = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    range_au = 0.9 + 1.6 * objects.traits[who, 7]
    earth, earth_velocity = _earth(time)
    topo = sight * range_au
    helio = topo + earth[:, None]
    helio_au = np.linalg.norm(helio, axis=0)
    # A circular orbit's speed at that distance, along the ecliptic and across the line to the Sun.
    pole = np.array([0.0, -np.sin(OBLIQUITY), np.cos(OBLIQUITY)])
    along = np.cross(pole, helio.T).T
    velocity = along / np.linalg.norm(along, axis=0) * 29.7847 / np.sqrt(helio_au)
    relative = velocity - earth_velocity[:, None]
    longitude, latitude = _ecliptic(sight)
    galactic_longitude, galactic_latitude = _galactic(ra, dec)
    rate_ra = objects.ra_rate[who] * np.cos(dec)
    rate_dec = objects.dec_rate[who]
    offset = seen.position_err_deg.astype(np.float64) * 3600
    elongation = _angle(sight, -earth[:, None])
    absolute = 22.5 - 4 * objects.traits[who, 8]
    return {
        "diaSourceId": source_ids,
        "ssObjectId": ids,
        "designation": np.array([name.encode() for name, _ in designations(objects, who)], "S16"),
        "eclLambda": longitude,
        "eclBeta": latitude,
        "galLon": galactic_longitude,
        "galLat": galactic_latitude,
        "elongation": elongation,
        "phaseAngle": _angle(-topo, -helio),
        "topoRange": range_au,
        "topoRangeRate": (relative * sight).sum(axis=0),
        "helioRange": helio_au,
        "helioRangeRate": (velocity * helio).sum(axis=0) / helio_au,
        "ephRa": np.round(seen.ra_deg - offset / 3600 / np.cos(dec), 9),
        "ephDec": np.round(seen.dec_deg + 0.5 * offset / 3600, 9),
        "ephVmag": absolute + 5 * np.log10(range_au * helio_au) - 4,
        "ephRate": np.hypot(rate_ra, rate_dec),
        "ephRateRa": rate_ra,
        "ephRateDec": rate_dec,
        "ephOffset": np.hypot(offset, 0.5 * offset),
        "ephOffsetRa": np.round(offset, 9),
        "ephOffsetDec": np.round(-0.5 * offset, 9),
        "ephOffsetAlongTrack": NAN,
        "ephOffsetCrossTrack": NAN,
        **{f"helio_{axis}": helio[i] for i, axis in enumerate("xyz")},
        **{f"helio_v{axis}": velocity[i] for i, axis in enumerate("xyz")},
        "helio_vtot": np.linalg.norm(velocity, axis=0),
        **{f"topo_{axis}": topo[i] for i, axis in enumerate("xyz")},
        **{f"topo_v{axis}": relative[i] for i, axis in enumerate("xyz")},
        "topo_vtot": np.linalg.norm(relative, axis=0),
        "diaDistanceRank": 1,
    }


def orbit_columns(objects: Objects, who: int) -> dict[str, Any]:
    """The values of mpc_orbits for one asteroid (one row, plain values)."""
    traits = [float(x) for x in np.round(objects.traits[who], 12)]
    unpacked, packed = designations(objects, np.array([who]))[0]
    a = 2.1 + 1.1 * traits[9]
    e = 0.3 * traits[10]
    motion = 0.9856076686 / a**1.5
    elements = {
        "q": a * (1 - e),
        "e": e,
        "i": 20 * traits[11],
        "node": 360 * traits[12],
        "argperi": 360 * traits[13],
        "peri_time": 61000 + 1500 * traits[14],
    }
    elements = {name: round(value, 12) for name, value in elements.items()}
    errors = {name: round(1e-6 * (0.2 + trait), 12) for name, trait in zip(ELEMENTS, traits, strict=False)}
    arc = round(2000 + 9000 * traits[15], 6)
    observed = int(60 + 500 * traits[16])
    values: dict[str, Any] = {
        "id": 0,
        "designation": unpacked,
        "packed_primary_provisional_designation": packed,
        "unpacked_primary_provisional_designation": unpacked,
        "created_at": 0,
        "updated_at": 0,
        "fitting_datetime": 0,
        "orbit_type_int": -1,
        "u_param": int(3 * traits[17]),
        "nopp": 4 + int(12 * traits[18]),
        "arc_length_total": arc,
        "arc_length_sel": arc,
        "nobs_total": observed,
        "nobs_total_sel": observed - int(10 * traits[19]),
        **elements,
        **{f"{name}_unc": error for name, error in errors.items()},
        "a": round(a, 12),
        "a_unc": 1e-8,
        "mean_anomaly": round(360 * traits[20], 9),
        "mean_anomaly_unc": 5e-6,
        "period": round(360 / motion, 6),
        "period_unc": 5e-6,
        "mean_motion": round(motion, 12),
        "mean_motion_unc": 6e-10,
        **dict.fromkeys(ZEROS, 0.0),
        **dict.fromkeys((f"{name}_unc" for name in ZEROS), 0.0),
        "epoch_mjd": 61000.0,
        "h": round(16 + 4 * traits[8], 3),
        "g": 0.15,
        "not_normalized_rms": 0.0,
        "normalized_rms": round(0.3 + 0.6 * traits[21], 6),
        "earth_moid": 0.0,
    }
    values["mpc_orb_jsonb"] = _solution(values, elements, errors, traits)
    return values


def _solution(
    values: dict[str, Any], elements: dict[str, float], errors: dict[str, float], traits: list[float]
) -> str:
    """The orbit as JSON text, about as long as the Minor Planet Center's (six kilobytes)."""

    def frame(names: list[str], coefficients: list[float], uncertainties: list[float]) -> dict[str, Any]:
        cells = {}
        for i in range(10):
            for j in range(i, 10):
                inside = i < 6 and j < 6
                size = uncertainties[i] * uncertainties[j] if inside else 0.0
                cells[f"cov{i}{j}"] = round(size * traits[(i + j) % 24], 24) if inside else None
        return {
            "covariance": cells,
            "eigenvalues": sorted(u**2 for u in uncertainties),
            "coefficient_names": names,
            "coefficient_values": coefficients,
            "coefficient_uncertainties": uncertainties,
        }

    names = list(elements)
    state = [round(4 * t - 2, 12) for t in traits[:3]] + [round(0.02 * t - 0.01, 15) for t in traits[3:6]]
    document = {
        "CAR": frame(["x", "y", "z", "vx", "vy", "vz"], state, [1e-6 * (0.5 + t) for t in traits[6:12]]),
        "COM": frame(names, list(elements.values()), list(errors.values())),
        "moid_data": dict.fromkeys(("Mars", "Earth", "Venus", "Jupiter")),
        "epoch_data": {"epoch": 61000.0, "timeform": "MJD", "timesystem": "TDT"},
        "categorization": {"orbit_type_int": 11, "orbit_type_str": "Main Belt"},
        "magnitude_data": {"G": values["g"], "H": values["h"]},
        "designation_data": {
            "packed_primary_provisional_designation": values["packed_primary_provisional_designation"],
            "unpacked_primary_provisional_designation": values["designation"],
        },
        "orbit_fit_statistics": {
            "nopp": values["nopp"],
            "nobs_total": values["nobs_total"],
            "nobs_total_sel": values["nobs_total_sel"],
            "normalized_RMS": values["normalized_rms"],
            "arc_length_total": values["arc_length_total"],
        },
        "software_data": {"fitting_software_name": "simulated"},
    }
    return json.dumps(document)


def _earth(time_mjd: float) -> tuple[Floats, Floats]:
    """Place (au) and velocity (km/s) of the Earth about the Sun, equatorial, for a circular orbit."""
    turn = np.radians((time_mjd - 51544.5) * 0.98564736 + 100.46)
    place = np.array([np.cos(turn), np.sin(turn), 0.0])
    velocity = 29.7847 * np.array([-np.sin(turn), np.cos(turn), 0.0])
    return _equatorial(place), _equatorial(velocity)


def _equatorial(vector: Floats) -> Floats:
    cosine, sine = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    x, y, z = vector
    return np.array([x, cosine * y - sine * z, sine * y + cosine * z])


def _ecliptic(sight: Floats) -> tuple[Floats, Floats]:
    cosine, sine = np.cos(OBLIQUITY), np.sin(OBLIQUITY)
    x, y, z = sight
    longitude = np.degrees(np.arctan2(cosine * y + sine * z, x)) % 360
    return np.round(longitude, 9), np.round(np.degrees(np.arcsin(cosine * z - sine * y)), 9)


def _galactic(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    away = ra - POLE_RA
    height = np.sin(dec) * np.sin(POLE_DEC) + np.cos(dec) * np.cos(POLE_DEC) * np.cos(away)
    across = np.cos(dec) * np.sin(away)
    along = np.sin(dec) * np.cos(POLE_DEC) - np.cos(dec) * np.sin(POLE_DEC) * np.cos(away)
    longitude = np.degrees(POLE_LONGITUDE - np.arctan2(across, along)) % 360
    return np.round(longitude, 9), np.round(np.degrees(np.arcsin(height)), 9)


def _angle(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> Floats:
    """Angle between vectors (columns), deg."""
    norms = np.linalg.norm(one, axis=0) * np.linalg.norm(other, axis=0)
    angle: Floats = np.degrees(np.arccos(np.clip((one * other).sum(axis=0) / norms, -1, 1)))
    return angle
