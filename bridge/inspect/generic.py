"""An alert of a schema that no view knows: identity by well-known names, and every field that it has.

Names are looked up at the top level and in the record that surveys put the detection into.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from bridge.errors import PacketError
from bridge.inspect.common import collect_cutouts, position_section, when_section
from bridge.inspect.curve import LightCurve, Point
from bridge.inspect.epochs import Epoch, jd_to_mjd
from bridge.inspect.history import add_history
from bridge.inspect.report import FactList, Position, Report, Section
from bridge.inspect.values import ab_magnitude, first, identifier, number, number_text, plus_minus, text
from bridge.wording import counted

__all__ = ["field_facts", "view_generic"]

DETECTION_PARTS = ("candidate", "diaSource", "detection", "source", "event")
ALERT_ID = ("candid", "alertId", "alert_id", "diaSourceId", "id")
OBJECT_ID = ("objectId", "objectid", "object_id", "diaObjectId", "oid", "superevent_id", "name")
RA, DEC = ("ra", "RA", "raDeg", "ra_deg"), ("dec", "decl", "Dec", "DEC", "decDeg", "dec_deg")
MJD_UTC = ("mjd", "MJD", "mjd_utc")
MJD_TAI = ("midpointMjdTai", "midPointTai")
MAGNITUDE, MAGNITUDE_ERROR = ("magpsf", "mag"), ("sigmapsf", "magerr", "mag_err", "e_mag")
FLUX, FLUX_ERROR = ("psfFlux", "psFlux"), ("psfFluxErr", "psFluxErr")
BAND = ("band", "filter", "filterName")
SCORE = ("drb", "rb", "reliability", "score")
HISTORY = ("prv_candidates", "prvDiaSources", "fp_hists", "history")
LONGEST_TEXT = 60


def view_generic(record: Mapping[str, Any], identity: FactList) -> Report:
    """Report on an alert of an unknown schema.

    Parameters
    ----------
    record
        The alert as fastavro decodes it (a record).
    identity
        What is known of the packet itself; the alert's names are added.
    """
    part: Mapping[str, Any] = next(
        (record[name] for name in DETECTION_PARTS if isinstance(record.get(name), Mapping)), {}
    )
    both = {**record, **{name: value for name, value in part.items() if value is not None}}
    alert_id, object_id = identifier(both, *ALERT_ID), identifier(both, *OBJECT_ID)
    identity.add("alert_id", "Alert", alert_id)
    identity.add("object_id", "Object", object_id)
    identity.add("publisher", "Publisher", text(record, "publisher"))
    ra, dec = number(both, *RA), number(both, *DEC)
    position = Position(ra, dec) if ra is not None and dec is not None and abs(dec) <= 90 else None
    rows: list[Any] = next((record[name] for name in HISTORY if isinstance(record.get(name), list)), [])
    curve = _curve(both, [row for row in rows if isinstance(row, Mapping)])
    history = FactList()
    add_history(history, curve)
    sections = (
        identity.section("identity", "Alert"),
        position_section(position) if position else Section("where", "Where", ()),
        _when(both),
        _brightness(both),
        history.section("history", "History"),
        Section("fields", "All fields", tuple(field_facts(record))),
    )
    return Report(
        kind="alert",
        survey=text(record, "publisher") or "unknown survey",
        title=f"Alert {object_id or ''} {alert_id or ''}".strip(),
        sections=tuple(section for section in sections if section.facts),
        position=position,
        light_curve=curve,
        cutouts=collect_cutouts(record, None),
        notes=(
            "This schema is not one that inspect knows: what is shown was found by well-known field names.",
        ),
    )


def field_facts(value: Any, path: str = "") -> Iterator[Any]:
    """Every scalar of a decoded alert as a fact named by its dotted path; arrays and bytes by their size."""
    facts = FactList()
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from field_facts(inner, f"{path}.{name}" if path else name)
        return
    if isinstance(value, (bytes, bytearray)):
        facts.add(path, path, {"bytes": len(value)}, counted(len(value), "byte"))
    elif isinstance(value, list):
        facts.add(path, path, {"elements": len(value)}, f"{len(value):,} elements")
    elif isinstance(value, float):
        facts.add(path, path, value, number_text(value, 9) if math.isfinite(value) else str(value))
    elif value is not None:
        shown = str(value)
        facts.add(path, path, value, shown if len(shown) <= LONGEST_TEXT else f"{shown[: LONGEST_TEXT - 1]}…")
    yield from facts.section("", "").facts


def _time(record: Mapping[str, Any]) -> Epoch | None:
    jd, mjd, tai = number(record, "jd"), number(record, *MJD_UTC), number(record, *MJD_TAI)
    epoch = None
    if tai is not None:
        epoch = Epoch(tai, "TAI")
    elif jd is not None:
        epoch = Epoch(jd_to_mjd(jd), "UTC")
    elif mjd is not None:
        epoch = Epoch(mjd, "UTC")
    if epoch is None:
        return None
    try:
        _ = epoch.utc
    except PacketError:
        return None
    return epoch


def _when(record: Mapping[str, Any]) -> Section:
    epoch = _time(record)
    if epoch is None:
        return Section("when", "When", ())
    note = "if the field is in UTC" if epoch.scale == "UTC" else ""
    return when_section(epoch, note).section("when", "When")


def _brightness(record: Mapping[str, Any]) -> Section:
    facts = FactList()
    facts.add("band", "Band", text(record, *BAND))
    magnitude, flux = number(record, *MAGNITUDE), number(record, *FLUX)
    if magnitude is not None:
        shown = plus_minus(magnitude, number(record, *MAGNITUDE_ERROR))
        facts.add("magnitude", "Magnitude", magnitude, f"{shown} mag")
    if flux is not None:
        shown = f"{plus_minus(flux, number(record, *FLUX_ERROR))} nJy"
        if flux > 0:
            shown += f" = {ab_magnitude(flux)[0]:.2f} mag (AB)"
        facts.add("flux_njy", "Flux", flux, f"{shown}, if it is in nanojansky")
    score = number(record, *SCORE)
    facts.add_number("score", "Score", score, "{:.3f}")
    return facts.section("brightness", "Brightness")


def _curve(now: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> LightCurve | None:
    by_magnitude = number(now, *MAGNITUDE) is not None
    names, errors = (MAGNITUDE, MAGNITUDE_ERROR) if by_magnitude else (FLUX, FLUX_ERROR)
    points = []
    scale = ""
    for row in (now, *rows):
        epoch, value = _time(row), number(row, *names)
        if epoch is None or value is None:
            continue
        scale = scale or epoch.scale
        error = number(row, *errors)
        points.append(
            Point(
                mjd=epoch.mjd,
                value=value,
                error=math.nan if error is None else error,
                band=text(row, *BAND) or str(first(row, "fid") or "?"),
                role="detection",
                current=row is now,
            )
        )
    quantity, unit = ("magnitude", "mag") if by_magnitude else ("flux", "nJy")
    return LightCurve.from_points(points, quantity=quantity, unit=unit, scale=scale)
