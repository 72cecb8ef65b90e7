"""The parts that translate documents, each by itself: paths, times, numbers, mapping files, the page."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from gw_alerts import gw_alert, in_avro, in_json
from hypothesis import given
from hypothesis import strategies as st
from notice_packets import DATE, checked, group_of, params_of

from bridge.alerts.packet import Document, Origin, Packet
from bridge.errors import MappingError, PacketError
from bridge.journal import Journal, NewEntry
from bridge.mapping import TranslateOptions, compile_translator, list_mappings, load_mapping
from bridge.mapping.check import check_documents, check_mapping
from bridge.mapping.documents import (
    Notice,
    choose_for_notice,
    document_translator,
    notice_of_document,
    notice_of_packet,
)
from bridge.mapping.documents.identity import serial_number, stream_of
from bridge.mapping.documents.paths import first_value, has_value, value_at
from bridge.mapping.load import parse_mapping
from bridge.mapping.times import utc_from_iso
from bridge.voevent.event import Earlier

DOCS = Path(__file__).resolve().parents[2] / "docs" / "json-notices.md"
SMALL = """
title = "Small"
reads = "documents"
[event]
id = "small#{id}"
[when]
path = "at"
scale = "iso_utc"
"""
CONTENT = {"id": "1", "at": "2026-01-01T00:00:00", "list": [{"x": 1}, {"x": 2}, {}], "deep": {"a": [5, 6]}}


def notice(**content: Any) -> Notice:
    return notice_of_document(Document(json.dumps(content).encode(), "json", Origin("x", 0)))


def translated(mapping: str, options: TranslateOptions | None = None, **content: Any) -> Any:
    mapped = parse_mapping(mapping, key="small")
    return checked(document_translator(mapped, options)(notice(**{**CONTENT, **content}), date=DATE))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("id", "1"),
        ("deep.a", [5, 6]),
        ("deep.a[0]", 5),
        ("deep.a[-1]", 6),
        ("deep.a[2]", None),
        ("deep.a[-3]", None),
        ("list.x", [1, 2, None]),
        ("list[1].x", 2),
        ("id.x", None),
        ("id[0]", None),
        ("nothing.at.all", None),
        ("", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: Any) -> None:
    assert value_at(CONTENT, path) == value
    assert first_value(CONTENT, ("none", path)) == (value, "" if value is None else path)


def test_null_is_there_and_is_no_value() -> None:
    assert has_value({"a": {"b": None}}, "a.b")
    assert not has_value({"a": {"b": None}}, "a.c")
    assert has_value({"a": [None]}, "a[0]")
    assert not has_value({"a": [None]}, "a[1]")
    assert not has_value({"a": 1}, "a.b")
    assert first_value({"a": None}, ("a",)) == (None, "")


@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)), st.integers(-14 * 60, 14 * 60))
def test_a_time_of_any_zone_is_the_same_instant_in_utc(utc: datetime, offset_min: int) -> None:
    here = utc.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=offset_min)))
    assert datetime.fromisoformat(utc_from_iso(here.isoformat())) == utc
    assert datetime.fromisoformat(utc_from_iso(here.isoformat(" "))) == utc


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2024-01-01T00:00:00", "2024-01-01T00:00:00"),
        ("2024-01-01T00:00:00.123456789Z", "2024-01-01T00:00:00.123456789"),
        (" 2024-01-01 00:00 UTC", "2024-01-01T00:00:00"),
        ("2024-01-01T00:00:00+01", "2023-12-31T23:00:00"),
        ("2016-12-31T23:59:60.5Z", "2016-12-31T23:59:60.5"),
        ("2024-01-01T00:00:00,5-0130", "2024-01-01T01:30:00.5"),
    ],
)
def test_times_keep_their_digits_and_leap_seconds(text: str, utc: str) -> None:
    assert utc_from_iso(text) == utc


@pytest.mark.parametrize("text", ["", "2024", "2024-01-01", "2024-13-01T00:00:00", "2024-01-01T24:00:01",
                                  "2024-01-01T00:00:60Z", "0001-01-01T00:00:00+05:00", "now"])  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PacketError, match="time"):
        utc_from_iso(text)


def test_the_number_of_a_packet_follows_the_last_and_counts_days_where_none_is_known() -> None:
    before = [Earlier(f"ivo://gwnet/LVC#S230518h-{n}-X", "") for n in (2, 7, 3)] + [
        Earlier("ivo://a/b#c", "")
    ]
    assert serial_number(before, None, "S230518h", "2023-06-18T00:00:00Z") == 8
    assert serial_number([], None, "S230518h", "2023-05-18T13:00:00Z") == 1
    assert serial_number([], None, "S230518h", "2023-05-17T23:59:59Z") == 1
    assert serial_number([], None, "MS230518h", "2023-06-18T00:00:00Z") == 31
    assert serial_number([], None, "S239918h", "2023-06-18T00:00:00Z") == 1
    assert serial_number([], None, "S230518h", "") == 1
    assert serial_number([], None, "GW", "2023-06-18T00:00:00Z") == 1
    assert serial_number(before, "ivo://gwnet/LVC#S230518h-3-X", "S230518h", "") == 3


@pytest.mark.parametrize(
    ("url", "stream"),
    [
        (
            "https://gcn.nasa.gov/schema/main/gcn/notices/swift/bat/Guano.schema.json",
            "gcn.notices.swift.bat.Guano",
        ),
        ("https://gcn.nasa.gov/schema/v7.2.0/gcn/notices/boom/alert.schema.json", "gcn.notices.boom.alert"),
        ("https://example.org/a b/c.json", "https-.example.org.a-b.c"),
        ("", "notice"),
    ],
)
def test_a_schema_s_url_names_the_stream(url: str, stream: str) -> None:
    assert stream_of(url).replace("..", ".") == stream


def test_a_document_needs_neither_position_nor_time() -> None:
    assert translated(SMALL, at=None).find("WhereWhen") is None
    timed = translated(SMALL)
    assert timed.findtext(".//ISOTime") == "2026-01-01T00:00:00"
    assert timed.find(".//Position2D") is None
    placed = SMALL + '[where]\nra = "ra"\ndec = "dec"\nerror_deg = 0.5\n'
    root = translated(placed, ra=1, dec=2, at=None)
    assert (root.find(".//Time"), root.findtext(".//Error2Radius")) == (None, "0.5")


def test_a_table_shows_chosen_rows_and_the_newest_of_them() -> None:
    table = SMALL + (
        '[[table]]\nname = "t"\nfrom = "rows"\ntime = "t"\nwhere_set = "m"\n[table.columns]\nt = {}\nm = {}\n'
        '[[table]]\nname = "limits"\nfrom = "rows"\ntime = "t"\nwhere_null = "m"\n[table.columns]\nt = {}\n'
    )
    rows = [{"t": 3, "m": 1}, {"t": 1, "m": 2.5}, {"t": 2}, {"t": 2.5, "m": 4}, 7]
    shown = translated(table, TranslateOptions(history=2), rows=rows)
    cells = [[td.text for td in tr] for tr in shown.iterfind("What/Table[@name='t']/Data/TR")]
    assert cells == [["3", "1"], ["2.5", "4"]]
    assert [td.text for td in shown.iterfind("What/Table[@name='limits']/Data/TR/TD")] == ["2"]
    assert shown.find("What/Table[@name='t']/Field").get("dataType") == "float"
    assert translated(table, TranslateOptions(history="none"), rows=rows).find("What/Table") is None
    assert translated(table, TranslateOptions(history=0), rows=rows).find("What/Table") is None
    assert translated(table, rows="odd").find("What/Table") is None


def test_a_table_that_does_not_fit_loses_its_oldest_rows_with_a_note() -> None:
    table = SMALL + '[[table]]\nname = "t"\nfrom = "rows"\ntime = "at"\n[table.columns]\nat = {}\nm = {}\n'
    rows = [{"at": f"2026-01-{day:02d}", "m": "x" * 400} for day in range(28, 0, -1)]
    root = translated(table, TranslateOptions(max_bytes=8000), rows=rows)
    shown = [str(tr.findtext("TD")) for tr in root.iterfind("What/Table/Data/TR")]
    assert shown == [f"2026-01-{day:02d}" for day in range(28, 28 - len(shown), -1)]
    assert 5 < len(shown) < 28
    assert "are left out" in str(root.findtext("What/Table/Description"))


def test_params_follow_the_mapping_s_words() -> None:
    lines = """
