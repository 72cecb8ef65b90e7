"""A ZTF-like alert (ZTF, Fink's ZTF, WINTER): `candidate`, `prv_candidates`, `fp_hists`, cutouts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.inspect.common import collect_cutouts, position_section, when_section
from bridge.inspect.curve import LightCurve, Point
from bridge.inspect.epochs import Epoch, jd_to_mjd
from bridge.inspect.fink import fink_section
from bridge.inspect.history import add_history
from bridge.inspect.report import FactList, Position, Report, Section
from bridge.inspect.values import first, identifier, number, number_text, percent_text, plus_minus, text
from bridge.wording import counted

__all__ = ["is_ztf_like", "view_ztf"]

ZTF_BANDS = {1: "g", 2: "r", 3: "i"}
WINTER_BANDS = {0: "Y", 1: "J", 2: "H", 3: "K"}
PROGRAMS = {1: "public", 2: "partnership", 3: "Caltech"}
# Camera scales: Bellm et al. 2019 (PASP 131, 018002) for ZTF.
ZTF_ARCSEC_PER_PIXEL = 1.01
# A reference source this near may be the same star. A choice: a little more than one pixel.
SAME_SOURCE_ARCSEC = 1.4
SECONDS_PER_DAY = 86_400


def is_ztf_like(record: Mapping[str, Any]) -> bool:
    """Whether a decoded alert has a `candidate` with a Julian date and a difference magnitude."""
    candidate = record.get("candidate")
    return isinstance(candidate, Mapping) and "jd" in candidate and "magpsf" in candidate


def view_ztf(record: Mapping[str, Any], identity: FactList) -> Report:
    """Report on a ZTF-like alert.

    Parameters
    ----------
    record
        The alert as fastavro decodes it.
    identity
        What is known of the packet itself (schema, place in the file); the alert's names are added.
    """
    candidate = record["candidate"]
    winter = "objectid" in record
    survey = "WINTER" if winter else "ZTF"
    bands = WINTER_BANDS if winter else ZTF_BANDS
    fink = fink_section(record)
    object_id = text(record, "objectId", "objectid")
    candid = identifier(record, "candid")
    identity.add("alert_id", "Candidate", candid)
    identity.add("object_id", "Object", object_id)
    identity.add("schema_version", "Schema version", text(record, "schemavsn"))
    identity.add("publisher", "Publisher", text(record, "publisher"))
    program = first(candidate, "programid")
    if not winter and program in PROGRAMS:
        identity.add("program", "Programme", program, f"{program} ({PROGRAMS[program]})")
    identity.add("field", "Field", identifier(candidate, "field"))
    position = Position(float(candidate["ra"]), float(candidate["dec"]))
    curve = LightCurve.from_points(
        _points(record, bands), quantity="difference magnitude", unit="mag", scale="UTC"
    )
    history = FactList()
    _add_survey_history(history, candidate)
    add_history(history, curve)
    sections = [
        identity.section("identity", "Alert"),
        position_section(position),
        _when(candidate),
        _brightness(candidate, bands),
        history.section("history", "History"),
        _quality(candidate),
        _neighbours(candidate),
        _solar_system(candidate),
        fink,
    ]
    return Report(
        kind="alert",
        survey=f"Fink/{survey}" if fink.facts else survey,
        title=f"{survey} {object_id or 'object without name'}, candidate {candid}",
        sections=tuple(section for section in sections if section.facts),
        position=position,
        light_curve=curve,
        cutouts=collect_cutouts(record, None if winter else ZTF_ARCSEC_PER_PIXEL),
    )


def _points(record: Mapping[str, Any], bands: Mapping[int, str]) -> Iterator[Point]:
    candidate = record["candidate"]
    yield _detection(candidate, bands, current=True)
    for row in record.get("prv_candidates") or ():
        if number(row, "magpsf") is not None:
            yield _detection(row, bands, current=False)
        elif number(row, "diffmaglim") is not None:
            limit = float(row["diffmaglim"])
            yield Point(jd_to_mjd(row["jd"]), limit, math.nan, _band(row, bands), "limit")
    for row in record.get("fp_hists") or ():
        yield from _forced(row, bands)


def _detection(row: Mapping[str, Any], bands: Mapping[int, str], *, current: bool) -> Point:
    return Point(
        mjd=jd_to_mjd(row["jd"]),
        value=_or_nan(number(row, "magpsf")),
        error=_or_nan(number(row, "sigmapsf")),
        band=_band(row, bands),
        role="detection",
        fainter=not _is_positive(row.get("isdiffpos")),
        current=current,
    )


def _forced(row: Mapping[str, Any], bands: Mapping[int, str]) -> Iterator[Point]:
    """A flux above 3 sigma becomes a magnitude, anything else says nothing beyond the alert's own limits."""
    flux, error = number(row, "forcediffimflux"), number(row, "forcediffimfluxunc")
    zero_point = number(row, "magzpsci")
    if flux is None or error is None or zero_point is None or error <= 0 or abs(flux) < 3 * error:
        return
    yield Point(
        mjd=jd_to_mjd(row["jd"]),
        value=zero_point - 2.5 * math.log10(abs(flux)),
        error=2.5 / math.log(10) * error / abs(flux),
        band=_band(row, bands),
        role="forced",
        fainter=flux < 0,
    )


