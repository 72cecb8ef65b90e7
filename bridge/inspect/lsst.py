"""An LSST alert, plain or with Fink's additions: `diaSource`, its history, `diaObject`, `ssSource`.

Names changed often from schema 3 to 11.1; each value is looked up under all of its names, newest first.
Fluxes stay fluxes: a difference flux may be negative, which no magnitude can say.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.inspect.common import collect_cutouts, position_section, when_section
from bridge.inspect.curve import LightCurve, Point
from bridge.inspect.epochs import Epoch
from bridge.inspect.fink import fink_section
from bridge.inspect.history import add_history
from bridge.inspect.report import FactList, Position, Report, Section
from bridge.inspect.values import ab_magnitude, first, identifier, number, percent_text, plus_minus, text
from bridge.wording import counted

__all__ = ["is_lsst_like", "view_lsst"]

TIME = ("midpointMjdTai", "midPointTai")
DECLINATION = ("dec", "decl")
BAND = ("band", "filterName")
FLUX = ("psfFlux", "psFlux")
FLUX_ERROR = ("psfFluxErr", "psFluxErr")
SCORE = ("reliability", "spuriousness")
# LSSTCam, as the coordinates in the headers of its cutouts say; used for cutouts without them.
LSST_ARCSEC_PER_PIXEL = 0.2


def is_lsst_like(record: Mapping[str, Any]) -> bool:
    """Whether a decoded alert has a `diaSource` with a time in TAI."""
    source = record.get("diaSource")
    return isinstance(source, Mapping) and any(name in source for name in TIME)


def view_lsst(record: Mapping[str, Any], identity: FactList, schema_name: str) -> Report:
    """Report on an LSST-like alert.

    Parameters
    ----------
    record
        The alert as fastavro decodes it.
    identity
        What is known of the packet itself; the alert's names are added.
    schema_name
        Full name of the writer schema, which carries LSST's version ("lsst.v10_0.alert").
    """
    source = record["diaSource"]
    fink = fink_section(record)
    alert_id = identifier(record, "diaSourceId", "alertId") or identifier(source, "diaSourceId")
    object_id, minor_planet = identifier(source, "diaObjectId"), identifier(source, "ssObjectId")
    designation = text(record.get("ssSource"), "designation")
    identity.add("alert_id", "Source", alert_id)
    identity.add("object_id", "Object", object_id)
    identity.add("ss_object_id", "Solar-system object", minor_planet)
    identity.add("schema_version", "Schema version", _version(record, schema_name))
    visit, detector = first(source, "visit"), first(source, "detector")
    identity.add("visit", "Visit, detector", visit, f"{visit}, {detector}")
    identity.add("detector", "", detector, "")
    identity.add("observation_reason", "Observed for", text(record, "observation_reason"))
    identity.add("target_name", "Target", text(record, "target_name"))
    identity.add("publisher", "Publisher", text(record, "publisher"))
    position = _position(source)
    curve = LightCurve.from_points(_points(record), quantity="difference flux", unit="nJy", scale="TAI")
    history = FactList()
    _add_survey_history(history, record)
    add_history(history, curve)
    name = designation or object_id or minor_planet or "object without name"
    survey = (
        "Rubin/LSST" if schema_name.startswith("lsst") or "lsst_schema_version" in record else "LSST-like"
    )
    sections = (
        identity.section("identity", "Alert"),
        position_section(position),
        when_section(Epoch(float(first(source, *TIME)), "TAI"), "middle of the exposure").section(
            "when", "When"
        ),
        _brightness(source),
        history.section("history", "History"),
        _quality(source),
        _neighbours(record),
        _solar_system(record),
        fink,
    )
    return Report(
        kind="alert",
        survey=f"Fink/{survey}" if fink.facts else survey,
        title=f"{survey} {name}, source {alert_id}",
        sections=tuple(section for section in sections if section.facts),
        position=position,
        light_curve=curve,
        cutouts=collect_cutouts(record, LSST_ARCSEC_PER_PIXEL),
    )


def _version(record: Mapping[str, Any], schema_name: str) -> str | None:
    named = re.match(r"lsst\.v(\d+)_(\d+)", text(record, "lsst_schema_version") or schema_name)
    return f"{named[1]}.{named[2]}" if named else None


def _position(source: Mapping[str, Any]) -> Position:
    ra_error, dec_error = number(source, "raErr"), number(source, "decErr")
    error = math.hypot(ra_error, dec_error) if ra_error is not None and dec_error is not None else None
    return Position(float(source["ra"]), float(first(source, *DECLINATION)), error)


def _points(record: Mapping[str, Any]) -> Iterator[Point]:
    yield _point(record["diaSource"], current=True)
    for row in record.get("prvDiaSources") or ():
        yield _point(row)
    for row in record.get("prvDiaForcedSources") or ():
        yield _point(row, forced=True)


def _point(row: Mapping[str, Any], *, current: bool = False, forced: bool = False) -> Point:
    flux, error = number(row, *FLUX), number(row, *FLUX_ERROR)
    return Point(
        mjd=_or_nan(number(row, *TIME)),
        value=_or_nan(flux),
        error=_or_nan(error),
        band=text(row, *BAND) or "?",
        role="forced" if forced else "detection",
        fainter=flux is not None and flux < 0,
        current=current,
    )


def _brightness(source: Mapping[str, Any]) -> Section:
    facts = FactList()
    facts.add("band", "Band", text(source, *BAND))
    for key, label, names, errors in (
        ("difference_flux_njy", "Difference", FLUX, FLUX_ERROR),
        ("science_flux_njy", "Science image", ("scienceFlux", "totFlux"), ("scienceFluxErr", "totFluxErr")),
        ("template_flux_njy", "Template", ("templateFlux",), ("templateFluxErr",)),
        ("aperture_flux_njy", "Aperture", ("apFlux",), ("apFluxErr",)),
    ):
        flux, error = number(source, *names), number(source, *errors)
        if flux is None:
            continue
        facts.add(key, label, {"value": flux, "error": error}, _flux_text(flux, error))
    signal = number(source, "snr")
    facts.add_number("snr", "S/N", signal, "{:.1f}")
    return facts.section("brightness", "Brightness")


def _flux_text(flux_njy: float, error_njy: float | None) -> str:
    shown = f"{plus_minus(flux_njy, error_njy)} nJy"
    if flux_njy <= 0:
        return f"{shown} (fainter than the template, no magnitude)" if flux_njy else shown
    magnitude, magnitude_error = ab_magnitude(flux_njy, error_njy)
    return f"{shown} = {plus_minus(magnitude, magnitude_error)} mag (AB)"


def _add_survey_history(facts: FactList, record: Mapping[str, Any]) -> None:
    owner = record.get("diaObject")
    count = first(owner, "nDiaSources")
    if isinstance(count, int) and count > 0:
        facts.add("n_dia_sources", "In the survey", count, f"detected {counted(count, 'time')}")
    start = number(owner, "firstDiaSourceMjdTai") or number(record.get("misc"), "firstDiaSourceMjdTaiFink")
    if start is not None:
        ago = float(first(record["diaSource"], *TIME)) - start
        facts.add(
            "first_mjd_tai", "Earliest there", start, f"{Epoch(start, 'TAI').utc[:19]}Z, {ago:.1f} d before"
        )


def _quality(source: Mapping[str, Any]) -> Section:
    facts = FactList()
    score = number(source, *SCORE)
    facts.add("reliability", "Reliability", score, None if score is None else percent_text(score))
    extended = number(source, "extendedness")
    if extended is not None:
        looks = "like a point" if extended < 0.5 else "extended"
        facts.add("extendedness", "Shape", extended, f"{looks} (extendedness {extended:.2f})")
    if first(source, "isDipole"):
        facts.add("is_dipole", "Dipole", True, "fits a dipole better: perhaps a misaligned template")
    raised = [name for name, value in source.items() if value is True and _is_flag(name)]
    facts.add("flags", "Flags raised", raised, ", ".join(raised) or "none")
    return facts.section("quality", "Real or bogus")


def _is_flag(name: str) -> bool:
    return "flag" in name.lower() or name in ("glint_trail",)


def _neighbours(record: Mapping[str, Any]) -> Section:
    facts = FactList()
    owner = record.get("diaObject")
    for rank in (1, 2, 3):
        name, distance = identifier(owner, f"nearbyObj{rank}"), number(owner, f"nearbyObj{rank}Dist")
        if name is not None and distance is not None:
            facts.add(
                f"object_{rank}",
                f"Object {rank}",
                {"id": name, "distance_arcsec": distance},
                f"{name}, {distance:.2f}″ away",
            )
    return facts.section("neighbours", "Catalogue sources near by")


def _solar_system(record: Mapping[str, Any]) -> Section:
    """Name and offset only: distances and predicted magnitudes of 2026 packets are known to be wrong."""
    facts = FactList()
    match = record.get("ssSource")
    facts.add("designation", "Known object", text(match, "designation"))
    offset = number(match, "ephOffset")
    facts.add_number("offset_arcsec", "From its ephemeris", offset, "{:.3f}″")
    for key, label, names in (
        ("elongation_deg", "Solar elongation", ("elongation",)),
        ("phase_angle_deg", "Phase angle", ("phaseAngle",)),
    ):
        value = number(match, *names)
        if value is not None and offset is not None:
            facts.add(key, label, value, f"{value:.1f}°")
    numbered = record.get("ssObject")
    first_seen = number(numbered, "firstObservationDate")
    if first_seen is not None and first_seen > 0:
        facts.add("first_observed_mjd_tai", "First observed", first_seen, Epoch(first_seen, "TAI").utc[:10])
    return facts.section("solar_system", "Solar system")


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value
