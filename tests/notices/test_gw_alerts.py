"""Gravitational-wave alerts of all five types become what LVC's own VOEvents were, value by value."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import voeventparse
from gw_alerts import EXTERNAL, KINDS, avro_schema, gw_alert, in_avro, in_json, sky_map, validator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from notice_packets import DATE, checked, cited, group_of, params_of

from bridge.alerts.packet import Document, Origin, Refusal
from bridge.errors import SourceError, UsageError
from bridge.mapping import TranslateOptions, choose_mapping
from bridge.pipeline import Pipeline, Plan
from bridge.voevent.event import Event

TYPES = {
    "EARLYWARNING": ("EarlyWarning", "163"),
    "PRELIMINARY": ("Preliminary", "150"),
    "INITIAL": ("Initial", "151"),
    "UPDATE": ("Update", "152"),
    "RETRACTION": ("Retraction", "164"),
}
# The Params at the top of What in LVC's own VOEvents of 2023 to 2026, in their order.
ALWAYS = [
    "Packet_Type",
    "internal",
    "Pkt_Ser_Num",
    "GraceID",
    "AlertType",
    "HardwareInj",
    "OpenAlert",
    "EventPage",
]
CANDIDATE = ["Instruments", "FAR", "Significant", "Group", "Pipeline", "Search"]


def pipeline(**options: Any) -> Pipeline:
    return Pipeline(Plan(options=TranslateOptions(**options)), date=lambda: DATE)


def top_params(root: etree._Element) -> dict[str, str]:
    return {str(each.get("name")): str(each.get("value")) for each in root.findall("What/Param")}


@pytest.mark.parametrize("kind", KINDS)
def test_the_alerts_of_these_tests_are_those_of_lvk_s_schemas(kind: str) -> None:
    alert = gw_alert(kind) | {"external_coinc": EXTERNAL}
    validator().validate(alert)
    assert in_avro(alert).schema.name == "igwn.alerts.Alert"


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_has_the_identifier_params_and_groups_of_lvc_s_own_voevents(
    kind: str, tmp_path: Path
) -> None:
    root = checked(pipeline(cutouts=tmp_path)(in_json(gw_alert(kind))))
    name, number = TYPES[kind]
    assert root.get("ivorn") == f"ivo://gwnet/LVC#MS181101ab-1-{name}"
    said = top_params(root)
    wanted = ALWAYS + ([] if kind == "RETRACTION" else CANDIDATE)
    assert [each for each in said if each != "TimeCreated"] == wanted
    assert (said["AlertType"], said["Packet_Type"]) == (name, number)
    assert said["GraceID"] == "MS181101ab"
    assert said["EventPage"] == "https://gracedb.ligo.org/superevents/MS181101ab/view/"
    assert (said["internal"], said["HardwareInj"], said["OpenAlert"], said["Pkt_Ser_Num"]) == (
        "0",
        "0",
        "1",
        "1",
    )
    groups = {str(each.get("name")): str(each.get("type")) for each in root.findall("What/Group")}
    if kind == "RETRACTION":
        assert groups == {}
        assert root.find("How") is None
        return
    assert (said["Instruments"], said["Group"], said["Pipeline"], said["Search"]) == (
        "H1,L1,V1", "CBC", "gstlal", "MDC",
    )  # fmt: skip
    assert float(said["FAR"]) == 9.11069936486e-14
    assert said["Significant"] == "1"
    assert groups.pop("ChirpMass") == "None"
    assert groups == {each: each for each in ("GW_SKYMAP", "Classification", "Properties")}
    assert group_of(root, "Classification") == {
        "BNS": "0.95",
        "NSBH": "0.01",
        "BBH": "0.03",
        "Terrestrial": "0.01",
    }
    assert group_of(root, "Properties") == {"HasNS": "0.95", "HasRemnant": "0.91", "HasMassGap": "0.01"}
    assert group_of(root, "ChirpMass") == {
        "bin_edges": "0.1 0.87 1.74 5.5",
        "probabilities": "0.02 0.97 0.01",
    }
    types = {str(each.get("name")): each.get("dataType") for each in root.iterfind("What//Param")}
    assert (types["FAR"], types["BNS"], types["Packet_Type"], types["Significant"]) == (
        "float",
        "float",
        "int",
        "int",
    )
    how = [str(each.text) for each in root.findall("How/Description")]
    assert [each[:3] for each in how[1:]] == ["H1:", "L1:", "V1:"]
    assert root.find("WhereWhen//Position2D") is None
    assert root.find("WhereWhen//ObservatoryLocation").get("id") == "LIGO Virgo"  # type: ignore[union-attr]
    assert root.findtext("WhereWhen//ISOTime") == "2018-11-01T22:22:46.654"


def test_the_sky_map_is_saved_and_referred_to_by_file_or_by_url(tmp_path: Path) -> None:
    root = checked(pipeline(cutouts=tmp_path / "a b")(in_json(gw_alert("INITIAL"))))
    url = urlsplit(group_of(root, "GW_SKYMAP")["skymap_fits"])
    path = Path(unquote(url.path))
    assert url.scheme == "file"
    assert path.name == "LVC_MS181101ab-1-Initial_skymap.multiorder.fits"
    assert path.read_bytes() == sky_map()
    assert [each.name for each in path.parent.iterdir()] == [path.name], "nothing half-written stays"
    published = pipeline(cutouts=tmp_path, cutouts_url="https://example.org/maps/")
    root = checked(published(in_json(gw_alert("INITIAL"))))
    assert group_of(root, "GW_SKYMAP") == {"skymap_fits": f"https://example.org/maps/{path.name}"}
    assert (tmp_path / path.name).read_bytes() == sky_map()
    elsewhere = pipeline(cutouts="https://example.org/{id}/{name}.fits")
    root = checked(elsewhere(in_json(gw_alert("INITIAL"))))
    assert params_of(root)["skymap_fits"] == "https://example.org/MS181101ab-1-Initial/skymap.fits"


def test_a_name_of_any_length_and_kind_makes_a_file_that_can_be(tmp_path: Path) -> None:
    for superevent in ("../../etc/x", "S" * 5000, "a\0b\n%", "é", "a/b", "a:b"):
        root = checked(
            pipeline(cutouts=tmp_path / "maps")(in_json(gw_alert("INITIAL", superevent=superevent)))
        )
        path = Path(unquote(urlsplit(group_of(root, "GW_SKYMAP")["skymap_fits"]).path))
        assert path.parent == tmp_path / "maps"
        assert path.read_bytes() == sky_map()
    assert len(list((tmp_path / "maps").iterdir())) == 6


def test_without_a_folder_the_packet_says_that_its_sky_map_is_left_out() -> None:
    root = checked(pipeline()(in_json(gw_alert("INITIAL"))))
    assert "skymap_fits" not in params_of(root)
    assert f"sky map ({len(sky_map())} bytes), which is left out here" in " ".join(
        root.itertext("Description")
    )


def test_a_sky_map_that_does_not_fit_inside_is_left_out_with_a_note() -> None:
    large = base64.b64encode(sky_map() * 20).decode()
    event = pipeline(cutouts="embed")(in_json(gw_alert("INITIAL", skymap=large)))
    assert isinstance(event, Event)
    assert "Cutout skymap is left out" in event.shed[0]
    checked(event)


def test_a_folder_that_cannot_be_written_ends_the_run_and_costs_no_alert(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SourceError, match="Images of notices cannot be written"):
        pipeline(cutouts=tmp_path / "file")(in_json(gw_alert("INITIAL")))


def test_a_url_for_sky_maps_wants_a_folder() -> None:
    with pytest.raises(UsageError, match="with a folder"):
        TranslateOptions(cutouts="embed", cutouts_url="https://example.org/maps")
    with pytest.raises(UsageError, match="must be one"):
        TranslateOptions(cutouts=Path("maps"), cutouts_url="maps")


def test_a_series_is_numbered_and_each_packet_supersedes_all_before_it() -> None:
    go = pipeline()
    events = [go(in_json(gw_alert(kind, superevent="S230518h"))) for kind in KINDS]
    roots = [checked(event) for event in events]
    ivorns = [event.ivorn for event in events if isinstance(event, Event)]
    assert ivorns[0] == "ivo://gwnet/LVC#S230518h-1-EarlyWarning"
    assert ivorns[-1] == "ivo://gwnet/LVC#S230518h-5-Retraction"
    assert [params_of(root)["Pkt_Ser_Num"] for root in roots] == ["1", "2", "3", "4", "5"]
    for number, root in enumerate(roots):
        cite = "retraction" if number == 4 else "supersedes"
        assert cited(root) == [(cite, ivorn) for ivorn in ivorns[:number]]
    assert roots[-1].findtext(".//ISOTime") == "2018-11-01T22:22:46.654", "the retraction says no time itself"


def test_an_alert_that_comes_again_has_its_number_again_in_either_format() -> None:
    go = pipeline()
    first = go(in_json(gw_alert("PRELIMINARY")))
    second = go(in_json(gw_alert("INITIAL")))
    for again in (in_json(gw_alert("PRELIMINARY"), "igwn.gwalert"), in_avro(gw_alert("PRELIMINARY"))):
        event = go(again)
        assert isinstance(event, Event)
        assert isinstance(first, Event)
        assert (event.ivorn, event.digest) == (first.ivorn, first.digest)
    third = go(in_json(gw_alert("UPDATE")))
    assert isinstance(second, Event)
    assert isinstance(third, Event)
    assert third.ivorn.endswith("-3-Update")


def test_a_series_that_is_met_late_does_not_begin_with_one() -> None:
    late = gw_alert("UPDATE", superevent="S230518h", created="2023-06-08T13:00:00Z")
    event = pipeline()(in_json(late))
    assert isinstance(event, Event)
    assert event.ivorn == "ivo://gwnet/LVC#S230518h-21-Update"
    checked(event)


@pytest.mark.parametrize(
    ("superevent", "search", "role"),
    [
        ("S230518h", "AllSky", "observation"),
        ("MS230518h", "AllSky", "test"),
        ("TS230518h", "AllSky", "test"),
        ("S230518h", "MDC", "test"),
    ],
)
def test_mock_events_are_tests(superevent: str, search: str, role: str) -> None:
    event = pipeline()(in_json(gw_alert("INITIAL", superevent=superevent, search=search)))
    assert checked(event).get("role") == role
    assert checked(pipeline()(in_json(gw_alert("RETRACTION", superevent="MS1")))).get("role") == "test"


def test_a_burst_has_frequency_and_duration_in_place_of_classes() -> None:
    burst = gw_alert(
        "PRELIMINARY", group="Burst", pipeline="CWB", search="BBH", classification={}, properties={},
        mchirp_source=None, duration=0.0234, central_frequency=149.5, significant=False,
    )  # fmt: skip
    validator().validate(burst)
    root = checked(pipeline()(in_json(burst)))
    said = top_params(root)
    assert (said["CentralFreq"], said["Duration"], said["Significant"]) == ("149.5", "0.0234", "0")
    assert root.findall("What/Group") == []


def test_a_coincidence_with_another_event_has_its_group_and_its_own_map(tmp_path: Path) -> None:
    combined = base64.b64encode(sky_map(2)).decode()
    alert = gw_alert("UPDATE") | {"external_coinc": EXTERNAL | {"combined_skymap": combined}}
    for item in (in_json(alert), in_avro(alert)):
        root = checked(pipeline(cutouts=tmp_path)(item))
        said = group_of(root, "External Coincidence")
        path = Path(unquote(urlsplit(said.pop("joint_skymap_fits")).path))
        assert path.read_bytes() == sky_map(2)
        assert said == {
            "External_GCN_Notice_Id": "524666471",
            "External_Ivorn": EXTERNAL["ivorn"],
            "External_Observatory": "Fermi",
            "External_Search": "GRB",
            "Time_Difference": "2.02",
            "Time_Coincidence_FAR": "2.14387838137e-14",
            "Time_Sky_Position_Coincidence_FAR": "6.410749524018777e-16",
        }


@pytest.mark.parametrize("kind", KINDS)
def test_the_avro_edition_gives_the_same_packet_byte_for_byte(kind: str, tmp_path: Path) -> None:
    alert = gw_alert(kind) | {"external_coinc": EXTERNAL}
    packet = in_avro(alert)
    assert choose_mapping(packet.schema).key == "igwn-gwalert"
    of_avro, of_json = (pipeline(cutouts=tmp_path)(item) for item in (packet, in_json(alert)))
    assert isinstance(of_avro, Event)
    assert isinstance(of_json, Event)
    assert of_avro.xml == of_json.xml
    assert of_avro.digest == of_json.digest


def test_without_the_mapping_s_author_the_events_are_the_bridge_s_own(tmp_path: Path) -> None:
    mapping = (Path(__file__).resolve().parents[2] / "mappings" / "igwn-gwalert.toml").read_text()
    own = tmp_path / "own.toml"
    own.write_text(mapping.replace('author = "ivo://gwnet"\n', ""))
    plan = Plan(mapping=str(own), options=TranslateOptions(local_ivo="ivo://example.org/gw"))
    event = Pipeline(plan, date=lambda: DATE)(in_json(gw_alert("INITIAL")))
    assert isinstance(event, Event)
    assert event.ivorn == "ivo://example.org/gw/LVC#MS181101ab-1-Initial"
    assert checked(event).findtext("Who/AuthorIVORN") == "ivo://example.org/gw"


def test_what_a_later_version_of_the_alert_adds_is_not_lost() -> None:
    alert = gw_alert("INITIAL", chirp_rate=3.5, classification={"BNS": 0.9, "Exotic": 0.1})
    alert["urls"]["circular"] = "https://gcn.nasa.gov/circulars/1"
    root = checked(pipeline()(in_json(alert)))
    assert group_of(root, "event") == {"chirp_rate": "3.5"}
    assert group_of(root, "urls") == {"circular": "https://gcn.nasa.gov/circulars/1"}
    assert group_of(root, "Classification") == {"BNS": "0.9", "Exotic": "0.1"}


def test_values_of_another_kind_than_the_schema_s_are_not_called_numbers() -> None:
    alert = gw_alert("INITIAL", far="small", significant="yes", classification=[1], properties=None)
    root = checked(pipeline()(in_json(alert | {"alert_type": "NEWKIND"})))
    found = {str(each.get("name")): (each.get("value"), each.get("dataType")) for each in root.iter("Param")}
    assert found["FAR"] == ("small", "string")
    assert found["Significant"] == ("yes", "string")
    assert found["Packet_Type"] == ("NEWKIND", "string")
    assert "BNS" not in found
    assert found["classification"] == ("1", "string")


def test_an_alert_without_its_number_or_type_is_refused() -> None:
    alert = gw_alert("INITIAL")
    del alert["superevent_id"]
    refusal = pipeline()(Document(json.dumps(alert).encode(), "json", Origin("kafka://b/igwn.gwalert/0", 5)))
    assert isinstance(refusal, Refusal)
    assert "identifier is missing: the notice has no GraceID" in refusal.reason


def test_voevent_parse_finds_params_and_groups_by_name() -> None:
    event = pipeline()(in_json(gw_alert("INITIAL")))
    assert isinstance(event, Event)
    packet = voeventparse.loads(event.xml)
    assert voeventparse.get_toplevel_params(packet)["GraceID"]["value"] == "MS181101ab"
    assert voeventparse.get_grouped_params(packet)["Properties"]["HasRemnant"]["value"] == "0.91"


PROBABILITY = st.floats(0, 1)
NAME = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
MAP = st.dictionaries(NAME, PROBABILITY, max_size=6)
EVENTS = st.fixed_dictionaries(
    {
        "time": st.datetimes(datetime(1000, 1, 1)).map(lambda time: f"{time.isoformat()}Z"),
        "far": NUMBER,
        "significant": st.booleans(),
        "instruments": st.lists(st.sampled_from(["H1", "L1", "V1", "K1", "X9"]), max_size=5),
        "group": NAME,
        "pipeline": NAME,
        "search": NAME,
        "classification": st.one_of(MAP, st.just({"BNS": 1, "Terrestrial": 0})),
        "properties": MAP,
        "skymap": st.one_of(
            st.none(), st.binary(max_size=200).map(lambda data: base64.b64encode(data).decode())
        ),
    },
    optional={
        "mchirp_source": st.one_of(
            st.none(),
            st.fixed_dictionaries({"bin_edges": st.lists(NUMBER), "probabilities": st.lists(PROBABILITY)}),
        ),
        "duration": st.one_of(st.none(), NUMBER),
        "central_frequency": st.one_of(st.none(), NUMBER),
    },
)
ALERTS = st.fixed_dictionaries(
    {
        "alert_type": st.sampled_from(KINDS),
        "time_created": st.sampled_from(["2023-05-18T13:00:00Z", "never"]),
        "superevent_id": st.text(min_size=1, max_size=12),
        "event": st.one_of(st.none(), EVENTS),
        "external_coinc": st.sampled_from([None, EXTERNAL]),
        "urls": st.dictionaries(NAME, st.just("https://gracedb.ligo.org/x"), max_size=2),
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(alert=ALERTS)
def test_whatever_the_schema_allows_becomes_a_valid_packet_that_says_the_same(alert: dict[str, Any]) -> None:
    validator().validate(alert)
    root = checked(pipeline()(in_json(alert)))
    said = top_params(root)
    kind, number = TYPES[alert["alert_type"]]
    assert (said["AlertType"], said["Packet_Type"]) == (kind, number)
    event = alert["event"] or {}
    for name, key in (("FAR", "far"), ("Duration", "duration"), ("CentralFreq", "central_frequency")):
        assert (float(said[name]) if name in said else None) == event.get(key)
    if event:
        assert said["Significant"] == str(int(event["significant"]))
        for name in ("Classification", "Properties"):
            found = [float(value) for value in group_of(root, name).values()]
            assert sorted(found) == sorted(event[name.lower()].values())
        assert root.findtext(".//ISOTime") == event["time"].removesuffix("Z")


def test_every_version_of_the_avro_schema_is_recognised_by_its_name() -> None:
    assert avro_schema().name == "igwn.alerts.Alert"
    older = json.loads(avro_schema().text)
    fields = next(each for each in older["fields"] if each["name"] == "event")["type"][1]["fields"]
    fields[:] = [each for each in fields if each["name"] != "mchirp_source"]
    from bridge.alerts.schema import parse_schema

    assert choose_mapping(parse_schema(older)).key == "igwn-gwalert"
