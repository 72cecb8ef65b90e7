"""VOEvents of every version for a person, real ones first, and light curves found in their tables."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.alerts.archive import read_path
from bridge.alerts.packet import Document, Origin, Packet
from bridge.alerts.store import SchemaStore
from bridge.errors import PacketError
from bridge.inspect.alert import report_alert
from bridge.inspect.report import Report
from bridge.inspect.terminal import render_report
from bridge.inspect.voevent import report_voevent
from bridge.mapping import TranslateOptions, choose_mapping, compile_translator
from bridge.voevent.headline import read_headline

Look = Callable[[Report, str, str], Any]


def report_of(xml: str) -> Report:
    return report_voevent(Document(xml.encode(), "voevent", Origin("made.xml", 0)))


def test_every_real_event_of_the_archive_can_be_shown(shared_data: Path, store: SchemaStore) -> None:
    path = shared_data / "voevents" / "sample-2014-2016.tar.gz"
    shown = placed = 0
    for number, item in enumerate(read_path(path, store)):
        if number % 7:
            continue
        assert isinstance(item, Document)
        report = report_voevent(item)
        assert report.title.startswith("VOEvent ivo://")
        shown += 1
        placed += report.position is not None
        if number % 70 == 0:
            assert report.title in render_report(report)
    assert shown == 489
    # Nearly all of them have coordinates; spacecraft's status reports need not.
    assert placed > 0.9 * shown


def test_version_one_packets_keep_their_place_in_another_namespace(fact: Look) -> None:
    report = report_of("""<?xml version="1.0"?>
    <voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v1.1" version="1.1" role="test"
        ivorn="ivo://nasa.gsfc.gcn/SWIFT#1">
      <WhereWhen><ObsDataLocation xmlns="http://www.ivoa.net/xml/STC/stc-v1.30.xsd">
        <ObservatoryLocation id="GEOLUN"/><ObservationLocation><AstroCoordSystem id="UTC-FK5-GEO"/>
        <AstroCoords coord_system_id="UTC-FK5-GEO"><Time unit="s"><TimeInstant>
        <ISOTime>2014-04-01T12:00:00</ISOTime></TimeInstant></Time>
        <Position2D unit="deg"><Value2><C1>10.5</C1><C2>-20.25</C2></Value2>
        <Error2Radius>0.05</Error2Radius></Position2D></AstroCoords></ObservationLocation>
      </ObsDataLocation></WhereWhen></voe:VOEvent>""")
    assert fact(report, "where", "ra_deg").text == "10.5  -20.25 deg (FK5)"
    assert fact(report, "where", "error_deg").text == "3′"
    assert fact(report, "when", "time").text == "2014-04-01T12:00:00 (UTC)"
    assert fact(report, "when", "mjd").value == 56748.5
    assert report.notes == ("This is a test: it describes no real event.",)


def test_example_of_version_2_1_is_told_in_full(shared_data: Path, store: SchemaStore, fact: Look) -> None:
    (item,) = read_path(shared_data / "voevents" / "voevent-2.1-example-1.xml", store)
    assert isinstance(item, Document)
    report = report_voevent(item)
    assert fact(report, "why", "inferences").text == "NGC0931, associated, probability 0.99"
    assert fact(report, "citations", "events").value["cite"] == "followup"
    assert fact(report, "group magnitude", "mag").value["value"] == "19.5"
    assert report.tables[0].columns[:2] == ("(m-M) [mag]", "err(m-M) [mag]")
    assert report.tables[0].rows[2] == ("33.51", "0.48", "50.4", "2009ApJS..182..474S")
    assert report.light_curve is None


CURVE = """<VOEvent xmlns="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://org/x#1" role="observation">
  <What>
    <Param name="flag"><Value>three &amp; four</Value></Param>
    <Table name="light curve"><Field name="mjd" ucd="time.epoch" unit="d"/>
      <Field name="filter"/><Field name="mag" ucd="phot.mag" unit="mag"/>
      <Field name="mag_err" ucd="stat.error;phot.mag" unit="mag"/>
      <Data><TR><TD>60000.0</TD><TD>g</TD><TD>19.5</TD><TD>0.1</TD></TR>
            <TR><TD>60001.0</TD><TD>r</TD><TD>19.0</TD><TD></TD></TR>
            <TR><TD>60002.5</TD><TD>r</TD><TD></TD><TD></TD></TR></Data></Table>
    <Table name="upper limits"><Field name="jd" ucd="time.epoch"/><Field name="filter"/>
      <Field name="limit" ucd="phot.mag" unit="mag"/>
      <Data><TR><TD>2459999.5</TD><TD>g</TD><TD>20.5</TD></TR></Data></Table>
    <Table name="other"><Field name="a"/><Field name="b"/><Data><TR><TD>1</TD><TD>2</TD></TR></Data></Table>
  </What>
  <WhereWhen><ObsDataLocation><ObservatoryLocation id="P48"/><ObservationLocation>
    <AstroCoordSystem id="UTC-ICRS-TOPO"/><AstroCoords coord_system_id="UTC-ICRS-TOPO"><Time><TimeInstant>
    <ISOTime>2023-02-26T00:00:00</ISOTime></TimeInstant></Time></AstroCoords></ObservationLocation>
  </ObsDataLocation></WhereWhen></VOEvent>"""


def test_tables_with_a_time_and_a_magnitude_become_a_light_curve(fact: Look) -> None:
    report = report_of(CURVE)
    curve = report.light_curve
    assert curve is not None
    assert curve.mjd.tolist() == [59999.0, 60000.0, 60001.0]
    assert curve.role == ("limit", "detection", "detection")
    assert curve.unit == "mag"
    assert curve.current == 2
    assert len(report.tables) == 3
    assert fact(report, "what", "flag").text == "three & four"
    assert "▽ upper limit" in render_report(report)


@pytest.mark.parametrize(
    ("xml", "reason"),
    [
        ("<VOEvent><What>", "not well-formed XML"),
        ("<html/>", "root element is 'html'"),
        ("", "not well-formed XML"),
    ],
)
def test_what_is_no_voevent_is_named(xml: str, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        report_of(xml)


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("do not tell")
    xml = f"""<?xml version="1.0"?><!DOCTYPE VOEvent [<!ENTITY x SYSTEM "file://{secret}">]>
    <VOEvent ivorn="ivo://org/x#1"><Who><AuthorIVORN>&x;</AuthorIVORN></Who></VOEvent>"""
    assert "do not tell" not in render_report(report_of(xml))


@pytest.mark.parametrize(("unit", "degrees_each"), [("rad", math.degrees(1)), ("deg", 1), ("pixel", None)])
def test_a_position_is_shown_in_degrees_whatever_its_unit(unit: str, degrees_each: float | None) -> None:
    where = (
        f'<Position2D unit="{unit}"><Value2><C1>1.5</C1><C2>-0.5</C2></Value2>'
        "<Error2Radius>0.01</Error2Radius></Position2D>"
    )
    xml = (
        '<VOEvent ivorn="ivo://org/x#1"><WhereWhen><ObsDataLocation><ObservationLocation><AstroCoords>'
        f"{where}</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen></VOEvent>"
    )
    position, headline = report_of(xml).position, read_headline(xml.encode())
    if degrees_each is None:
        assert (position, headline.ra_deg, headline.dec_deg) == (None, None, None)
        return
    assert position is not None
    found = (position.ra_deg, position.dec_deg, position.error_deg)
    assert found == pytest.approx((1.5 * degrees_each, -0.5 * degrees_each, 0.01 * degrees_each))
    assert (headline.ra_deg, headline.dec_deg) == found[:2]


def test_empty_event_is_shown_as_it_is(fact: Look) -> None:
    report = report_of("<VOEvent/>")
    assert report.title == "VOEvent without IVORN"
    assert report.position is None
    assert fact(report, "identity", "role").value == "observation"


@pytest.mark.parametrize(
    "name",
    ["ztf-ZTF19acihgng.avro", "ztf-739260766315010006.avro", "lsst-v10.0-framed/170094456272322680.bin"],
)
def test_translated_alert_shows_the_light_curve_of_the_alert(
    name: str, shared_data: Path, packets: Callable[[Path], list[Packet]]
) -> None:
    (packet,) = packets(shared_data / "alerts" / name)
    translate = compile_translator(choose_mapping(packet.schema), packet.schema)
    event = translate(packet, date="2026-03-06T03:00:00")
    theirs = report_alert(packet)
    ours = report_voevent(Document(event.xml, "voevent", packet.origin))
    assert ours.light_curve is not None
    assert theirs.light_curve is not None
    assert ours.light_curve.role == theirs.light_curve.role
    assert ours.light_curve.band == theirs.light_curve.band
    assert ours.light_curve.current == theirs.light_curve.current
    assert ours.light_curve.scale in ("", theirs.light_curve.scale)
    np.testing.assert_allclose(ours.light_curve.value, theirs.light_curve.value, rtol=1e-6)
    np.testing.assert_array_equal(ours.light_curve.fainter, theirs.light_curve.fainter)
    assert ours.position is not None
    assert ours.position.ra_deg == theirs.position.ra_deg  # type: ignore[union-attr]


def test_embedded_cutouts_come_out_pixel_by_pixel(
    shared_data: Path, packets: Callable[[Path], list[Packet]], supernova: Report
) -> None:
    (packet,) = packets(shared_data / "alerts" / "ztf-ZTF19acihgng.avro")
    options = TranslateOptions(cutouts="embed")
    event = compile_translator(choose_mapping(packet.schema), packet.schema, options)(
        packet, date="2026-03-06T03:00:00"
    )
    report = report_voevent(Document(event.xml, "voevent", packet.origin))
    assert [cutout.name for cutout in report.cutouts] == ["science", "template", "difference"]
    for ours, theirs in zip(report.cutouts, supernova.cutouts, strict=True):
        np.testing.assert_array_equal(ours.image.pixels, theirs.image.pixels)  # type: ignore[union-attr]


def test_param_that_only_sounds_like_a_cutout_is_left_alone() -> None:
    report = report_of('<VOEvent><What><Param name="cutoutScience" value="see web page!"/></What></VOEvent>')
    assert report.cutouts == ()
