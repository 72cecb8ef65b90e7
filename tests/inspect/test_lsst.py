"""What LSST alerts tell a person: fluxes with their sign, times in TAI and UTC, absent identifiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.alerts.decode import decode_packet
from bridge.alerts.packet import Packet
from bridge.inspect.alert import report_alert
from bridge.inspect.report import Report

Look = Callable[[Report, str, str], Any]


def test_negative_flux_has_no_magnitude_and_positive_flux_has_one(
    fink_lsst: list[Report], fact: Look
) -> None:
    shown = fact(fink_lsst[0], "brightness", "difference_flux_njy")
    assert shown.value["value"] == -19549.39453125
    assert shown.text == "-19,549 ± 556 nJy (fainter than the template, no magnitude)"
    # 31.4 - 2.5 log10(191474) = 18.195
    assert "= 18.1947 ± 0.0032 mag (AB)" in fact(fink_lsst[0], "brightness", "science_flux_njy").text


def test_times_are_shown_in_tai_and_utc(fink_lsst: list[Report], fact: Look) -> None:
    time = pytest.importorskip("astropy.time").Time(61105.093643486834, format="mjd", scale="tai")
    assert fact(fink_lsst[0], "when", "utc").value == time.utc.isot + "Z"
    assert fact(fink_lsst[0], "when", "mjd_utc").value == pytest.approx(time.utc.mjd, abs=1e-8)


def test_history_counts_every_row(
    fink_lsst: list[Report], shared_data: Path, packets: Callable[[Path], list[Packet]], fact: Look
) -> None:
    found = packets(shared_data / "alerts" / "fink-lsst-2026-03.avro")
    for report, packet in zip(fink_lsst, found, strict=True):
        record = decode_packet(packet)
        curve = report.light_curve
        assert curve is not None
        assert curve.where("detection").sum() == 1 + len(record["prvDiaSources"] or ())
        assert curve.where("forced").sum() == len(record["prvDiaForcedSources"] or ())
    assert fact(fink_lsst[0], "history", "detections").value["bands"] == {"g": 79, "r": 85, "i": 100, "z": 82}
    assert "fading in i" in fact(fink_lsst[0], "history", "trend").text


def test_asteroid_is_named_and_its_wrong_distances_are_kept_back(fink_lsst: list[Report], fact: Look) -> None:
    asteroid = fink_lsst[4]
    assert asteroid.title == "Rubin/LSST 2004 JQ12, source 170094456480989258"
    assert fact(asteroid, "solar_system", "offset_arcsec").text == "0.030″"
    keys = {found.key for section in asteroid.sections for found in section.facts}
    assert "object_id" not in keys
    assert not {"topoRange", "ephVmag", "ephRate"} & keys


def test_fink_scores_that_mean_none_are_left_out(fink_lsst: list[Report], fact: Look) -> None:
    assert fact(fink_lsst[0], "fink", "cats_class").value == 11
    with pytest.raises(KeyError):
        fact(fink_lsst[0], "fink", "earlySNIa_score")
    with pytest.raises(KeyError):
        fact(fink_lsst[4], "fink", "cats_score")


def test_wire_format_packet_tells_the_same_story_as_finks(
    shared_data: Path, packets: Callable[[Path], list[Packet]], fink_lsst: list[Report], fact: Look
) -> None:
    path = shared_data / "alerts" / "lsst-v10.0-framed" / "170094456272322680.bin"
    plain = report_alert(packets(path)[0])
    assert plain.survey == "Rubin/LSST"
    assert fact(plain, "identity", "schema_version").value == "10.0"
    assert fact(plain, "identity", "framing").text == "Confluent wire format"
    ours, theirs = plain.light_curve, fink_lsst[0].light_curve
    assert ours is not None
    assert theirs is not None
    assert ours.value.tolist() == theirs.value.tolist()
    assert plain.position == fink_lsst[0].position


def test_cutouts_know_where_the_source_lies_and_how_large_a_pixel_is(fink_lsst: list[Report]) -> None:
    image = fink_lsst[0].cutouts[0].image
    assert image is not None
    assert image.source_xy == pytest.approx((14.8036, 14.35095), abs=1e-4)
    assert image.arcsec_per_pixel == pytest.approx(0.2, abs=0.001)


ELASTICC = {
    "type": "record", "name": "alert", "namespace": "elasticc.v0_9",
    "fields": [
        {"name": "alertId", "type": "long"},
        {"name": "diaSource", "type": {"type": "record", "name": "diaSource", "fields": [
            {"name": "diaSourceId", "type": "long"},
            {"name": "diaObjectId", "type": ["null", "long"]},
            {"name": "midPointTai", "type": "double"},
            {"name": "filterName", "type": "string"},
            {"name": "ra", "type": "double"},
            {"name": "decl", "type": "double"},
            {"name": "psFlux", "type": "float"},
            {"name": "psFluxErr", "type": "float"},
            {"name": "flag", "type": "boolean"},
        ]}},
        {"name": "prvDiaSources", "type": ["null", {"type": "array", "items": "elasticc.v0_9.diaSource"}]},
    ],
}  # fmt: skip


def test_names_of_old_schemas_are_understood(encode: Callable[..., Packet], fact: Look) -> None:
    source = {
        "diaSourceId": 5, "diaObjectId": 9, "midPointTai": 60000.0, "filterName": "r", "ra": 1.5,
        "decl": -30.0, "psFlux": 3631.0, "psFluxErr": 10.0, "flag": True,
    }  # fmt: skip
    old = {**source, "midPointTai": 59990.0, "psFlux": float("nan")}
    packet = encode(ELASTICC, {"alertId": 5, "diaSource": source, "prvDiaSources": [old, old]})
    report = report_alert(packet)
    assert report.survey == "LSST-like"
    assert report.position is not None
    assert report.position.dec_deg == -30.0
    assert fact(report, "brightness", "difference_flux_njy").text.startswith(
        "3,631 ± 10 nJy = 22.4999 ± 0.0030 mag"
    )
    assert fact(report, "quality", "flags").value == ["flag"]
    assert report.light_curve is not None
    assert len(report.light_curve) == 1
