"""The closed set of conversions, and how they and codes show in a packet."""

from __future__ import annotations

import math
from typing import Any

import pytest
from lxml import etree

from bridge.alerts.schema import parse_schema
from bridge.mapping import compile_translator
from bridge.mapping.convert import CONVERSIONS
from bridge.mapping.load import parse_mapping

DATE = "2026-11-20T00:00:00"


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("jd_to_iso", 2458814.6358333, "2019-11-27T03:15:35.997"),
        ("jd_to_iso", math.nan, None),
        ("mjd_to_iso", 60000.5, "2023-02-25T12:00:00.000"),
        ("mjd_to_iso", -1.0, None),
        ("mjd_tai_to_utc", 61105.093643486834, "2026-03-06T02:14:13.797"),
        ("mjd_tai_to_utc", math.inf, None),
        ("njy_to_abmag", 1.0, "31.4000"),
        ("njy_to_abmag", 3631e9, "-0.0000"),
        ("njy_to_abmag", 0.0, None),
        ("njy_to_abmag", -5.0, None),
        ("njy_to_abmag", math.inf, None),
        ("isdiffpos_to_sign", "t", "+1"),
        ("isdiffpos_to_sign", "1", "+1"),
        ("isdiffpos_to_sign", True, "+1"),
        ("isdiffpos_to_sign", "f", "-1"),
        ("isdiffpos_to_sign", 0, "-1"),
        ("isdiffpos_to_sign", "?", None),
        ("deg_to_arcsec", 0.5, "1800"),
        ("deg_to_arcsec", math.nan, None),
    ],
)
def test_conversion(name: str, value: Any, text: str | None) -> None:
    made = CONVERSIONS[name].function(value)
    if name == "njy_to_abmag" and text == "-0.0000":
        assert made is not None
        assert abs(float(made)) < 0.001
    else:
        assert made == text


def test_every_kind_of_value_has_its_text(make_alert: Any) -> None:
    fields = [
        ("id", "string"),
        ("ra", "float"),
        ("dec", "double"),
        ("mjd", "double"),
        ("yes", "boolean"),
        ("unknown", ["null", "boolean"]),
        ("raw", "bytes"),
        ("when", {"type": "long", "logicalType": "timestamp-micros"}),
        ("kind", {"type": "enum", "name": "kinds", "symbols": ["star", "galaxy"]}),
        ("code", "int"),
        ("other", "int"),
        ("scores", {"type": "map", "values": "double"}),
        ("flags", {"type": "array", "items": "boolean"}),
    ]
    schema = parse_schema(
        {"type": "record", "name": "kinds.alert", "fields": [{"name": n, "type": t} for n, t in fields]}
    )
    mapping = parse_mapping(
        """
title = "Kinds"
[event]
id = "kinds#{id}"
[where]
ra = "ra"
dec = "dec"
error_deg = 1e-3
error_from = ["code"]
[[when]]
path = "mjd"
scale = "mjd_utc"
[[reference]]
uri = "https://example.org/{id}"
[[group]]
name = "all"
[group.params]
ra = {}
yes = {}
unknown = {}
raw = {}
when = {}
kind = {}
code = { codes = { 3 = "three" } }
other = { codes = { 3 = "three" } }
good = { path = "scores.good" }
bad = { path = "scores.bad" }
[[table]]
name = "flags"
from = "flags"
[table.columns]
flag = { path = "." }
""",
        key="kinds",
    )
    record = {
        "id": "a b/\u00e9#1",
        "ra": 18.472,
        "dec": 1e-7,
        "mjd": 60000.0,
        "yes": True,
        "unknown": None,
        "raw": b"\x00\xff",
        "when": 1_600_000_000_000_001,
        "kind": "galaxy",
        "code": 3,
        "other": 4,
        "scores": {"good": 0.25},
        "flags": [True, False],
    }
    event = compile_translator(mapping, schema)(make_alert(schema, record).packet, date=DATE)
    root = etree.fromstring(event.xml)
    params = {p.get("name"): p.get("value") for p in root.iter("Param")}

    assert event.ivorn == "ivo://voevent-bridge.local/feed/kinds#a%20b%2F%C3%A9%231"
    assert params == {
        "ra": "18.472",
        "yes": "true",
        "raw": "AP8=",
        "when": "2020-09-13T12:26:40.000001Z",
        "kind": "galaxy",
        "code": "three",
        "other": "4",
        "good": "0.25",
    }
    assert [td.text for td in root.iter("TD")] == ["true", "false"]
    assert root.find("Reference").get("uri") == "https://example.org/a%20b%2F%C3%A9%231"
    assert root.findtext(".//C1") == "18.472"
    assert root.findtext(".//Error2Radius") == "3"
