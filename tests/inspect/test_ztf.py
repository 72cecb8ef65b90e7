"""What a ZTF alert tells a person, held against the alert itself."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Packet
from bridge.inspect.alert import report_alert
from bridge.inspect.report import Report

Look = Callable[[Report, str, str], Any]


def test_alert_says_what_where_and_when(supernova: Report, fact: Look) -> None:
    assert supernova.title == "ZTF ZTF19acihgng, candidate 1060135832015015002"
    assert supernova.survey == "ZTF"
    assert fact(supernova, "where", "sexagesimal").text == "19:19:34.502  +61:50:48.94"
    assert fact(supernova, "when", "utc").text == "2019-11-27T03:15:35.997Z (exposure start)"
    assert fact(supernova, "when", "mid_exposure_utc").value == "2019-11-27T03:15:50.997Z"
    assert fact(supernova, "identity", "program").text == "1 (public)"


def test_light_curve_has_every_detection_and_limit(
    supernova: Report, shared_data: Path, packets: Callable[[Path], list[Packet]]
) -> None:
    record = decode_packet(packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")[0])
    earlier = record["prv_candidates"]
    curve = supernova.light_curve
    assert curve is not None
    assert curve.where("detection").sum() == 1 + sum(row["magpsf"] is not None for row in earlier)
    assert curve.where("limit").sum() == sum(row["magpsf"] is None for row in earlier)
    assert curve.current is not None
    assert curve.value[curve.current] == record["candidate"]["magpsf"]
    assert curve.reference_mjd == record["candidate"]["jd"] - 2_400_000.5
    assert curve.bands == ("g", "r")
    assert (np.diff(curve.mjd) >= 0).all()


def test_supernova_is_seen_to_fade(supernova: Report, fact: Look) -> None:
    trend = fact(supernova, "history", "trend")
    assert trend.text.startswith("fading in r: 0.049")
    assert trend.value["points"] == 4
    brightest = fact(supernova, "history", "brightest")
    assert brightest.value["band"] == "g"
    assert brightest.value["value"] == pytest.approx(17.74, abs=0.01)


def test_negative_difference_is_subtracted_from_the_reference(fading_star: Report, fact: Look) -> None:
    assert fact(fading_star, "brightness", "brighter_than_reference").value is False
    # 14.319 mag in the reference less a difference of 15.371 mag.
    expected = -2.5 * math.log10(10 ** (-0.4 * 14.319) - 10 ** (-0.4 * 15.3711))
    assert fact(fading_star, "brightness", "total_magnitude").value == pytest.approx(expected, abs=1e-3)
    assert fading_star.cutouts[2].label == "difference (template − science)"
    assert fading_star.light_curve is not None
    assert fading_star.light_curve.fainter.sum() == 20


def test_absent_solar_system_match_is_not_shown(supernova: Report) -> None:
    assert "solar_system" not in {section.key for section in supernova.sections}


def test_asteroid_and_finks_verdict_are_shown(
    shared_data: Path, packets: Callable[[Path], list[Packet]], fact: Look
) -> None:
    reports = [report_alert(p) for p in packets(shared_data / "alerts" / "fink-ztf-2019-11.avro")]
    assert len(reports) == 11
    assert fact(reports[0], "solar_system", "nearest").text == "6281, 0″ away, V 18.7 mag"
    assert fact(reports[6], "fink", "cdsxmatch").value == "EB*"
    assert {report.survey for report in reports} == {"Fink/ZTF"}
    assert all(len(report.cutouts) == 3 and report.cutouts[0].image for report in reports)


ZTF_4 = {
    "type": "record",
    "name": "alert",
    "namespace": "ztf",
    "fields": [
        {"name": "schemavsn", "type": "string"},
        {"name": "objectId", "type": "string"},
        {"name": "candid", "type": "long"},
        {
            "name": "candidate",
            "type": {
                "type": "record",
                "name": "candidate",
                "fields": [
                    {"name": "jd", "type": "double"},
                    {"name": "fid", "type": "int"},
                    {"name": "ra", "type": "double"},
                    {"name": "dec", "type": "double"},
                    {"name": "magpsf", "type": "float"},
                    {"name": "sigmapsf", "type": "float"},
                    {"name": "isdiffpos", "type": "string"},
                ],
            },
        },
        {
            "name": "fp_hists",
            "type": [
                "null",
                {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "fp_hist",
                        "fields": [
                            {"name": "jd", "type": "double"},
                            {"name": "fid", "type": "int"},
                            {"name": "forcediffimflux", "type": ["null", "float"]},
                            {"name": "forcediffimfluxunc", "type": ["null", "float"]},
                            {"name": "magzpsci", "type": ["null", "float"]},
                        ],
                    },
                },
            ],
        },
        {"name": "cutoutScience", "type": ["null", "bytes"]},
    ],
}
CANDIDATE = {
    "jd": 2460000.5, "fid": 1, "ra": 10.0, "dec": -5.0, "magpsf": 18.0, "sigmapsf": 0.1, "isdiffpos": "1",
}  # fmt: skip


def test_forced_flux_becomes_a_magnitude_when_significant(encode: Callable[..., Packet], fact: Look) -> None:
    row = {"jd": 2459999.5, "fid": 2, "magzpsci": 26.0}
    fluxes = [(1000.0, 100.0), (200.0, 100.0), (-1000.0, 100.0), (-99999.0, -99999.0), (None, None)]
    packet = encode(
        ZTF_4,
        {
            "schemavsn": "4.02",
            "objectId": "ZTF1",
            "candid": 7,
            "candidate": CANDIDATE,
            "fp_hists": [{**row, "forcediffimflux": f, "forcediffimfluxunc": e} for f, e in fluxes],
            "cutoutScience": None,
        },
    )
    curve = report_alert(packet).light_curve
    assert curve is not None
    forced = curve.where("forced")
    assert curve.value[forced] == pytest.approx([18.5, 18.5])
    assert curve.fainter[forced].tolist() == [False, True]
    assert curve.error[forced] == pytest.approx([0.10857, 0.10857], abs=1e-4)


def test_damaged_cutout_costs_the_cutout_and_not_the_report(encode: Callable[..., Packet]) -> None:
    for data, reason in (
        (b"not FITS at all", "the cutout is not a FITS file"),
        (gzip.compress(b"SIMPLE  =                    T", mtime=0)[:-12], "gzip data are damaged"),
        (gzip.compress(b"SIMPLE  =                    T", mtime=0), "header has no end"),
    ):
        record = {
            "schemavsn": "4.02", "objectId": "ZTF1", "candid": 7, "candidate": CANDIDATE, "fp_hists": None,
            "cutoutScience": data,
        }  # fmt: skip
        report = report_alert(encode(ZTF_4, record))
        assert report.cutouts[0].image is None
        assert reason in report.cutouts[0].problem
        assert report.light_curve is not None
        assert len(report.light_curve) == 1
