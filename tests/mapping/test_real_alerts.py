"""Every real alert there is, through its mapping: nothing lost, nothing shifted, taken by the peers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from astropy.time import Time, TimeDelta
from comet.utility.voevent import parse_ivoid
from comet.utility.xml import xml_document
from lxml import etree

from bridge.alerts.packet import Packet
from bridge.mapping import TranslateOptions, choose_mapping, compile_translator
from bridge.validate import validate
from bridge.voevent.event import Event
from bridge.voevent.ids import is_safe

DATE = "2026-11-20T00:00:00"


def translate(packet: Packet, **options: Any) -> Event:
    mapping = choose_mapping(packet.schema)
    return compile_translator(mapping, packet.schema, TranslateOptions(**options))(packet, date=DATE)


def test_every_alert_finds_the_mapping_of_its_survey(
    ztf_alerts: Any, fink_ztf_alerts: Any, fink_lsst_alerts: Any, lsst_alerts: Any
) -> None:
    keys = [
        {choose_mapping(alert.packet.schema).key for alert in alerts}
        for alerts in (ztf_alerts, fink_ztf_alerts, fink_lsst_alerts, lsst_alerts)
    ]

    assert keys == [{"ztf"}, {"fink-ztf"}, {"fink-lsst"}, {"lsst"}]


def test_every_param_and_every_cell_is_the_value_that_fastavro_decodes(real_alerts: Any, judge: Any) -> None:
    params = cells = 0
    for alert in real_alerts:
        schema = alert.packet.schema
        seen = judge(translate(alert.packet).xml, alert.record, choose_mapping(schema), schema)
        params, cells = params + seen[0], cells + seen[1]

    assert params > 2000
    assert cells > 20_000


def test_every_packet_is_valid_and_small_enough_for_a_stock_comet(real_alerts: Any) -> None:
    for alert in real_alerts:
        event = translate(alert.packet)

        assert validate(event.xml).findings == ()
        assert len(event.xml) <= 99_999
        assert is_safe(event.ivorn)
        authority, _, local = parse_ivoid(event.ivorn)
        assert (authority, local) == ("voevent-bridge.local", event.ivorn.split("#")[1])
        assert xml_document(event.xml).element.get("ivorn") == event.ivorn


def test_voevent_parse_reads_what_we_wrote(real_alerts: Any) -> None:
    voeventparse = pytest.importorskip("voeventparse", reason="it does not install on Python >= 3.12")
    for alert in real_alerts:
        event = translate(alert.packet)
        packet = voeventparse.loads(event.xml)
        place = voeventparse.get_event_position(packet)

        assert packet.attrib["ivorn"] == event.ivorn
        assert packet.attrib["role"] == "observation"
        assert (place.ra, place.dec) == (event.ra_deg, event.dec_deg)
        assert place.system == "UTC-ICRS-TOPO"
        assert place.err > 0
        assert voeventparse.get_event_time_as_utc(packet).isoformat()[:19] == event.observed_at[:19]


def test_times_are_those_of_astropy_to_a_millisecond(real_alerts: Any) -> None:
    for alert in real_alerts:
        event = translate(alert.packet)
        if "diaSource" in alert.record:
            expected = Time(alert.record["diaSource"]["midpointMjdTai"], format="mjd", scale="tai").utc
        else:
            candidate = alert.record["candidate"]
            half = TimeDelta((candidate.get("exptime") or 0) / 2, format="sec")
            expected = Time(candidate["jd"], format="jd", scale="utc") + half

        assert abs((Time(event.observed_at, scale="utc") - expected).to_value("s")) <= 0.0006


def test_positions_and_objects_are_those_of_the_alert(real_alerts: Any) -> None:
    for alert in real_alerts:
        event, record = translate(alert.packet), alert.record
        part = record.get("diaSource") or record["candidate"]
        root = etree.fromstring(event.xml)

        assert float(root.findtext(".//Position2D/Value2/C1")) == part["ra"]
        assert float(root.findtext(".//Position2D/Value2/C2")) == part["dec"]
        if "diaSource" in record:
            expected = part["diaObjectId"] or part["ssObjectId"]
            error = math.hypot(part["raErr"], part["decErr"])
            assert float(root.findtext(".//Error2Radius")) == pytest.approx(error, rel=1e-3)
        else:
            expected = record["objectId"]
        assert event.object_key == str(expected)


def test_the_newest_detection_is_the_last_row_of_the_light_curve(ztf_alerts: Any, lsst_alerts: Any) -> None:
    for alert, name, time in (
        (ztf_alerts[0], "candidate", "jd"),
        (lsst_alerts[0], "diaSource", "midpointMjdTai"),
    ):
        root = etree.fromstring(translate(alert.packet).xml)
        last = root.findall("What/Table[@name='detections']/Data/TR")[-1]

        assert float(last[0].text) == alert.record[name][time]


def test_one_alert_gives_the_same_bytes_every_time(real_alerts: Any) -> None:
    for alert in real_alerts[::4]:
        first, second = translate(alert.packet), translate(alert.packet)

        assert first == second


def test_a_translation_on_another_day_keeps_identifier_and_digest(ztf_alerts: Any) -> None:
    packet = ztf_alerts[0].packet
    translator = compile_translator(choose_mapping(packet.schema), packet.schema)
    today, later = translator(packet, date=DATE), translator(packet, date="2026-11-21T00:00:00")

    assert today.xml != later.xml
    assert (today.ivorn, today.digest) == (later.ivorn, later.digest)


def test_what_a_solar_system_alert_says_wrongly_is_not_forwarded(lsst_alerts: Any) -> None:
    alert = next(a for a in lsst_alerts if a.record["ssSource"] is not None)
    names = {p.get("name") for p in etree.fromstring(translate(alert.packet).xml).iter("Param")}

    assert alert.record["ssSource"]["topoRange"] < 1e-6
    assert not names & {"topoRange", "ephVmag", "ephRate", "helioRange", "topo_x"}
    assert {"designation", "phaseAngle", "a", "e", "h"} <= names


def test_classifier_scores_become_inferences_only_where_they_are_probabilities(fink_lsst_alerts: Any) -> None:
    for alert in fink_lsst_alerts:
        inferences = etree.fromstring(translate(alert.packet).xml).findall("Why/Inference")
        scores = alert.record["clf"]
        wanted = [scores[n] for n in ("snnSnVsOthers_score", "earlySNIa_score", "cats_score")]
        expected = [score for score in wanted if score is not None and 0 <= score <= 1]

        assert [np.float32(i.get("probability")) for i in inferences] == [np.float32(s) for s in expected]


def test_an_object_of_a_known_class_says_so(fink_lsst_alerts: Any) -> None:
    concepts = {
        inference.findtext("Concept")
        for alert in fink_lsst_alerts
        for inference in etree.fromstring(translate(alert.packet).xml).findall("Why/Inference")
    }

    assert "SN-like" in concepts


def test_a_classifier_is_not_taken_for_the_name_of_a_source(fink_lsst_alerts: Any) -> None:
    inferences = [
        inference
        for alert in fink_lsst_alerts
        for inference in etree.fromstring(translate(alert.packet).xml).findall("Why/Inference")
    ]
    assert {inference.find("Name") for inference in inferences} == {None}
    assert "SuperNNova: supernova against everything else" in {
        inference.findtext("Description") for inference in inferences
    }
