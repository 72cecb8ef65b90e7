"""The model as a person uses it: names, numbers, position, tables, and errors that say where."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import bridge
from bridge.errors import PacketError
from bridge.voevent.model import VOEvent
from bridge.voevent.what import Group, Param, What

PACKET = b"""<?xml version="1.0"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
  ivorn="ivo://example.org/stream#7">
  <Who><AuthorIVORN>ivo://example.org</AuthorIVORN><Date>2026-01-02T03:04:05</Date></Who>
  <What>
    <Param name="signif" value="7.50" unit="sigma" ucd="stat.snr"/>
    <Param name="kind" value="source_object"/>
    <Param name="kind" value="second"/>
    <Param value="nameless"/>
    <Param name="words"><Value>in an element</Value></Param>
    <Param name="nothing"/>
    <Group name="sun"><Param name="ra" value="222.34" unit="deg"/></Group>
    <Table name="curve">
      <Field name="mjd"/><Field name="band"/><Field name="mag"/>
      <Data>
        <TR><TD>61000.5</TD><TD>g</TD><TD>18.25</TD></TR>
        <TR><TD>61001</TD><TD>r</TD><TD/></TR>
      </Data>
    </Table>
  </What>
  <WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOLUN"/><ObservationLocation>
    <AstroCoordSystem id="UTC-FK5-GEO"/>
    <AstroCoords coord_system_id="UTC-FK5-GEO">
      <Time unit="s"><TimeInstant><ISOTime>2026-01-02T03:04:00.25</ISOTime></TimeInstant></Time>
      <Position2D unit="deg"><Value2><C1>284.5300</C1><C2>-60.65</C2></Value2>
        <Error2Radius>6.59</Error2Radius></Position2D>
    </AstroCoords>
  </ObservationLocation></ObsDataLocation></WhereWhen>
  <Citations><EventIVORN cite="followup">ivo://example.org/stream#6</EventIVORN></Citations>