def _when(candidate: Mapping[str, Any]) -> Section:
    start = Epoch(jd_to_mjd(candidate["jd"]), "UTC")
    exposure = number(candidate, "exptime")
    facts = when_section(start, "exposure start" if exposure else "")
    facts.add("jd_utc", "JD", candidate["jd"], f"{candidate['jd']:.7f} UTC")
    if exposure:
        middle = Epoch(start.mjd + exposure / 2 / SECONDS_PER_DAY, "UTC")
        facts.add("mid_exposure_utc", "Middle", f"{middle.utc}Z", f"{middle.utc}Z ({exposure:g} s exposure)")
    return facts.section("when", "When")


def _brightness(candidate: Mapping[str, Any], bands: Mapping[int, str]) -> Section:
    facts = FactList()
    band = _band(candidate, bands)
    magnitude, error = number(candidate, "magpsf"), number(candidate, "sigmapsf")
    positive = _is_positive(candidate.get("isdiffpos"))
    facts.add("band", "Band", band)
    if magnitude is not None:
        facts.add("magpsf", "Difference", magnitude, f"{band} = {plus_minus(magnitude, error)} mag (AB)")
        facts.add("sigmapsf", "", error, "")
        facts.add(
            "brighter_than_reference",
            "Compared",
            positive,
            f"{'brighter' if positive else 'fainter'} than the reference image",
        )
        total = _total_magnitude(candidate, magnitude, positive)
        if total is not None:
            facts.add(
                "total_magnitude",
                "With reference",
                total,
                f"{band} = {total:.2f} mag, if it is the reference source {candidate['distnr']:.2f}″ away",
            )
    aperture = number(candidate, "magap")
    if aperture is not None:
        shown = plus_minus(aperture, number(candidate, "sigmagap"))
        facts.add("magap", "Aperture", aperture, f"{shown} mag")
    limit = number(candidate, "diffmaglim")
    facts.add_number("diffmaglim", "5σ limit", limit, "{:.2f} mag")
    return facts.section("brightness", "Brightness")


def _total_magnitude(candidate: Mapping[str, Any], magnitude: float, positive: bool) -> float | None:
    """Magnitude of the source itself, from the fluxes of the reference source and the difference."""
    distance, reference = number(candidate, "distnr"), number(candidate, "magnr")
    if distance is None or reference is None or not 0 <= distance < SAME_SOURCE_ARCSEC:
        return None
    change = 10 ** (-0.4 * magnitude)
    flux = 10 ** (-0.4 * reference) + (change if positive else -change)
    return -2.5 * math.log10(flux) if flux > 0 else None


def _add_survey_history(facts: FactList, candidate: Mapping[str, Any]) -> None:
    detections, coverage = first(candidate, "ndethist"), first(candidate, "ncovhist")
    if isinstance(detections, int):
        observed = f", observed {counted(coverage, 'time')}" if isinstance(coverage, int) else ""
        facts.add(
            "ndethist", "In the survey", detections, f"detected {counted(detections, 'time')}{observed}"
        )
        facts.add("ncovhist", "", coverage, "")
    start = number(candidate, "jdstarthist")
    if start is not None:
        epoch = Epoch(jd_to_mjd(start), "UTC")
        ago = candidate["jd"] - start
        facts.add("jdstarthist", "Earliest there", start, f"{epoch.utc[:19]}Z, {ago:.1f} d before")


