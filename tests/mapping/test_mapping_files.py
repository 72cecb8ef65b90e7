"""Mapping files: the packaged ones are complete, and a mistake in one says where and what was meant."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from bridge.alerts.fields import list_fields
from bridge.alerts.packet import Origin, Packet
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import MappingError, PacketError, UsageError
from bridge.mapping import (
    TranslateOptions,
    choose_mapping,
    compile_translator,
    list_mappings,
    load_mapping,
)
from bridge.mapping.check import check_mapping, unmapped_fields
from bridge.mapping.load import parse_mapping
from bridge.mapping.scaffold import write_scaffold
from bridge.resources import schemas_folder
from bridge.voevent.vocabulary import vocabulary_checkers

DATE = "2026-11-20T00:00:00"
SMALL = """
title = "Test"
[match]
name = 'made'
[event]
id = "made#{id}"
[where]
ra = "ra"
dec = "dec"
error_deg = 0.1
[when]
path = "mjd"
scale = "mjd_utc"
[[group]]
name = "all"
[group.params]
mag = { ucd = "phot.mag", unit = "mag" }
"""
MADE = parse_schema(
    {
        "type": "record",
        "name": "made",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "ra", "type": ["null", "double"]},
            {"name": "dec", "type": "double"},
            {"name": "mjd", "type": "double"},
            {"name": "mag", "type": "float"},
            {"name": "rows", "type": {"type": "array", "items": "float"}},
        ],
    }
)
GOOD = {"id": 7, "ra": 10.0, "dec": -5.0, "mjd": 60000.5, "mag": 18.5, "rows": [1.5, float("nan")]}


def packaged_schema(name: str) -> Schema:
    return parse_schema((schemas_folder() / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["ztf/3.3.avsc", "ztf/4.02.avsc", "lsst/10.0.avsc", "lsst/11.1.avsc"])
def test_every_field_is_mapped_or_left_out_with_a_reason(name: str) -> None:
    schema = packaged_schema(name)

    assert unmapped_fields(choose_mapping(schema), schema) == []


def test_every_version_of_the_survey_s_schema_is_mapped_in_full(
    lsst_distribution: Path, lsst_version: Any
) -> None:
    for major, minor in ((7, 0), (7, 1), (7, 2), (7, 3), (7, 4), (8, 0), (9, 0), (10, 0), (11, 0), (11, 1)):
        schema = lsst_version(lsst_distribution, major, minor)
        mapping = choose_mapping(schema)

        assert mapping.key == ("lsst-v7" if major == 7 else "lsst")
        assert unmapped_fields(mapping, schema) == []


def test_fink_s_alerts_are_mapped_in_full(fink_ztf_alerts: Any, fink_lsst_alerts: Any) -> None:
    for alert in (fink_ztf_alerts[0], fink_lsst_alerts[0]):
        schema = alert.packet.schema

        assert unmapped_fields(choose_mapping(schema), schema) == []


def test_nine_and_ten_are_told_apart_by_name_and_never_tried(
    lsst_distribution: Path, lsst_version: Any
) -> None:
    nine, ten = lsst_version(lsst_distribution, 9, 0), lsst_version(lsst_distribution, 10, 0)
    mapping = choose_mapping(nine)
    read_nine, read_ten = (set(compile_translator(mapping, schema).paths) for schema in (nine, ten))
    packet = Packet(b"", 0, 0, nine, Origin("x", 0))

    assert "ssSource.heliocentricDist" in read_nine - read_ten
    assert "mpc_orbits.a" in read_ten - read_nine
    with pytest.raises(UsageError, match=r"compiled for schema lsst\.v10_0\.alert.*lsst\.v9_0\.alert"):
        compile_translator(mapping, ten)(packet, date=DATE)


def test_ucds_and_units_of_all_mappings_are_in_the_vocabularies() -> None:
    checkers = vocabulary_checkers()
    assert checkers is not None
    for mapping in list_mappings():
        values = [v for group in mapping.groups for v in group.params]
        values += [v for table in mapping.tables for v in table.columns]
        assert [v.name for v in values if v.ucd and checkers[0](v.ucd)] == []
        assert [v.name for v in values if v.unit and checkers[1](v.unit)] == []
        assert [v.name for v in values if not v.ucd] == []


def test_the_packaged_mappings_pass_their_own_check() -> None:
    schemas = [packaged_schema(name) for name in ("ztf/3.3.avsc", "ztf/4.02.avsc", "lsst/11.1.avsc")]
    for mapping in list_mappings():
        assert [fault for fault in check_mapping(mapping, schemas) if fault.level == "error"] == []


def test_a_mapping_from_an_editor_that_marks_utf_8_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL, encoding="utf-8-sig")
    assert load_mapping(tmp_path / "mine.toml").title == "Test"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('unit = "mag"', 'units = "mag"', r"'units' is not a key.*'unit'"),
        ("[match]", "[macth]", r"'macth' is not a key.*'match'"),
        ("error_deg = 0.1", "error = 0.1", r"has no 'error_deg'"),
        ('scale = "mjd_utc"', 'scale = "mjd_utd"', r"'mjd_utd' is none of.*'mjd_utc'"),
        ('scale = "mjd_utc"', "", r"has no 'scale'"),
        ('id = "made#{id}"', 'id = "{id}"', r"'#' and what identifies"),
        ('path = "mjd"', "path = 5", r"a path or a list of paths is wanted, not 5"),
        ("error_deg = 0.1", 'error_deg = "x"', r"a float is wanted, not 'x'"),
        ('unit = "mag"', 'convert = "njy_to_abmg"', r"'njy_to_abmg' is none of.*'njy_to_abmag'"),
        ("name = 'made'", "name = '('", r"not a regular expression"),
        ('title = "Test"', 'title = "Test', r"is not TOML"),
        ('title = "Test"', "", r"has no 'title'"),
        ('name = "all"', 'name = "all"\nparms = 3', r"'parms' is not a key.*'params'"),
        (
            "[[group]]",
            '[[group]]\nname = "all"\n[group.params]\nx = { path = "mag" }\n[[group]]',
            "rename one",
        ),
        ("[[group]]", '[[table]]\nname = "t"\nfrom = "rows"\n[[group]]', r"has no columns"),
        ("[when]", "[[event.role_rules]]\npath = 'id'\n[when]", r"has no 'equals'"),
        ("[[group]]", '[left_out]\nid = ""\n[[group]]', r"the reason is missing"),
    ],
)
def test_a_mistake_in_a_mapping_says_where_and_what_was_meant(old: str, new: str, message: str) -> None:
    assert old in SMALL
    with pytest.raises(MappingError, match=message) as caught:
        parse_mapping(SMALL.replace(old, new, 1), key="mine", filename="mine.toml")

    assert "mine.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mag = {", "magg = {", r"'magg' is unknown.*'mag'"),
        ('ra = "ra"', 'ra = "raa"', r"\[where\] ra.*'raa' is unknown"),
        ('path = "mjd"', 'path = "mjdd"', r"has none of mjdd"),
        ("mag = {", "rows = {", r"is a whole array"),
        ("mag = {", 'mag = { convert = "isdiffpos_to_sign", ', r"takes boolean, int, long, string"),
        ("{id}", "{idd}", r"\[event\] id.*'idd' is unknown"),
    ],
)
def test_a_field_that_the_schema_lacks_is_named_with_the_nearest(old: str, new: str, message: str) -> None:
    mapping = parse_mapping(SMALL.replace(old, new, 1), key="mine", filename="mine.toml")
    with pytest.raises(MappingError, match=message):
        compile_translator(mapping, MADE)
    if "is unknown" in message:
        faults = check_mapping(mapping, [MADE])
        assert any(fault.level == "error" for fault in faults)


def test_the_check_finds_words_outside_the_vocabularies() -> None:
    text = SMALL.replace("phot.mag", "phot.magnitude").replace('unit = "mag"', 'unit = "mags"')
    faults = check_mapping(parse_mapping(text, key="mine"), [MADE])

    assert [fault.level for fault in faults] == ["error", "error", "note"]
    assert "phot.magnitude" in faults[0].message
    assert "mags" in faults[1].message
    assert "rows" in faults[2].message


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"ra": None}, "ra", "position is missing"),
        ({"ra": float("nan")}, "ra", "position is impossible"),
        ({"dec": -91.0}, "dec", "position is impossible: dec is -91.0"),
        ({"mjd": float("nan")}, "mjd", "is not a date"),
    ],
)
def test_an_alert_without_place_or_time_is_refused_by_name(
    change: dict[str, Any], field: str, reason: str, make_alert: Any
) -> None:
    translator = compile_translator(parse_mapping(SMALL, key="mine"), MADE)
    with pytest.raises(PacketError, match=reason) as caught:
        translator(make_alert(MADE, GOOD | change).packet, date=DATE)

    assert caught.value.field == field


def test_a_cut_or_overlong_datum_is_refused(ztf_alerts: Any) -> None:
    packet = ztf_alerts[0].packet
    translator = compile_translator(choose_mapping(packet.schema), packet.schema)
    for data in (packet.data[:-1], packet.data + b"\0", packet.data[:100]):
        with pytest.raises(PacketError):
            translator(Packet(data, 0, len(data), packet.schema, packet.origin), date=DATE)


def test_an_earlier_event_is_cited_as_followed_up(make_alert: Any) -> None:
    translator = compile_translator(parse_mapping(SMALL, key="mine"), MADE)
    packet = make_alert(MADE, GOOD).packet
    root = etree.fromstring(translator(packet, date=DATE, cites="ivo://example.org/a#1&2").xml)
    cited = root.find("Citations/EventIVORN")

    assert cited is not None
    assert (cited.get("cite"), cited.text) == ("followup", "ivo://example.org/a#1&2")
    with pytest.raises(UsageError, match="cannot be cited"):
        translator(packet, date=DATE, cites="http://example.org")


@pytest.mark.parametrize("date", ["2016-12-31T23:59:60", "2026-11-20", "2026-11-20 00:00:00", ""])
def test_a_date_that_a_packet_cannot_carry_is_refused(date: str, make_alert: Any) -> None:
    translator = compile_translator(parse_mapping(SMALL, key="mine"), MADE)
    with pytest.raises(UsageError, match="is not a UTC time"):
        translator(make_alert(MADE, GOOD).packet, date=date)


def test_role_rules_and_the_role_option(make_alert: Any) -> None:
    text = SMALL.replace(
        "[where]", "[[event.role_rules]]\npath = 'id'\nequals = 8\nrole = 'test'\n[where]", 1
    )
    mapping = parse_mapping(text, key="mine")
    roles = [
        compile_translator(mapping, MADE, options)(make_alert(MADE, GOOD | {"id": event}).packet, date=DATE)
        for event, options in ((7, None), (8, None), (8, TranslateOptions(role="utility")))
    ]

    assert [event.role for event in roles] == ["observation", "test", "utility"]
    assert all(f'role="{event.role}"'.encode() in event.xml for event in roles)


def test_a_synthetic_rubin_source_becomes_a_test_event(lsst_alerts: Any, make_alert: Any) -> None:
    source = lsst_alerts[0]
    record = dict(source.record)
    record["diaSource"] = record["diaSource"] | {"pixelFlags_injectedCenter": True}
    schema = source.packet.schema
    event = compile_translator(choose_mapping(schema), schema)(make_alert(schema, record).packet, date=DATE)

    assert event.role == "test"


@pytest.mark.parametrize(
    "options",
    [
        {"local_ivo": "http://example.org"},
        {"local_ivo": "ivo://x"},
        {"local_ivo": "ivo://example.org/a#b"},
        {"role": "alert"},
        {"history": "some"},
        {"history": -1},
        {"history": True},
        {"cutouts": "link"},
        {"max_bytes": 0},
    ],
)
def test_an_option_without_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        TranslateOptions(**options)


def test_translators_are_compiled_once_and_show_their_lines_in_a_traceback(make_alert: Any) -> None:
    mapping = parse_mapping(SMALL, key="mine")
    translator = compile_translator(mapping, MADE)
    assert compile_translator(mapping, MADE) is translator
    with pytest.raises(PacketError) as caught:
        translator(make_alert(MADE, GOOD | {"ra": None}).packet, date=DATE)

    assert "CHECK_POSITION(v0_ra" in "".join(traceback.format_exception(caught.value))


def test_a_drafted_mapping_works_at_once(ztf_alerts: Any, fink_lsst_alerts: Any) -> None:
    for alert in (ztf_alerts[0], fink_lsst_alerts[0]):
        schema = alert.packet.schema
        text = write_scaffold(schema)
        mapping = parse_mapping(text, key="draft")
        event = compile_translator(mapping, schema)(alert.packet, date=DATE)

        assert "CHANGE" in text
        assert event.ra_deg == (alert.record.get("diaSource") or alert.record["candidate"])["ra"]
        assert [fault for fault in check_mapping(mapping, [schema]) if fault.level == "error"] == []


def test_an_unknown_mapping_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"no mapping 'zft'.*'ztf'"):
        load_mapping("zft")
    with pytest.raises(MappingError, match="cannot be read"):
        load_mapping(tmp_path / "none.toml")
    own = tmp_path / "own.toml"
    own.write_text(SMALL)
    assert load_mapping(own) is load_mapping(str(own))


def test_alerts_of_winter_decam_and_elasticc_convert_by_well_known_names(make_alert: Any) -> None:
    def schema(name: str, part: str, fields: list[tuple[str, str]], key: str) -> Schema:
        inner = {"type": "record", "name": part, "fields": [{"name": n, "type": t} for n, t in fields]}
        outer = [{"name": key, "type": "long"}, {"name": part, "type": inner}]
        return parse_schema({"type": "record", "name": name, "fields": outer})

    place = [("ra", "double"), ("dec", "double")]
    winter = schema("winter.alert", "candidate", [("jd", "double"), ("exptime", "float"), *place], "candid")
    decam = schema("desirt.alert", "candidate", [("mjd", "double"), *place], "candid")
    elasticc = schema(
        "elasticc.v0_9.alert",
        "diaSource",
        [("midPointTai", "double"), ("ra", "double"), ("decl", "double")],
        "alertId",
    )
    times = []
    for made, key, part, values in (
        (winter, "candid", "candidate", {"jd": 2460000.5, "exptime": 120.0, "ra": 1.0, "dec": 2.0}),
        (decam, "candid", "candidate", {"mjd": 60000.0, "ra": 1.0, "dec": 2.0}),
        (elasticc, "alertId", "diaSource", {"midPointTai": 60000.0, "ra": 1.0, "decl": 2.0}),
    ):
        mapping = choose_mapping(made)
        packet = make_alert(made, {key: 5, part: values}).packet
        event = compile_translator(mapping, made)(packet, date=DATE)
        assert (mapping.key, event.ra_deg, event.dec_deg) == ("generic", 1.0, 2.0)
        times.append(event.observed_at)

    assert times == ["2023-02-25T00:01:00.000", "2023-02-25T00:00:00.000", "2023-02-24T23:59:23.000"]


def test_the_generic_mapping_keeps_every_scalar_of_a_real_alert(ztf_alerts: Any) -> None:
    alert = ztf_alerts[0]
    schema = alert.packet.schema
    event = compile_translator(load_mapping("generic"), schema)(alert.packet, date=DATE)
    root = etree.fromstring(event.xml)
    params = {p.get("name"): p for p in root.findall("What/Group[@name='candidate']/Param")}
    scalars = [f for f in list_fields(schema) if f.path.startswith("candidate.") and f.kind == "scalar"]
    present = [f for f in scalars if alert.record["candidate"][f.path.split(".")[1]] is not None]

    assert len(params) == len(present)
    assert "start of exposure" in (params["jd"].findtext("Description") or "")
    assert len(root.findall("What/Table[@name='prv_candidates']/Data/TR")) == len(
        alert.record["prv_candidates"]
    )
