"""GCN's own examples, value by value: nothing lost, nothing added, what a telescope needs in its place."""

from __future__ import annotations

import base64
import json
import math
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from gw_alerts import sky_map
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from notice_packets import DATE, checked, cited, group_of, params_of

from bridge.alerts.packet import Document, Envelope, Origin, Refusal
from bridge.mapping import TranslateOptions
from bridge.mapping.documents import choose_for_notice, notice_of_document
from bridge.pipeline import Pipeline, Plan
from bridge.voevent.event import Event

NAMES = (
    "boom-alert",
    "dsa110-frb.update",
    "einstein_probe-wxt-alert",
    "fermi-gbm-trigger.flight1",
    "icecube-single_neutrino_alerts.gold_bronze_track_alerts",
    "maxi-gsc.known.retraction",
    "superk-sn_alert.test",
    "swift-bat-guano.loc_arc_min",
)
SWIFT = "https://gcn.nasa.gov/schema/v6.0.0/gcn/notices/swift/bat/guano.schema.json"


def pipeline(**options: Any) -> Pipeline:
    options = {"local_ivo": "ivo://example.org/bridge", **options}
    return Pipeline(Plan(options=TranslateOptions(**options)), date=lambda: DATE)


def document(content: object, **origin: Any) -> Document:
    return Document(json.dumps(content).encode(), "json", Origin("n.json", 0, **origin))


