"""Messages of Lasair, ANTARES and HERMES, and JSON that nobody wrote a mapping for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree
from notice_packets import DATE, checked, group_of, params_of

from bridge.alerts.packet import Document, Origin, Refusal
from bridge.pipeline import Pipeline, Plan
from bridge.voevent.event import Event

LITE = {
    "diaObjectId": 169760235333877831,
    "ra": 185.7292,
    "decl": 15.8238,
    "UTC": "2026-03-05 08:12:33",
    "alert": {
        "diaSourcesList": [
            {
                "psfFlux": 1520.5,
                "psfFluxErr": 80.25,
                "midpointMjdTai": 61104.25,
                "band": "r",
                "reliability": 0.9,
            },
            {
                "psfFlux": -20.0,
                "psfFluxErr": 75.5,
                "midpointMjdTai": 61103.5,
                "band": "g",
                "reliability": None,
            },
        ],
        "diaForcedSourcesList": [
            {"psfFlux": 3.5, "psfFluxErr": 1.5, "midpointMjdTai": 61100.0, "band": "i"},
        ],
    },
    "mean_r": 21.5,
}
LOCUS = {
    "locus_id": "ANT2020aeczfyy",
    "ra": 44.54,
    "dec": -8.96,
    "properties": {
        "ztf_object_id": "ZTF18aaaaaaa",
        "num_mag_values": 12,
        "newest_alert_observation_time": 59134.5,
        "newest_alert_magnitude": 18.25,
        "anomaly_score": 0.5,
    },
    "tags": ["nuclear_transient", "high_snr"],
}
HERMES = {
    "title": "Follow-up of AT 2026abc",
    "topic": "hermes.test",
    "submitter": "someone",
    "authors": "A. Person (Somewhere)",
    "message_text": "We observed <it> & saw it.",
    "data": {
        "event_id": "S230518h",
        "targets": [
            {"name": "AT2026abc", "ra": 12.5, "dec": 45.25},
            {"name": "host", "ra": 12.75, "dec": 45.5},
        ],
        "photometry": [
            {"target_name": "AT2026abc", "date_obs": "2026-03-05T08:12:33+02:00", "bandpass": "r",
             "brightness": 19.5, "brightness_error": 0.05, "brightness_unit": "AB mag"},
        ],
    },
}  # fmt: skip


def translated(content: dict[str, Any], topic: str = "") -> tuple[Event, etree._Element]:
    origin = Origin(f"kafka://cluster/{topic}/0" if topic else "message.json", 0)
    event = Pipeline(Plan(), date=lambda: DATE)(Document(json.dumps(content).encode(), "json", origin))
    root = checked(event)
    assert isinstance(event, Event)
    return event, root


def rows_of(root: etree._Element, name: str) -> list[dict[str, str]]:
    table = root.find(f"What/Table[@name='{name}']")
    assert table is not None
    columns = [str(field.get("name")) for field in table.findall("Field")]
    return [
        dict(zip(columns, [cell.text or "" for cell in row.findall("TD")], strict=True))
        for row in table.iterfind("Data/TR")
    ]


def test_lasair_s_lite_messages_bring_the_light_curve_and_the_latest_detection_s_time() -> None:
    event, root = translated(LITE, "lasair_2mine")
    assert event.ivorn.startswith("ivo://voevent-bridge.local/feed/lasair#169760235333877831-")
    # MJD 61104.25 TAI is 37 s later than UTC.
    assert (event.observed_at, event.ra_deg, event.dec_deg) == ("2026-03-05T05:59:23.000", 185.7292, 15.8238)
    assert event.object_key == "169760235333877831"
    assert rows_of(root, "detections") == [
        {"midpointMjdTai": "61104.25", "band": "r", "psfFlux": "1520.5", "psfFluxErr": "80.25"}
        | {"reliability": "0.9"},
        {"midpointMjdTai": "61103.5", "band": "g", "psfFlux": "-20.0", "psfFluxErr": "75.5"}
        | {"reliability": ""},
    ]
    assert rows_of(root, "forced_photometry")[0]["psfFlux"] == "3.5"
    assert group_of(root, "extras") == {"mean_r": "21.5"}
    assert root.find("Reference").get("uri") == "https://lasair.lsst.ac.uk/objects/169760235333877831/"  # type: ignore[union-attr]


def test_lasair_s_plain_messages_have_the_time_at_which_they_were_sent() -> None:
    event, root = translated({key: LITE[key] for key in ("diaObjectId", "ra", "decl", "UTC")})
    assert event.observed_at == "2026-03-05T08:12:33"
    assert root.findall("What/Table") == []


def test_an_antares_locus_has_its_properties_and_tags() -> None:
    event, root = translated(LOCUS)
    assert event.ivorn.startswith("ivo://voevent-bridge.local/feed/antares#ANT2020aeczfyy-")
    assert (event.observed_at, event.ra_deg) == ("2020-10-12T12:00:00.000", 44.54)
    assert params_of(root)["tags"] == "nuclear_transient high_snr"
    assert group_of(root, "properties") == {
        "ztf_object_id": "ZTF18aaaaaaa",
        "num_mag_values": "12",
        "newest_alert_observation_time": "59134.5",
        "newest_alert_magnitude": "18.25",
        "anomaly_score": "0.5",
    }


def test_a_hermes_message_has_its_text_and_all_its_targets() -> None:
    event, root = translated(HERMES)
    assert (event.role, event.object_key) == ("test", "S230518h")
    assert (event.ra_deg, event.dec_deg, event.observed_at) == (12.5, 45.25, "2026-03-05T06:12:33")
    assert params_of(root)["message_text"] == "We observed <it> & saw it."
    assert [row["name"] for row in rows_of(root, "data.targets")] == ["AT2026abc", "host"]
    assert rows_of(root, "data.photometry")[0]["brightness"] == "19.5"
    number = json.loads(json.dumps(HERMES))
    number["data"]["photometry"][0]["date_obs"] = 61104.25
    assert translated(number)[0].observed_at == "2026-03-05T06:00:00.000"


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"time": "2026-03-05T08:12:33.25+01:00"}, "2026-03-05T07:12:33.25"),
        ({"date_obs": "2026-03-05 08:12"}, "2026-03-05T08:12:00"),
        ({"mjd": 61104.25}, "2026-03-05T06:00:00.000"),
        ({"jd": 2461104.75}, "2026-03-05T06:00:00.000"),
        ({"midpointMjdTai": 61104.25}, "2026-03-05T05:59:23.000"),
        ({"time": 5, "mjd": 61104.25}, "2026-03-05T06:00:00.000"),
    ],
)
def test_json_of_an_unknown_kind_with_position_and_time_becomes_an_event_that_says_so(
    fields: dict[str, Any], at: str
) -> None:
    event, root = translated({"name": "X 1", "ra": 10, "dec": -3.5, "color": "red", **fields})
    assert event.observed_at == at
    assert event.ivorn.startswith("ivo://voevent-bridge.local/feed/json#X%201-")
    assert str(root.findtext("What/Description")).startswith("Generic translation")
    assert group_of(root, "extras")["color"] == "red"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "it has no position by any name that mapping 'generic-json' knows"),
        ({"ra": 1, "dec": 2}, "it has no time by any name"),
        ({"ra": 1, "mjd": 60000}, "position is missing: dec is null"),
        ({"ra": 1, "dec": 2, "time": 77}, "time '77' is not of the kind iso_utc"),
        ({"ra": 1, "dec": 2, "mjd": True}, "time 'True' is no number"),
        ({"ra": True, "dec": 2, "mjd": 60000}, "ra is 'True', no number"),
        ({"ra": 1, "dec": 2, "mjd": 1e300}, "is not a date between 1972 and 9999"),
        ({"header": {"title": "GCN CIRCULAR"}, "body": "text"}, "it has no position"),
    ],
)
def test_other_json_is_refused_in_plain_words(content: dict[str, Any], reason: str) -> None:
    outcome = Pipeline(Plan())(Document(json.dumps(content).encode(), "json", Origin("x.json", 0)))
    assert isinstance(outcome, Refusal)
    assert reason in outcome.reason
