"""Filters on VOEvents: Params by their names, numbers as numbers, tables as light curves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.alerts.fields import follow, resolve
from bridge.alerts.lens import compile_lens
from bridge.alerts.paths import Key, join_path, split_path
from bridge.alerts.schema import Schema, parse_schema
from bridge.errors import ExpressionError, SchemaError
from bridge.filters import Filter
from bridge.voevent.avro import decode_record, encode_record, schema_text
from bridge.voevent.model import VOEvent
from bridge.voevent.read_xml import read_xml

C1 = "WhereWhen.ObsDataLocation.ObservationLocation.AstroCoords.Position2D.Value2.C1.value"
PACKET = b"""<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
 ivorn="ivo://example.org/stream#7"><What><Param name="signif" value="7.50"/><Param name="n" value="12"/>
 <Param name="kind" value="source"/><Param name="n" value="99"/><Param name="it's" value="1"/>
 <Group name="sun"><Param name="ra" value="222.34"/></Group>
 <Table name="curve"><Field name="mag"/><Field name="band"/>
 <Data><TR><TD>18.25</TD><TD>g</TD></TR><TR><TD/><TD>r</TD></TR><TR><TD>17</TD><TD>g</TD></TR></Data></Table>
 </What><WhereWhen><ObsDataLocation><ObservationLocation><AstroCoords><Position2D><Value2><C1>284.5</C1>
 <C2>-60.65</C2></Value2></Position2D></AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
 <Why importance="0.9"/></voe:VOEvent>"""


@pytest.fixture(scope="module")
def schema() -> Schema:
    return parse_schema(schema_text())


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("What.Param['signif'].value > 5", True),
        ("What.Param['signif'].value > 7.5", False),
        ("What.Param['n'].value = 12", True),
        ("What.Param['n'].value / 5 = 2.4", True),
        ("What.Param['kind'].text = 'source'", True),
        ("What.Param['kind'].value IS NULL", True),
        ("What.Param['absent'].value IS NULL AND NOT What.Param['absent'].value > 1 IS TRUE", True),
        ("What.Param['it''s'].value = 1", True),
        ("What.Group['sun'].Param['ra'].value BETWEEN 222 AND 223", True),
        ("What.Group['moon'].Param['ra'].value BETWEEN 222 AND 223", False),
        ("max(What.\"Table\"['curve'].Field['mag'].values) = 18.25", True),
        ("count(What.Table['curve'].Field['mag'].values) = 2", True),
        ("count(What.Table['lost'].Field['mag'].values) = 0", True),
        ("first(What.Table['curve'].Field['band'].texts) = 'g'", True),
        ("sum(What.Group['sun'].Param.value) > 222", True),
        (f"{C1} > 284 AND cone({C1}, {C1.replace('C1', 'C2')}, 284.5, -60.65, 0.1)", True),
        ("role = 'test' AND ivorn LIKE 'ivo://example.org/%'", True),
        ("Why.importance.value >= 0.9 AND Citations IS NULL", True),
    ],
)
def test_a_filter_on_a_voevent(schema: Schema, text: str, passes: bool) -> None:
    assert Filter(text).compile(schema)(encode_record(read_xml(PACKET))) is passes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("What.Param['signif'].valeu > 5", "Did you mean \"What.Param['signif'].value\""),
        ("What.Param[1].value > 5", "a name in single quotes"),
        ("What['signif'].value > 5", "'What' is of type record"),
        ("What.Description['x'] = 'y'", "the entries of 'What.Description' have no names"),
        ("What.Param['signif'] > 5", "can only be tested"),
        ("What.Param.value > 5", "can only be tested"),
        ("What.Table['curve'].Field['mag'].values > 5", "light-curve column"),
    ],
)
def test_a_path_that_leads_nowhere_is_told_before_the_first_packet(
    schema: Schema, text: str, message: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        Filter(text).compile(schema)
    assert message in str(caught.value)


def test_a_key_also_picks_from_a_map() -> None:
    values = '{"type": "map", "values": "double"}'
    schema = parse_schema(f'{{"type": "record", "name": "a", "fields": [{{"name": "m", "type": {values}}}]}}')
    datum = b"\x02\x06g r" + b"\x00\x00\x00\x00\x00\x00\x08\x40" + b"\x00"

    assert Filter("m['g r'] = 3").compile(schema)(datum)
    assert not Filter("m['g'] = 3").compile(schema)(datum)


def test_the_lens_gives_what_a_full_decode_gives_on_real_packets(
    schema: Schema, real_packets: list[bytes]
) -> None:
    paths = (
        "What.Param['Packet_Type'].value",
        "What.Group['Obs_Support_Info'].Param['Sun_RA'].value",
        C1,
        "role",
    )
    lens = compile_lens(schema, paths)
    found = 0
    for xml in real_packets:
        datum = encode_record(read_xml(xml))
        expected = tuple(follow(decode_record(datum), resolve(schema, path)) for path in paths)
        assert lens(datum) == expected
        found += expected[0] is not None
    assert found > len(real_packets) / 3


@given(st.lists(st.text(min_size=1).map(Key) | st.from_regex(r"[a-z]\w{0,3}", fullmatch=True), min_size=1))
def test_every_path_can_be_written_and_read(steps: list[str]) -> None:
    steps = ["first", *steps]
    again = split_path(join_path(steps))

    assert list(again) == steps
    assert [type(step) for step in again] == [type(step) for step in steps]


@pytest.mark.parametrize("path", ["a['b", "a[b]", "a['b'c']", "a[]", "a]b"])
def test_brackets_that_do_not_match_are_refused(path: str) -> None:
    with pytest.raises(SchemaError, match="cannot be read"):
        split_path(path)


def test_a_param_made_by_hand_can_be_filtered(schema: Schema) -> None:
    datum = VOEvent.from_dict({"What": {"Param": [{"name": "x", "value": 3}]}}).to_avro()
    assert Filter("What.Param['x'].value = 3").compile(schema)(datum)