</voe:VOEvent>"""


def test_params_and_groups_are_found_by_their_names() -> None:
    event = bridge.VOEvent.parse(PACKET)

    assert (event.ivorn, event.role, event.version) == ("ivo://example.org/stream#7", "test", "2.0")
    assert event.params["signif"].value == 7.5
    assert event.params["signif"].written == "7.50"
    assert event.params["signif"].unit == "sigma"
    assert event.params["kind"].value == "source_object"
    assert event.params["words"].value == "in an element"
    assert event.params["nothing"].value is None
    assert event.groups["sun"]["ra"].value == 222.34
    assert list(event.params) == ["signif", "kind", "words", "nothing"]
    assert (len(event.params), len(event.params.all)) == (4, 6)


def test_a_name_that_is_not_there_is_answered_with_those_near_it() -> None:
    with pytest.raises(KeyError, match=r"no Param 'sgnif'; near it are 'signif'"):
        VOEvent.parse(PACKET).params["sgnif"]


def test_position_and_time_are_plain_values() -> None:
    event = VOEvent.parse(PACKET)

    assert event.position is not None
    assert (event.position.ra_deg, event.position.dec_deg) == (284.53, -60.65)
    assert (event.position.error_deg, event.position.frame) == (6.59, "FK5")
    assert (event.time, event.coord_system) == ("2026-01-02T03:04:00.25", "UTC-FK5-GEO")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"<C2>-60.65</C2>", b"<C2>-91</C2>", None),
        (b"<C2>-60.65</C2>", b"<C2>NaN</C2>", None),
        (b'Position2D unit="deg"', b'Position2D unit="furlong"', None),
        (b'Position2D unit="deg"', b"Position2D", (284.53, -60.65)),
        (b"<C1>284.5300</C1><C2>-60.65</C2>", b"<C1>0</C1><C2>0</C2>", (0.0, 0.0)),
    ],
)
def test_a_position_is_given_only_where_it_can_be_one(
    old: bytes, new: bytes, expected: tuple[float, float] | None
) -> None:
    assert old in PACKET
    position = VOEvent.parse(PACKET.replace(old, new)).position
    assert (position and (position.ra_deg, position.dec_deg)) == expected


def test_a_position_in_radians_with_an_error_in_arcseconds_comes_in_degrees() -> None:
    packet = PACKET.replace(b'Position2D unit="deg"', b'Position2D unit="rad"')
    packet = packet.replace(b"284.5300", b"1.0").replace(b"-60.65", b"0.5")
    packet = packet.replace(b"<Error2Radius>6.59", b'<Error2Radius pos_unit="arcsec">36')
    position = VOEvent.parse(packet).position

    assert position is not None
    assert position.ra_deg == pytest.approx(57.29577951308232)
    assert position.error_deg == pytest.approx(0.01)


def test_a_table_has_columns_of_numbers() -> None:
    table = VOEvent.parse(PACKET).tables["curve"]

    assert {field.name: values for field, values in table.columns()} == {
        "mjd": [61000.5, 61001],
        "band": ["g", "r"],
        "mag": [18.25, None],
    }


def test_an_event_made_by_hand_is_written_and_read() -> None:
    what = What(params=(Param.of("mag", 18.25, unit="mag"), Param.of("n", 3)), groups=(Group("empty"),))
    event = VOEvent("ivo://example.org/a#1", "test", "2.0", what=what, description="a < b & c")
    xml = event.to_xml()

    assert b'<Param name="mag" unit="mag" value="18.25"/>' in xml
    assert b"<Description>a &lt; b &amp; c</Description>" in xml
    assert VOEvent.parse(xml) == event


def test_a_changed_event_keeps_the_layout_of_the_rest() -> None:
    packet = PACKET.replace(b"<What>", b"<What><!-- measured -->")
    changed = replace(VOEvent.parse(packet), role="utility").to_xml()

    assert b'role="utility"' in changed
    assert b"<What><!-- measured -->\n    <Param" in changed


def test_kept_bytes_come_back_as_they_were() -> None:
    packet = PACKET.replace(b'version="2.0"', b"version = '2.0'")

    assert VOEvent.parse(packet, keep_xml=True).to_xml() == packet
    assert VOEvent.parse(packet).to_xml() != packet


def test_an_event_shows_itself_in_a_few_lines_and_in_a_notebook() -> None:
    event = VOEvent.parse(PACKET.replace(b"source_object", b"&lt;script>"))

    assert repr(event).splitlines() == [
        "<VOEvent ivo://example.org/stream#7",
        "  role: test, version 2.0",
        "  by: ivo://example.org, 2026-01-02T03:04:05",
        "  time: 2026-01-02T03:04:00.25 UTC",
        "  position: 284.53 -60.65 +- 6.59 deg (FK5)",
        "  what: 6 Params, 1 Group, 1 Table",
        "  followup: ivo://example.org/stream#6>",
    ]
    assert "<td>&lt;script&gt;</td>" in event._repr_html_()
    assert "<script>" not in event._repr_html_()
    assert repr(VOEvent()).startswith("<VOEvent without identifier")


def test_what_an_event_may_be_is_told_with_its_probability_and_not_at_length() -> None:
    inferences = "".join(
        f'<Inference probability="0.{n}"><Name> class {n} </Name></Inference>' for n in range(1, 8)
    )
    why = f"<Why><Inference/><Inference><Concept>burst</Concept></Inference>{inferences}</Why>"
    xml = f'<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://a.b/c#d">{why}</v:VOEvent>'
    told = "why: burst, class 1 0.1, class 2 0.2, class 3 0.3, class 4 0.4, and 3 more"
    assert told in repr(VOEvent.parse(xml.encode()))


def test_errors_are_at_hand_with_the_package() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import bridge; print(bridge.errors.PacketError.__name__)"],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "PacketError\n"


def test_a_dictionary_has_the_names_of_the_xml_and_nothing_that_is_empty() -> None:
    record = VOEvent.parse(PACKET).to_dict()

    assert record["What"]["Param"][:2] == [
        {"name": "signif", "value": 7.5, "decimals": 2, "unit": "sigma", "ucd": "stat.snr"},
        {"name": "kind", "text": "source_object"},
    ]
    assert record["What"]["Table"][0]["Field"][0] == {
        "name": "mjd",
        "values": [61000.5, 61001],
        "decimals": [1, 0],
    }
    assert VOEvent.from_dict(record) == VOEvent.parse(PACKET)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            {"What": {"Param": [{"name": "a"}, {"name": 3}]}},
            "What.Param[1].name must be text, not an integer",
        ),
        ({"What": {"Param": {"name": "a"}}}, "What.Param must be a list, not dict"),
        ({"What": []}, "What must be a record, not list"),
        ({"Wat": {}}, "the event has a field 'Wat', which VOEvent does not know"),
        ({"Why": {"importance": {"value": True}}}, "Why.importance.value must be an integer or a number"),
    ],
)
def test_a_dictionary_that_is_no_event_is_refused_with_the_place(record: object, message: str) -> None:
    with pytest.raises(PacketError) as caught:
        VOEvent.from_dict(record)  # type: ignore[arg-type]
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"<a", "not well-formed"),
        (b"<VOEventt/>", "no VOEvent (its root is VOEventt)"),
        (b'<!DOCTYPE VOEvent [<!ENTITY e "x">]><VOEvent ivorn="&e;"/>', "declares entities"),
        (b"<VOEvent><Who>&e;</Who></VOEvent>", "not well-formed"),
    ],
)
def test_what_is_no_voevent_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(PacketError) as caught:
        VOEvent.parse(data)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["\x00", "\x0b", "\ud800", "\ufffe"])
def test_a_character_that_xml_cannot_hold_is_refused(text: str) -> None:
    with pytest.raises(PacketError, match="XML cannot hold"):
        VOEvent(description=f"a{text}b").to_xml()
    with pytest.raises(PacketError, match="XML cannot hold"):
        VOEvent(ivorn=f"a{text}b").to_xml()


@pytest.mark.parametrize(
    "layout",
    [
        {"places": [{"at": 1, "xml": "</voe:VOEvent>"}]},
        {"tags": [{"of": 0, "name": "a b", "attributes": ""}]},
        {"places": [{"at": 0, "xml": "<!DOCTYPE x [<!ENTITY e 'y'>]>"}]},
        {"indent": "<x/>"},
    ],
)
def test_a_layout_that_is_not_xml_is_refused(layout: dict[str, object]) -> None:
    with pytest.raises(PacketError, match="layout"):
        VOEvent.from_dict({"layout": layout}).to_xml()


def test_a_packet_in_another_encoding_is_read(shared_data: Path) -> None:
    latin = '<?xml version="1.0" encoding="ISO-8859-1"?><VOEvent><Description>\xe9</Description></VOEvent>'
    wide = '<?xml version="1.0" encoding="UTF-16"?><VOEvent xmlns:x="urn:x"><Who xmlns:y="urn:y"/></VOEvent>'

    assert VOEvent.parse(latin.encode("latin-1")).description == "\xe9"
    assert b'<Who xmlns:y="urn:y"/>' in VOEvent.parse(wide.encode("utf-16")).to_xml()


def test_who_gives_a_text_or_a_path_is_told_to_give_bytes() -> None:
    event = VOEvent("ivo://org.example/s#1", "test", "2.0")
    for given in (event.to_xml().decode(), Path("event.xml"), None):
        with pytest.raises(TypeError, match="read from its bytes, not from"):
            VOEvent.parse(given)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="read from its bytes, not from"):
            VOEvent.from_avro(given)  # type: ignore[arg-type]
    for view in (bytearray(event.to_xml()), memoryview(event.to_xml())):
        assert VOEvent.parse(view) == event  # type: ignore[arg-type]
    assert VOEvent.from_avro(memoryview(event.to_avro())) == event  # type: ignore[arg-type]


def test_a_list_of_params_is_written_like_a_tuple() -> None:
    params = [Param.of("magpsf", 18.5)]
    listed = VOEvent("ivo://org.example/s#1", "test", "2.0", what=What(params=params))  # type: ignore[arg-type]
    assert listed.to_xml() == replace(listed, what=What(params=tuple(params))).to_xml()
