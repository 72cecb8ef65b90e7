"""What must go when a packet is too large: cutouts, then the oldest rows of the last table, with a note."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.errors import PacketError
from bridge.mapping import TranslateOptions, choose_mapping, compile_translator
from bridge.validate import validate
from bridge.voevent.event import Event

DATE = "2026-11-20T00:00:00"


def translate(alert: Any, **options: Any) -> Event:
    schema = alert.packet.schema
    return compile_translator(choose_mapping(schema), schema, TranslateOptions(**options))(
        alert.packet, date=DATE
    )


def rows(event: Event, table: str) -> list[list[str]]:
    found = etree.fromstring(event.xml).findall(f"What/Table[@name='{table}']/Data/TR")
    return [[td.text or "" for td in tr] for tr in found]


def test_forced_photometry_goes_before_any_detection(lsst_alerts: Any) -> None:
    alert = max(lsst_alerts, key=lambda a: len(a.packet.data))
    whole, small = translate(alert, max_bytes=300_000), translate(alert, max_bytes=80_000)

    assert not whole.shed
    assert rows(small, "detections") == rows(whole, "detections")
    assert 0 < len(rows(small, "forced_photometry")) < len(rows(whole, "forced_photometry"))
    assert "forced_photometry" in small.shed[0]


def test_the_oldest_rows_go_and_the_newest_stay(lsst_alerts: Any) -> None:
    alert = max(lsst_alerts, key=lambda a: len(a.packet.data))
    whole, small = translate(alert, max_bytes=300_000), translate(alert, max_bytes=40_000)
    kept = rows(small, "detections")

    assert rows(small, "forced_photometry") == []
    assert kept == rows(whole, "detections")[-len(kept) :]
    gone = len(rows(whole, "detections")) - len(kept)
    assert f"The oldest {gone} of {len(rows(whole, 'detections'))} rows of detections" in small.shed[-1]


def test_no_more_goes_than_must(lsst_alerts: Any) -> None:
    for limit in (99_999, 60_000, 40_000, 20_000):
        event = translate(max(lsst_alerts, key=lambda a: len(a.packet.data)), max_bytes=limit)

        assert limit - 400 < len(event.xml) <= limit


def test_cutouts_go_before_rows_and_the_difference_image_last(ztf_alerts: Any) -> None:
    event = translate(ztf_alerts[0], cutouts="embed", max_bytes=45_000)
    names = [p.get("name") for p in etree.fromstring(event.xml).findall("What/Param")]

    assert names == ["cutoutDifference"]
    assert [sentence.split()[1] for sentence in event.shed] == ["cutoutTemplate", "cutoutScience"]
    assert len(rows(event, "detections")) == len(rows(translate(ztf_alerts[0]), "detections"))


def test_embedded_cutouts_are_the_alert_s_bytes(ztf_alerts: Any) -> None:
    alert = ztf_alerts[0]
    root = etree.fromstring(translate(alert, cutouts="embed").xml)
    for name in ("cutoutDifference", "cutoutScience", "cutoutTemplate"):
        text = root.findtext(f"What/Param[@name='{name}']/Value")
        assert base64.b64decode(text or "") == alert.record[name]["stampData"]


def test_cutouts_are_written_to_a_folder_and_referenced(ztf_alerts: Any, tmp_path: Path) -> None:
    alert = ztf_alerts[0]
    event = translate(alert, cutouts=tmp_path / "stamps")
    uris = [r.get("uri") for r in etree.fromstring(event.xml).findall("What/Reference[@mimetype]")]
    files = [Path(uri.removeprefix("file://")) for uri in uris]

    assert [file.read_bytes() for file in files] == [
        alert.record[name]["stampData"] for name in ("cutoutDifference", "cutoutScience", "cutoutTemplate")
    ]
    assert validate(event.xml).findings == ()


def test_cutouts_are_referenced_by_url(ztf_alerts: Any) -> None:
    event = translate(ztf_alerts[0], cutouts="https://example.org/{id}/{name}.fits.gz")

    assert f"https://example.org/{ztf_alerts[0].record['candid']}/cutoutScience.fits.gz".encode() in event.xml
    assert validate(event.xml).findings == ()


@pytest.mark.parametrize("kept", [0, 1, 5, 1000])
def test_history_of_n_keeps_the_newest_n_and_the_detection_itself(ztf_alerts: Any, kept: int) -> None:
    for alert in ztf_alerts:
        whole = rows(translate(alert), "detections")
        assert rows(translate(alert, history=kept), "detections") == whole[-(kept + 1) :]


def test_history_none_leaves_the_tables_out(lsst_alerts: Any) -> None:
    event = translate(lsst_alerts[0], history="none")

    assert b"<Table" not in event.xml
    assert validate(event.xml).findings == ()


def test_a_limit_that_nothing_fits_costs_the_packet_and_says_why(ztf_alerts: Any) -> None:
    with pytest.raises(PacketError, match="without history and cutouts, and 4000 are allowed"):
        translate(ztf_alerts[0], max_bytes=4000)


def test_rows_out_of_order_are_dropped_by_age_not_by_place(ztf_alerts: Any, make_alert: Any) -> None:
    source = max(ztf_alerts, key=lambda a: len(a.record["prv_candidates"]))
    record = dict(source.record)
    record["prv_candidates"] = record["prv_candidates"][::-1]
    alert = make_alert(source.packet.schema, record)
    forward, backward = translate(source, history=4), translate(alert, history=4)

    assert rows(backward, "detections")[:-1] == rows(forward, "detections")[:-1][::-1]
