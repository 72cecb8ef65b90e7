"""Random alerts in the surveys' schemas: whatever they hold, the packet is valid or the alert is refused."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.alerts.schema import Node, Schema, parse_schema
from bridge.errors import PacketError
from bridge.mapping import TranslateOptions, choose_mapping, compile_translator
from bridge.resources import schemas_folder
from bridge.validate import validate
from bridge.voevent.ids import is_acceptable

DATE = "2026-11-20T00:00:00"
MANY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXTS = (
    "null",
    "nan",
    "None",
    "",
    "t",
    "f",
    "]]>",
    "a&b<c>\"'",
    "\x00\x0b\t\r\n",
    "x" * 400,
    "\ufffe\uffff",
    "\u00e9 \U0001f52d",
)
FLOATS = (-999.0, -99999.0, 0.0, -0.0, math.nan, math.inf, -math.inf, 18.472, 3.4e38, 1e-45, 1e-5, 16777216.0)
DOUBLES = (*FLOATS, 5e-324, 1.7e308, 2458814.6358333, 61105.093643486834, 360.0, -90.0, 1e16)
LONGS = (0, 1, -1, -999, 2**63 - 1, -(2**63), 2**53 + 1)
INTS = (0, 1, 2, 3, 4, -999, 2**31 - 1, -(2**31))


def value(node: Node, random: Random) -> Any:
    """A value of an Avro type, extremes above all. Drawn from one random source: records have 400 fields."""
    if node.logical == "timestamp-micros":
        return random.randrange(2_000_000_000_000_000)
    match node.kind:
        case "union":
            return value(random.choice(node.branches), random)
        case "record":
            return {name: value(inner, random) for name, (inner, _) in node.fields.items()}
        case "array":
            return [value(node.element, random) for _ in range(random.choice((0, 0, 1, 2, 7)))]
        case "null":
            return None
        case "boolean":
            return random.random() < 0.5
        case "int":
            return random.choice(INTS)
        case "long":
            return random.choice(LONGS)
        case "float":
            return random.choice(FLOATS) if random.random() < 0.5 else random.uniform(-1e6, 1e6)
        case "double":
            return random.choice(DOUBLES) if random.random() < 0.5 else random.uniform(-1e6, 1e6)
        case "string":
            return random.choice(TEXTS)
        case _:
            return random.randbytes(random.randrange(40))


def schema_of(name: str) -> Schema:
    return parse_schema((schemas_folder() / name).read_text(encoding="utf-8"))


def _placed(record: dict[str, Any], random: Random) -> dict[str, Any]:
    """Most alerts get a place and a time, so that they come through."""
    part = record.get("diaSource") or record["candidate"]
    if "isdiffpos" in part:
        part["isdiffpos"] = random.choice("tf01")
    if random.random() < 0.8:
        part["ra"], part["dec"] = random.uniform(0, 360), random.uniform(-90, 90)
        for name, low in (("jd", 2458000.0), ("midpointMjdTai", 60000.0)):
            if name in part:
                part[name] = low + random.uniform(0, 9000)
    return record


@pytest.mark.parametrize("name", ["ztf/3.3.avsc", "ztf/4.02.avsc", "lsst/10.0.avsc", "lsst/11.1.avsc"])
@MANY
@given(random=st.randoms(use_true_random=True))
def test_random_alerts_become_valid_packets_or_are_refused(
    name: str, random: Random, make_alert: Any, judge: Any
) -> None:
    schema = schema_of(name)
    mapping = choose_mapping(schema)
    alert = make_alert(schema, _placed(value(schema.root, random), random))
    try:
        event = compile_translator(mapping, schema)(alert.packet, date=DATE)
    except PacketError as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert refused.field in compile_translator(mapping, schema).paths
        return

    assert validate(event.xml).findings == ()
    assert is_acceptable(event.ivorn)
    assert len(event.xml) <= 99_999
    judge(event.xml, alert.record, mapping, schema)


@MANY
@given(data=st.data())
def test_the_generic_mapping_takes_any_schema_that_has_a_place_and_a_time(
    data: st.DataObject, make_alert: Any
) -> None:
    extra = data.draw(
        st.lists(
            st.tuples(
                st.from_regex(r"x[a-z]{1,6}", fullmatch=True),
                st.sampled_from(["boolean", "int", "long", "float", "double", "string", "bytes"]),
                st.sampled_from(["plain", "nullable", "column"]),
            ),
            max_size=6,
            unique_by=lambda item: item[0],
        )
    )
    shapes = {
        "plain": lambda kind: kind,
        "nullable": lambda kind: ["null", kind],
        "column": lambda kind: {"type": "array", "items": ["null", kind]},
    }
    fields = [{"name": name, "type": shapes[shape](kind), "doc": "<&\x01"} for name, kind, shape in extra]
    needed = [("id", "long"), ("ra", "double"), ("dec", "double"), ("mjd", "double")]
    fields += [{"name": name, "type": kind} for name, kind in needed]
    schema = parse_schema({"type": "record", "name": "made.alert", "fields": fields})
    random = data.draw(st.randoms(use_true_random=True))
    record = value(schema.root, random) | {"ra": 10.0, "dec": -5.0, "mjd": 60000.5}
    mapping = choose_mapping(schema)
    event = compile_translator(mapping, schema)(make_alert(schema, record).packet, date=DATE)

    assert mapping.key == "generic"
    assert b"Generic translation" in event.xml
    assert validate(event.xml).findings == ()
    assert event.ivorn.endswith(f"/made.alert#{record['id']}")
    assert event.observed_at == "2023-02-25T12:00:00.000"


@pytest.mark.parametrize("limit", [1, 5_000, 12_000, 16_000, 17_500, 18_500, 20_000, 30_000, 45_000])
def test_whatever_the_limit_the_packet_keeps_it_or_is_refused(ztf_alerts: Any, limit: int) -> None:
    for alert in ztf_alerts:
        schema = alert.packet.schema
        options = TranslateOptions(max_bytes=limit, cutouts="embed")
        try:
            event = compile_translator(choose_mapping(schema), schema, options)(alert.packet, date=DATE)
        except PacketError:
            assert limit < 20_000
            continue

        assert len(event.xml) <= limit
        assert validate(event.xml).findings == ()
        assert event.shed
        assert all(sentence.encode() in event.xml for sentence in event.shed)
        assert len(event.xml) > limit - 15_000 or limit == 45_000