def _quality(candidate: Mapping[str, Any]) -> Section:
    facts = FactList()
    for name, label, version in (
        ("drb", "Deep real/bogus", "drbversion"),
        ("rb", "Real/bogus", "rbversion"),
    ):
        score = number(candidate, name)
        note = text(candidate, version)
        if score is not None:
            shown = percent_text(score)
            facts.add(name, label, score, f"{shown} ({note})" if note else shown)
    facts.add_number("fwhm", "FWHM", number(candidate, "fwhm"), "{:.2f} pixels")
    facts.add_number("elong", "Elongation", number(candidate, "elong"), "{:.2f}")
    facts.add_number("scorr", "Peak S/N", number(candidate, "scorr"), "{:.2f}")
    facts.add("nbad", "Bad pixels", first(candidate, "nbad"))
    return facts.section("quality", "Real or bogus")


def _neighbours(candidate: Mapping[str, Any]) -> Section:
    facts = FactList()
    distance, magnitude = number(candidate, "distnr"), number(candidate, "magnr")
    if distance is not None and distance >= 0:
        facts.add(
            "reference",
            "Reference image",
            {"distance_arcsec": distance, "magnitude": magnitude},
            f"{distance:.2f}″ away{_magnitude(magnitude)}",
        )
    for rank in (1, 2, 3):
        _add_panstarrs(facts, candidate, rank)
    for key, label, distance_name, magnitude_name in (
        ("gaia", "Gaia", "neargaia", "maggaia"),
        ("gaia_bright", "Gaia, bright", "neargaiabright", "maggaiabright"),
    ):
        distance, magnitude = number(candidate, distance_name), number(candidate, magnitude_name)
        if distance is not None and distance >= 0:
            facts.add(
                key,
                label,
                {"distance_arcsec": distance, "magnitude": magnitude},
                f"{distance:.2f}″ away{_magnitude(magnitude, 'G')}",
            )
    return facts.section("neighbours", "Catalogue sources near by")


def _add_panstarrs(facts: FactList, candidate: Mapping[str, Any], rank: int) -> None:
    distance = number(candidate, f"distpsnr{rank}")
    if distance is None or distance < 0:
        return
    score = number(candidate, f"sgscore{rank}")
    magnitude = number(candidate, f"srmag{rank}")
    name = identifier(candidate, f"objectidps{rank}")
    kind = ""
    if score is not None:
        looks = "star-like" if score > 0.7 else "galaxy-like" if score < 0.3 else "star or galaxy"
        kind = f", {looks} ({score:.2f})"
    facts.add(
        f"panstarrs_{rank}",
        f"Pan-STARRS {rank}",
        {"distance_arcsec": distance, "id": name, "r_magnitude": magnitude, "star_score": score},
        f"{distance:.2f}″ away{_magnitude(magnitude, 'r')}{kind}",
    )


def _solar_system(candidate: Mapping[str, Any]) -> Section:
    facts = FactList()
    distance, name = number(candidate, "ssdistnr"), text(candidate, "ssnamenr")
    if distance is not None and distance >= 0 and name:
        magnitude = number(candidate, "ssmagnr")
        facts.add(
            "nearest",
            "Known object",
            {"name": name, "distance_arcsec": distance, "magnitude": magnitude},
            f"{name}, {distance:.0f}″ away{_magnitude(magnitude, 'V')}",
        )
    return facts.section("solar_system", "Solar system")


def _magnitude(magnitude: float | None, band: str = "") -> str:
    return "" if magnitude is None else f", {f'{band} ' if band else ''}{number_text(magnitude, 4)} mag"


def _band(row: Mapping[str, Any], bands: Mapping[int, str]) -> str:
    return bands.get(row.get("fid"), f"fid {row.get('fid')}")  # type: ignore[arg-type]


def _is_positive(flag: Any) -> bool:
    return flag in ("t", "T", "1", "true", 1, True)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
