"""Alerts of schemas that nobody has seen before: found by names, listed in full, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.alerts.packet import Packet
from bridge.errors import PacketError
from bridge.inspect.alert import report_alert
from bridge.inspect.report import Report
from bridge.inspect.terminal import render_report

Look = Callable[[Report, str, str], Any]


def schema_of(name: str, part: str, fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    inner = {
        "type": "record",
        "name": part,
        "fields": [{"name": name, "type": kind} for name, kind in fields.items()],
    }
    top = [{"name": name, "type": kind} for name, kind in more.items()]
    return {"type": "record", "name": name, "fields": [*top, {"name": part, "type": inner}]}


def test_decam_style_alert_is_placed_timed_and_measured(encode: Callable[..., Packet], fact: Look) -> None:
    schema = schema_of(
        "desirt", "candidate",
        {"mjd": "double", "band": "string", "ra": "double", "dec": "double", "psfFlux": "float",
         "psfFluxErr": "float", "reliability": ["null", "double"]},
        publisher="string", objectId="string", note=["null", "string"], pixels="bytes",
    )  # fmt: skip
    record = {
        "publisher": "DESIRT", "objectId": "A202", "note": "n" * 200, "pixels": b"1234",
        "candidate": {"mjd": 60000.25, "band": "g", "ra": 30.0, "dec": -4.0, "psfFlux": 3631.0,
                      "psfFluxErr": 20.0, "reliability": None},
    }  # fmt: skip
    report = report_alert(encode(schema, record))
    assert report.survey == "DESIRT"
    assert fact(report, "when", "utc").value == "2023-02-25T06:00:00.000Z"
    assert fact(report, "brightness", "flux_njy").text.endswith("= 22.50 mag (AB), if it is in nanojansky")
    assert fact(report, "fields", "candidate.band").value == "g"
    assert fact(report, "fields", "pixels").text == "4 bytes"
    assert len(fact(report, "fields", "note").text) == 60
    assert "not one that inspect knows" in render_report(report)


@pytest.mark.parametrize(
    "record",
    [
        {"ra": float("nan"), "dec": 91.0, "mjd": 1e300},
        {"ra": -999.0, "dec": 10.0, "mjd": 0.0},
        {"ra": 10.0, "dec": 10.0, "mjd": float("inf")},
    ],
)
def test_nonsense_is_passed_over(record: dict[str, float], encode: Callable[..., Packet]) -> None:
    report = report_alert(
        encode(schema_of("x", "source", dict.fromkeys(record, "double")), {"source": record})
    )
    keys = {section.key for section in report.sections}
    assert "fields" in keys
    assert "when" not in keys
    assert "All fields" in render_report(report)


@pytest.mark.parametrize("field", ["jd", "ra", "dec"])
def test_survey_alert_with_a_broken_number_falls_back_to_its_fields(
    field: str, encode: Callable[..., Packet]
) -> None:
    values = {"jd": 2460000.5, "ra": 10.0, "dec": 10.0, "magpsf": 18.0, field: float("nan")}
    schema = schema_of("alert", "candidate", dict.fromkeys(values, "double"))
    report = report_alert(encode(schema, {"candidate": values}))
    assert report.notes
    assert report.survey == "unknown survey"


def test_datum_that_is_no_record_is_refused(encode: Callable[..., Packet]) -> None:
    with pytest.raises(PacketError, match="not a record"):
        report_alert(encode({"type": "array", "items": "long"}, [1, 2, 3]))  # type: ignore[arg-type]


def test_history_of_an_unknown_schema_is_drawn(encode: Callable[..., Packet]) -> None:
    point = {
        "type": "record", "name": "point",
        "fields": [{"name": "mjd", "type": "double"}, {"name": "mag", "type": "float"},
                   {"name": "band", "type": "string"}],
    }  # fmt: skip
    schema = {
        "type": "record", "name": "note",
        "fields": [{"name": "source", "type": point},
                   {"name": "history", "type": {"type": "array", "items": "point"}}],
    }  # fmt: skip
    record = {
        "source": {"mjd": 60010.0, "mag": 17.0, "band": "B"},
        "history": [{"mjd": 60000.0 + i, "mag": 18.0 - i / 10, "band": "B"} for i in range(5)],
    }
    curve = report_alert(encode(schema, record)).light_curve
    assert curve is not None
    assert len(curve) == 6
    assert curve.current == 5