[params]
fixed = { value = "yes" }
number = { value = "7", type = "int", ucd = "meta.number" }
list = { path = "deep.a", join = "," }
coded = { path = "words", codes = { a = "Alpha" }, join = "+" }
first = { path = ["missing", "none", "deep.a[0]"], absent = ["-"], type = "float" }
flag = { path = "flag", convert = "boolean_to_int" }
wrong = { path = "words", convert = "boolean_to_int" }
far = { path = "mjd", convert = "mjd_to_iso" }
gone = { path = "minus", absent = [-999.0] }
kept = { path = "one", absent = [true] }
"""
    root = translated(SMALL + lines, words=["a", "b"], none="-", flag=True, mjd=1e9, minus=-999, one=1)
    said = params_of(root)
    # What a conversion does not take stays as it is; a time that is none is left out.
    derived = {"list": "5,6", "coded": "Alpha+b", "first": "5", "flag": "1", "wrong": "a b"}
    assert said == {"fixed": "yes", "number": "7", "kept": "1"} | derived
    types = {str(each.get("name")): each.get("dataType") for each in root.iterfind("What/Param")}
    assert (types["number"], types["first"], types["flag"], types["list"]) == (
        "int",
        "float",
        "int",
        "string",
    )


def test_of_alternatives_the_one_that_is_not_taken_is_part_of_the_rest() -> None:
    lines = "rest = true\n" + SMALL + '[where]\nra = ["ra", "RA"]\ndec = "dec"\nerror_deg = 0\n[params]\n'
    root = translated(lines + 'name = { path = ["name", "label"] }\n', name="n", label="l", ra=1, RA=2, dec=3)
    assert params_of(root) | {"name": "n", "label": "l", "ra": "1", "RA": "2", "dec": "3"} == params_of(root)
    assert root.findtext(".//C1") == "1"
    other = translated(lines + 'name = { path = ["name", "label"] }\n', label="l")
    assert (params_of(other)["name"], "label" in params_of(other)) == ("l", False)


def test_an_object_of_classes_that_holds_more_than_numbers_is_part_of_the_rest() -> None:
    lines = "rest = true\n" + SMALL + '[[group]]\nname = "scores"\n[group.each]\npath = "scores"\n'
    assert group_of(translated(lines, scores={"a": 0.5}), "scores") == {"a": "0.5"}
    root = translated(lines, scores={"a": {"p": 0.5}, "b": 0.25})
    assert group_of(root, "scores.a") == {"p": "0.5"}


def test_an_inference_may_have_its_concept_from_the_document_and_nothing_odd() -> None:
    why = (
        '[[why.inference]]\nname = "class"\nprobability = "p"\nconcept_from = "kind"\ncodes = { g = "GRB" }\n'
        '[[why.inference]]\neach = "scores"\nrelation = "is"\n'
    )
    root = translated(SMALL + why, p=0.5, kind="g", scores={"a": 1, "b": True, "c": "1", "d": 2, "e": 0.25})
    found = [(each.findtext("Concept"), each.get("probability"), each.findtext("Description"))
             for each in root.iterfind("Why/Inference")]  # fmt: skip
    assert found == [("GRB", "0.5", "class"), ("a", "1", None), ("e", "0.25", None)]
    assert root.find("Why/Inference/Name") is None
    assert translated(SMALL + why, p="high", scores=[1]).find("Why") is None


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('[where]\nra = "a"\ndec = "b"\nerror_deg = 1\nerror = "c"', r"\[where\] error is for documents"),
        ('[params]\nx = { path = "a" }', r"\[params\] is for documents"),
        ('[[group]]\nname = "g"\ntype = "t"', "'each' and 'type' in a group is for documents"),
        ('[[group]]\nname = "g"\n[group.params]\nx = { value = "1" }', "'value' and 'type' of a Param"),
        ('[match]\ntopic = "x"', r"\[match\] topic is for documents"),
    ],
)
def test_what_only_documents_have_is_refused_in_a_mapping_for_alerts(more: str, words: str) -> None:
    where = "" if "[where]" in more else '[where]\nra = "a"\ndec = "b"\nerror_deg = 1\n'
    text = SMALL.replace('reads = "documents"\n', "").replace("iso_utc", "mjd_utc") + where + more
    with pytest.raises(MappingError, match=words):
        parse_mapping(text, key="x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SMALL.replace('"documents"', '"document"'), "Did you mean 'documents'"),
        (SMALL.replace("iso_utc", "iso"), "iso_utc"),
        (SMALL + "[match]\nschema_url = '('\n", "'schema_url': not a regular expression"),
        (SMALL + "[match]\ntopic = '('\n", "'topic': not a regular expression"),
        (SMALL.replace("[when]", "role_rules = [{ path = 'a', matches = '(' }]\n[when]"), "'matches'"),
        (
            SMALL.replace("[when]", "cite_rules = [{ path = 'a', cite = 'followup' }]\n[when]"),
            "has no 'equals'",
        ),
        (SMALL + "[how]\neach = { codes = { a = 'b' } }\n", "has no 'path'"),
        (SMALL + '[[table]]\nname = "t"\nfrom = "r"\ncurrent = "c"\n[table.columns]\nx = {}\n', "'current'"),
    ],
)
def test_a_mistake_in_a_mapping_for_documents_is_named(text: str, words: str) -> None:
    with pytest.raises(MappingError, match=re.escape(words)):
        parse_mapping(text, key="x")


def test_a_mapping_for_one_kind_does_not_serve_the_other() -> None:
    with pytest.raises(MappingError, match="is for Avro alerts and not for JSON"):
        document_translator(load_mapping("ztf"))
    with pytest.raises(MappingError, match="reads notices as a whole"):
        compile_translator(load_mapping("gcn-notice"), in_avro(gw_alert("INITIAL")).schema)


def test_damaged_avro_is_refused() -> None:
    packet = in_avro(gw_alert("INITIAL"))
    cut = Packet(packet.data, 0, packet.stop - 9, packet.schema, packet.origin)
    with pytest.raises(PacketError, match="too early"):
        notice_of_packet(cut)


def test_all_packaged_mappings_for_documents_are_without_fault() -> None:
    mappings = [item for item in list_mappings() if item.reads_documents]
    assert len(mappings) == 6
    assert [fault for item in mappings for fault in check_mapping(item, []) if fault.level == "error"] == []


def test_a_check_tries_the_mapping_on_notices_and_says_what_it_leaves_out() -> None:
    mapping = parse_mapping(SMALL + "[params]\nlost = {}\nid = {}\n", key="small")
    good, bad = notice(**CONTENT), notice(id="2", at="never")
    faults = [(fault.level, fault.where, fault.message) for fault in check_documents(mapping, [good, bad])]
    assert faults == [
        ("error", "notice 2", "It cannot become a VOEvent: time 'never' is not a date and time in ISO 8601."),
        ("note", "notice 1", "Neither mapped nor in [left_out]: deep, list."),
        ("note", "params, lost", "None of the 2 notices has lost."),
    ]


def test_the_journal_knows_all_events_about_an_object(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "journal") as journal:
        entries = [
            NewEntry(
                f"ivo://a.b/c#{n}",
                b"<x/>",
                kind="authored",
                role="test",
                digest=bytes([n]) * 32,
                object_key=key,
                observed_at=at,
            )
            for n, key, at in ((1, "o", "2026-01-01T00:00:00"), (2, "p", None), (3, "o", None), (4, "", None))
        ]
        journal.append(entries, {})
        assert journal.events_about("o") == [
            ("ivo://a.b/c#1", "01" * 32, "2026-01-01T00:00:00"),
            ("ivo://a.b/c#3", "03" * 32, ""),
        ]
        assert journal.events_about("") == []


def test_the_page_on_notices_names_the_mappings_and_every_field_of_an_alert() -> None:
    text = DOCS.read_text(encoding="utf-8")
    keys = {item.key for item in list_mappings() if item.reads_documents}
    assert set(re.findall(r"^\| `([a-z-]+)` \| ", text, re.M)) >= keys
    table = text.split("## Gravitational waves")[1].split("## GCN's notices")[0]
    told = {row.removesuffix(".*") for row in re.findall(r"^\| `([a-z_.*]+)` \|", table, re.M)}
    alert = gw_alert("INITIAL")
    event = {f"event.{key}" for key in alert.pop("event")}
    alert.pop("urls")
    assert told == event | set(alert) | {"urls.gracedb", "external_coinc.combined_skymap"}
    mapping = load_mapping("igwn-gwalert")
    names = [value.name for value in mapping.params] + [
        v.name for group in mapping.groups for v in group.params
    ]
    assert [name for name in names if f"`{name}`" not in text] == []


def test_the_page_s_example_in_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DOCS.read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, content in re.findall(r"<!-- file: (.*?) -->\n```\w+\n(.*?)```", text, re.S):
        (tmp_path / name).write_text(content)
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["event"].ivorn.startswith("ivo://org.example/bridge/mine#X1-")


def test_the_page_s_rows_on_gcn_are_true() -> None:
    mapping = load_mapping("gcn-notice")
    table = DOCS.read_text(encoding="utf-8").split("## GCN's notices")[1].split("##")[0]
    for fields, place in re.findall(r"^\| (`.*?`) \| (.*?) \|$", table, re.M):
        group = re.search(r"Group `(\w+)`", place)
        content = {name: {"k": 0.5} if name in ("classification", "properties", "reference") else 0.5
                   for name in re.findall(r"`(\w+)`", fields)}  # fmt: skip
        if not group or not content or "healpix_file" in content:
            continue
        whole = notice(**{"id": "1", "trigger_time": "2026-01-01T00:00:00", **content})
        root = checked(document_translator(mapping)(whole, date=DATE))
        assert set(group_of(root, group[1])) >= {
            "k" if isinstance(v, dict) else n for n, v in content.items()
        }


def test_gravitational_waves_are_chosen_by_their_fields_without_a_topic() -> None:
    assert choose_for_notice(notice_of_document(in_json(gw_alert("RETRACTION")))).key == "igwn-gwalert"
