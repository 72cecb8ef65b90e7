"""A report as one JSON document, for programs: every fact, the whole light curve, what cutouts measure."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson

from bridge.inspect.curve import LightCurve
from bridge.inspect.report import Cutout, Report, Table

__all__ = ["report_json", "report_value"]


def report_json(report: Report) -> bytes:
    """The report as indented UTF-8 JSON; what is not a finite number is null."""
    return orjson.dumps(
        report_value(report), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=str
    )


def report_value(report: Report) -> dict[str, Any]:
    """The report as a dict: `kind`, `survey`, `title`, a dict for each section, and the parts that it has.

    Facts of the same key in one section (Params of one name) become a list.
    """
    value: dict[str, Any] = {"kind": report.kind, "survey": report.survey, "title": report.title}
    for section in report.sections:
        facts: dict[str, Any] = value.setdefault(section.key, {})
        repeated: set[str] = set()
        for fact in section.facts:
            if fact.key not in facts:
                facts[fact.key] = fact.value
            elif fact.key in repeated:
                facts[fact.key].append(fact.value)
            else:
                repeated.add(fact.key)
                facts[fact.key] = [facts[fact.key], fact.value]
    if report.light_curve is not None:
        value["light_curve"] = _curve(report.light_curve)
    if report.tables:
        value["tables"] = [_table(table) for table in report.tables]
    if report.cutouts:
        value["cutouts"] = [_cutout(cutout) for cutout in report.cutouts]
    if report.notes:
        value["notes"] = list(report.notes)
    return value


def _curve(curve: LightCurve) -> dict[str, Any]:
    return {
        "quantity": curve.quantity,
        "unit": curve.unit,
        "time_scale": curve.scale or None,
        "reference_mjd": curve.reference_mjd,
        "current": curve.current,
        "mjd": curve.mjd.tolist(),
        "value": curve.value.tolist(),
        "error": curve.error.tolist(),
        "band": list(curve.band),
        "role": list(curve.role),
        "fainter": curve.fainter.tolist(),
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "description": table.description,
        "columns": list(table.columns),
        "rows": [list(row) for row in table.rows],
    }


def _cutout(cutout: Cutout) -> dict[str, Any]:
    image = cutout.image
    if image is None:
        return {"name": cutout.name, "problem": cutout.problem}
    finite = image.pixels[np.isfinite(image.pixels)]
    rows, columns = image.pixels.shape
    return {
        "name": cutout.name,
        "sense": cutout.sense or None,
        "columns": columns,
        "rows": rows,
        "unit": image.unit or None,
        "arcsec_per_pixel": image.arcsec_per_pixel or cutout.arcsec_per_pixel,
        "source_x": image.source_xy[0],
        "source_y": image.source_xy[1],
        "minimum": float(finite.min()) if finite.size else None,
        "median": float(np.median(finite)) if finite.size else None,
        "maximum": float(finite.max()) if finite.size else None,
        "missing_pixels": image.pixels.size - finite.size,
    }