def notice(**fields: Any) -> dict[str, Any]:
    return {"$schema": SWIFT, "id": "7", "trigger_time": "2024-01-01T00:00:00Z", **fields}


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """All single values of a notice, rows of tables by their column."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list) and any(isinstance(row, dict) for row in value):
        return [leaf for row in value for leaf in leaves(row, path)]
    return [(path, value)]


def reads_back(text: str, value: Any) -> bool:
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, int):
        return text == str(value)
    if isinstance(value, float):
        return bool(re.fullmatch(r"-?[\d.]+(e[-+]?\d+)?", text)) and float(text) == value
    if isinstance(value, list):
        words = text.split(" ")
        return len(words) == len(value) and all(map(reads_back, words, value))
    return text == value


def cells_of(root: etree._Element) -> list[tuple[str, str]]:
    """Name of the column and text of every cell that is not empty."""
    found = []
    for table in root.iterfind("What/Table"):
        columns = [str(field.get("name")) for field in table.findall("Field")]
        for row in table.iterfind("Data/TR"):
            texts = [cell.text or "" for cell in row.findall("TD")]
            assert len(texts) == len(columns)
            found += [(column, text) for column, text in zip(columns, texts, strict=True) if text]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_value_of_a_notice_is_in_the_packet_and_nothing_else_is(shared_data: Path, name: str) -> None:
    data = (shared_data / "notices" / f"{name}.json").read_bytes()
    root = checked(pipeline()(Document(data, "json", Origin(name, 0))))
    said = [(str(param.get("name")), str(param.get("value"))) for param in root.iterfind("What//Param")]
    said += cells_of(root)
    for path, value in leaves(json.loads(data)):
        key = "schema" if path == ("$schema",) else path[-1]
        place = next(
            (
                pair
                for pair in said
                if (pair[0] == key or pair[0].endswith(f".{key}")) and reads_back(pair[1], value)
            ),
            None,
        )
        assert place is not None, (path, value)
        said.remove(place)
    assert said == []


@pytest.mark.parametrize("name", NAMES)
def test_position_time_and_error_are_those_of_the_notice(shared_data: Path, name: str) -> None:
    data = (shared_data / "notices" / f"{name}.json").read_bytes()
    content = json.loads(data)
    event = pipeline()(Document(data, "json", Origin(name, 0)))
    root = checked(event)
    assert isinstance(event, Event)
    where = content if "ra" in content else content.get("data", {}).get("targets", [{}])[0]
    c1 = root.findtext(".//Position2D/Value2/C1")
    assert (float(c1) if c1 else None) == where.get("ra") == event.ra_deg
    c2 = root.findtext(".//Position2D/Value2/C2")
    assert (float(c2) if c2 else None) == where.get("dec") == event.dec_deg
    radius = root.findtext(".//Error2Radius")
    assert (float(radius) if radius else 0) == where.get("ra_dec_error", 0)
    time = content.get("trigger_time") or content["data"]["photometry"][-1]["observation_start"]
    assert root.findtext(".//ISOTime") == time.removesuffix("Z") == event.observed_at


def test_the_eight_notices_have_eight_identifiers_that_tell_the_kind_and_the_trigger(
    shared_data: Path,
) -> None:
    go = pipeline()
    events = [go(Document(path.read_bytes(), "json", Origin(path.name, 0)))
              for path in sorted((shared_data / "notices").glob("*.json"))]  # fmt: skip
    stems = [event.ivorn.rpartition("-")[0] for event in events if isinstance(event, Event)]
    assert stems == [
        f"ivo://example.org/bridge/gcn.notices.{rest}"
        for rest in (
            "boom.alert#ZTF25acffkdr",
            "dsa110.frb#240918aaaa",
            "einstein_probe.wxt.alert#01708973486",
            "fermi.gbm.trigger#745121685",
            "icecube.single_neutrino_alerts#137840_57034692",
            "maxi.gsc.known#0858800020",
            "superk.sn_alert#SN.095001.000001",
            "swift.bat.Guano#694215995",
        )
    ]


@pytest.mark.parametrize(
    ("field", "value", "role"),
    [
        ("alert_tense", "current", "observation"),
        ("alert_tense", "archival", "observation"),
        ("alert_tense", "planned", "prediction"),
        ("alert_tense", "commanded", "utility"),
        ("alert_tense", "test", "test"),
        ("alert_tense", "injection", "test"),
        ("alert_tense", "mock", "test"),
        ("alert_tense", "INJECTION", "test"),
        ("alert_type", "test", "test"),
        ("alert_type", "initial", "observation"),
    ],
)
def test_what_is_no_observation_of_the_sky_says_so_in_its_role(field: str, value: str, role: str) -> None:
    assert checked(pipeline()(document(notice(**{field: value})))).get("role") == role


def test_a_test_message_of_hopskotch_is_a_test_whatever_it_says() -> None:
    sent = Origin("kafka://broker/gcn.notices.x/0", 0, envelope=Envelope(headers=(("_test", b"true"),)))
    event = pipeline()(Document(json.dumps(notice(alert_tense="current")).encode(), "json", sent))
    assert checked(event).get("role") == "test"


def test_an_error_ellipse_gives_its_major_axis_as_radius_and_all_three_numbers_as_params() -> None:
    root = checked(pipeline()(document(notice(ra=10.5, dec=-3, ra_dec_error=[1.25, 0.5, 33]))))
    assert root.findtext(".//Error2Radius") == "1.25"
    said = group_of(root, "localization")
    assert said["ra_dec_error"] == "1.25 0.5 33"
    assert (said["ra_dec_error_major"], said["ra_dec_error_minor"], said["ra_dec_error_pa"]) == (
        "1.25",
        "0.5",
        "33",
    )


def test_a_position_without_error_says_that_the_notice_states_none() -> None:
    root = checked(pipeline()(document(notice(ra=10.5, dec=-3))))
    assert root.findtext(".//Error2Radius") == "0.0"
    assert "0: the notice states no error" in str(root.findtext("WhereWhen/Description"))


def test_what_is_said_of_positions_is_not_said_of_a_packet_without_one() -> None:
    root = checked(pipeline()(document(notice())))
    assert root.find(".//Position2D") is None
    assert root.find("WhereWhen/Description") is None


def test_a_measured_value_is_a_float_also_where_the_notice_writes_no_point() -> None:
    odd = {"mag": "1_000", "mag_error": "nan", "rate_snr": "\u0663"}
    root = checked(pipeline()(document(notice(ra=120, dec=40, image_snr=1, record_number=3, **odd))))
    said = {str(each.get("name")): (each.get("dataType"), each.get("value")) for each in root.iter("Param")}
    assert (said["ra"], said["dec"], said["image_snr"]) == (("float", "120"), ("float", "40"), ("float", "1"))
    assert said["record_number"] == ("int", "3")
    # What XML Schema knows no number in stays a text.
    assert {name: said[name] for name in odd} == {name: ("string", text) for name, text in odd.items()}


def test_a_column_means_what_the_field_of_its_name_means() -> None:
    photometry = [{"mag": 18, "filter": "r", "seeing": 1.5}, {"mag": 18.5, "filter": "g", "seeing": 2}]
    root = checked(pipeline()(document(notice(data={"photometry": photometry}))))
    fields = {str(each.get("name")): dict(each.attrib) for each in root.iterfind("What/Table/Field")}
    assert fields == {
        "mag": {"name": "mag", "ucd": "phot.mag", "unit": "mag", "dataType": "float"},
        "filter": {"name": "filter", "ucd": "meta.id;instr.filter", "dataType": "string"},
        "seeing": {"name": "seeing", "dataType": "float"},
    }


def test_a_healpix_map_goes_by_its_url_or_into_a_file(tmp_path: Path) -> None:
    image = sky_map()
    content = notice(
        healpix_url="https://example.org/a b.fits", healpix_file=base64.b64encode(image).decode()
    )
    root = checked(pipeline(cutouts=tmp_path / "maps")(document(content)))
    said = group_of(root, "localization")
    assert said["healpix_url"] == "https://example.org/a b.fits"
    (file,) = (tmp_path / "maps").iterdir()
    assert said["healpix_file"] == file.as_uri()
    assert file.read_bytes() == image
    left_out = checked(pipeline()(document(content)))
    assert "healpix_file" not in params_of(left_out)
    assert f"({len(image)} bytes), which is left out here" in " ".join(left_out.itertext("Description"))
    embedded = checked(pipeline(cutouts="embed")(document(content)))
    value = str(embedded.findtext("What/Param[@name='healpix']/Value"))
    assert base64.b64decode(value) == image


def test_classes_are_params_and_inferences_with_their_probabilities() -> None:
    content = notice(classification={"GRB": 0.75, "SGR": 0.25, "none": 7}, p_astro=0.5)
    root = checked(pipeline()(document(content)))
    assert group_of(root, "classification") == {"GRB": "0.75", "SGR": "0.25", "none": "7"}
    found = [(each.findtext("Concept"), each.get("probability")) for each in root.iterfind("Why/Inference")]
    assert found == [("astrophysical", "0.5"), ("GRB", "0.75"), ("SGR", "0.25")]


@pytest.mark.parametrize(
    ("kind", "cite"), [("subsequent", "followup"), ("update", "supersedes"), ("retraction", "retraction")]
)
def test_a_later_notice_cites_the_earlier_ones_about_its_trigger(kind: str, cite: str) -> None:
    go = pipeline()
    first = go(document(notice(alert_type="initial", ra=1.5, dec=2)))
    second = go(document(notice(alert_type="update", ra=1.75, dec=2)))
    go(document(notice(id="8", alert_type="initial")))
    go(document(notice(alert_type="initial") | {"$schema": SWIFT.replace("guano", "other")}))
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    last = checked(go(document(notice(alert_type=kind, record_number=3))))
    assert cited(last) == [(cite, first.ivorn), (cite, second.ivorn)]


def test_a_retraction_of_what_was_never_seen_says_so_without_a_citation() -> None:
    root = checked(pipeline()(document(notice(alert_type="retraction"))))
    assert root.find("Citations") is None
    assert params_of(root)["alert_type"] == "retraction"


def test_a_retraction_without_a_time_has_that_of_the_notice_it_retracts() -> None:
    go = pipeline()
    go(document(notice(alert_type="initial")))
    root = checked(go(document({"$schema": SWIFT, "id": "7", "alert_type": "retraction"})))
    assert root.findtext(".//ISOTime") == "2024-01-01T00:00:00"
    alone = checked(pipeline()(document({"$schema": SWIFT, "id": "7", "alert_type": "retraction"})))
    assert alone.find("WhereWhen") is None


def test_the_same_notice_again_is_the_same_event_whatever_its_blanks() -> None:
    go = pipeline()
    first = go(document(notice(alert_type="initial")))
    second = go(document(notice(alert_type="update", ra=1, dec=1)))
    spaced = json.dumps(dict(reversed(notice(alert_type="initial", ra=None).items())), indent=4).encode()
    again = go(Document(b"\xef\xbb\xbf" + spaced, "json", Origin("m.json", 3)))
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert isinstance(again, Event)
    assert (again.ivorn, again.digest) == (first.ivorn, first.digest)
    assert second.ivorn != first.ivorn


def test_fields_of_a_mission_keep_their_place_and_names_that_mean_something_in_a_path() -> None:
    content = notice(
        serial="A-7",
        detail={"dose": {"a.b": 1, "c[0]": [2, 3]}, "empty": {}, "none": None},
        rows=[{"x": 1, "in": [{"k": "u"}, {"k": "v", "l": 2}]}, {"x": 2.5, "y": True}, "odd"],
        flux={"value": 3, "unit": "Jy"},
        nested=[[1, 2], [3]],
    )
    root = checked(pipeline()(document(content)))
    assert group_of(root, "extras")["serial"] == "A-7"
    assert group_of(root, "detail.dose") == {"a.b": "1", "c[0]": "2 3"}
    assert group_of(root, "flux") == {"value": "3", "unit": "Jy"}
    assert Counter(cells_of(root)) == Counter(
        [("x", "1"), ("in.k", "u v"), ("in.l", " 2"), ("x", "2.5"), ("y", "true"), ("value", "odd")]
    )
    assert group_of(root, "extras")["nested"] == "[[1,2],[3]]"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "it is not JSON"),
        (b"[{}]", "it is an array in JSON"),
        (b'"x"', "it is a single value in JSON"),
        (b"{}\n{}", "it holds more than one JSON value"),
        (b'{"id": 1' + b"0" * 5000 + b"}", "it holds a number that is none"),
        (b'{"a": "\xff"}', "it is not JSON: its text is not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 900 + b"1" + b"}" * 900, "nested more than 100 deep"),
        (json.dumps(notice(ra="12h")).encode(), "no number"),
        (json.dumps(notice(ra=361, dec=0)).encode(), "position is impossible: ra is 361"),
        (json.dumps(notice(ra=10)).encode(), "position is missing: dec"),
        (json.dumps(notice(trigger_time="yesterday")).encode(), "is not a date and time in ISO 8601"),
        (json.dumps(notice(trigger_time="2024-02-30T00:00:00Z")).encode(), "does not exist"),
        (json.dumps({"$schema": SWIFT}).encode(), "identifier is missing: the notice has no id"),
        (json.dumps(notice(healpix_file="@@")).encode(), "image healpix_file is not base64"),
        (json.dumps(notice(text="x" * 120_000)).encode(), "bytes without history and cutouts"),
    ],
)
def test_what_cannot_be_a_packet_is_refused_in_plain_words(data: bytes, reason: str) -> None:
    outcome = pipeline()(Document(data, "json", Origin("n.json", 0)))
    assert isinstance(outcome, Refusal)
    assert reason in outcome.reason
    assert outcome.data == data


@pytest.mark.parametrize(
    ("page", "uri"),
    [("https://example.org/x?y=1&z=%20", "https://example.org/x?y=1&z=%20"), ("see a b", None), (7, None)],
)
def test_the_archive_s_page_is_the_packet_s_reference_if_it_is_one(page: object, uri: str | None) -> None:
    root = checked(pipeline()(document(notice(data_archive_page=page))))
    reference = root.find("Reference")
    assert (None if reference is None else reference.get("uri")) == uri
    assert params_of(root)["data_archive_page"] == str(page)


def test_numbers_and_texts_come_through_as_they_are() -> None:
    values = {
        "big": 2**70,
        "tiny": 5e-324,
        "inf": math.inf,
        "nan": math.nan,
        "minus": -0.0,
        "no": False,
        "quote": 'a "b" <c> & \u2028 \ud800 é',
        "empty": "",
    }
    said = group_of(checked(pipeline()(document(notice(**values)))), "extras")
    assert "nan" not in said
    assert int(said["big"]) == 2**70
    assert float(said["tiny"]) == 5e-324
    assert (said["minus"], said["no"], said["empty"], said["inf"]) == ("-0.0", "false", "", "INF")
    assert said["quote"] == 'a "b" <c> & \u2028 \ufffd é'


KEY = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), max_size=12)
SINGLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=30),
)
ANY = st.recursive(
    SINGLE, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4), max_leaves=20
)
OWN = ("ra", "dec", "ra_dec_error", "classification", "properties", "far", "reference", "alert_type", "flux")


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(KEY | st.sampled_from(OWN), ANY, max_size=8))
def test_any_json_in_a_notice_becomes_a_valid_packet_or_is_refused_in_words(extras: dict[str, Any]) -> None:
    content = notice() | {key: value for key, value in extras.items() if key != "$schema"}
    data = json.dumps(content).encode()
    outcome = pipeline()(Document(data, "json", Origin("n.json", 0)))
    if isinstance(outcome, Refusal):
        assert re.search("position is|time|identifier is missing|bytes without", outcome.reason)
        return
    root = checked(outcome)
    # Every single value at the top is there, under its name.
    said = [(str(each.get("name")), str(each.get("value"))) for each in root.iterfind("What//Param")]
    for key, value in extras.items():
        if isinstance(value, (bool, int, float)):
            wanted = {math.inf: "INF", -math.inf: "-INF"}.get(value, value)
            assert any(name == key and reads_back(word, wanted) for name, word in said), (key, value)


def test_the_schema_names_the_mapping_before_the_topic_and_the_fields() -> None:
    def key(content: dict[str, Any], topic: str = "") -> str:
        origin = Origin(f"kafka://b/{topic}/3" if topic else "x.json", 0)
        return choose_for_notice(
            notice_of_document(Document(json.dumps(content).encode(), "json", origin))
        ).key

    assert key(notice()) == "gcn-notice"
    assert key({"id": "1"}, "gcn.notices.chime.frb") == "gcn-notice"
    assert key({"ra": 1, "decl": 2, "UTC": "x"}) == "lasair"
    assert key({"ra": 1, "decl": 2, "UTC": "x"}, "gcn.notices.chime.frb") == "gcn-notice"
    assert key({"x": 1}, "igwn.gwalert") == "igwn-gwalert"
    assert key({"x": 1}, "anything") == "generic-json"
