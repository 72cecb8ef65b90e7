"""The closed set of conversions that a mapping file may name: one value of an alert in, text out.

A conversion gives None where there is nothing to write. None of them may fail for a value of its kind,
because a derived number is never worth an event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bridge.errors import PacketError
from bridge.mapping.times import iso_from_mjd_tai, iso_from_mjd_utc

__all__ = ["CONVERSIONS", "Conversion"]

NUMBERS = frozenset({"int", "long", "float", "double"})
AB_ZERO_POINT_NJY = 31.4  # AB magnitude of 1 nJy: 8.90 - 2.5 log10(1e-9), with 3631 Jy rounded as Rubin does


@dataclass(frozen=True, slots=True)
class Conversion:
    """One conversion: what it takes, what the Param's dataType becomes, and what it does in a sentence."""

    function: Callable[[Any], str | None]
    takes: frozenset[str]
    data_type: str
    about: str


def _jd_to_iso(jd: float) -> str | None:
    return _time(iso_from_mjd_utc, jd - 2_400_000.5)


def _mjd_to_iso(mjd: float) -> str | None:
    return _time(iso_from_mjd_utc, mjd)


def _mjd_tai_to_utc(mjd: float) -> str | None:
    return _time(iso_from_mjd_tai, mjd)


def _time(function: Callable[[float], str], mjd: float) -> str | None:
    try:
        return function(mjd)
    except PacketError:
        return None


def _njy_to_abmag(flux_njy: float) -> str | None:
    if not 0 < flux_njy < math.inf:
        return None
    return f"{AB_ZERO_POINT_NJY - 2.5 * math.log10(flux_njy):.4f}"


def _isdiffpos_to_sign(value: Any) -> str | None:
    """ZTF writes 't', 'f', '1', '0'; WINTER a boolean; DECam an integer."""
    return {"t": "+1", "1": "+1", "true": "+1", "f": "-1", "0": "-1", "false": "-1"}.get(str(value).lower())


def _boolean_to_int(value: bool) -> str | None:
    return "1" if value else "0"


def _deg_to_arcsec(value: float) -> str | None:
    return f"{value * 3600:.6g}" if math.isfinite(value) else None


CONVERSIONS: dict[str, Conversion] = {
    "jd_to_iso": Conversion(_jd_to_iso, NUMBERS, "string", "UTC Julian date to ISO 8601 (UTC)"),
    "mjd_to_iso": Conversion(_mjd_to_iso, NUMBERS, "string", "UTC Modified Julian date to ISO 8601 (UTC)"),
    "mjd_tai_to_utc": Conversion(
        _mjd_tai_to_utc,
        NUMBERS,
        "string",
        "TAI Modified Julian date to ISO 8601 (UTC), leap seconds taken off",
    ),
    "njy_to_abmag": Conversion(
        _njy_to_abmag,
        NUMBERS,
        "float",
        "flux in nJy to AB magnitude, 31.4 - 2.5 log10(flux); none at or below 0",
    ),
    "isdiffpos_to_sign": Conversion(
        _isdiffpos_to_sign,
        frozenset({"string", "boolean", "int", "long"}),
        "int",
        "sign of a difference flux: t, 1, true to +1; f, 0, false to -1",
    ),
    "boolean_to_int": Conversion(_boolean_to_int, frozenset({"boolean"}), "int", "true to 1, false to 0"),
    "deg_to_arcsec": Conversion(_deg_to_arcsec, NUMBERS, "float", "degrees to arcseconds, six digits"),
}
