"""XML to Avro by habit: the same bytes as in the ordinary way, for whatever comes in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xml_strategies import events, odd_xml

from bridge.errors import PacketError
from bridge.voevent import habits as module
from bridge.voevent.avro import encode_record
from bridge.voevent.habits import Habits, xml_to_avro
from bridge.voevent.model import VOEvent
from bridge.voevent.read_xml import read_xml

PACKET = (
    '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://a.b/c#{0}" role="test"'
    ' version="2.0">'
    '<Who><Date>{1}</Date></Who><What><Param name="x" value="{2}" unit="s"/><Param value="{1}"/></What>'
    '<Citations><EventIVORN cite="followup">{1}</EventIVORN></Citations></voe:VOEvent>'
)


def ordinary(xml: bytes) -> bytes:
    return encode_record(read_xml(xml))


def test_every_real_packet_has_the_same_avro(real_voevents: list[bytes]) -> None:
    habits = Habits()
    sample = real_voevents[::4]
    assert [habits.encode(xml) for xml in sample] == [ordinary(xml) for xml in sample]
    assert [habits.encode(xml) for xml in sample[::5]] == [ordinary(xml) for xml in sample[::5]]
    assert habits.count > 20


def test_a_habit_is_formed_the_second_time_and_used_for_other_values(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [("a", "1.50"), ("b", "2"), ("&amp;&lt;&#13;", "words"), ("\u00e9" * 90, ""), ("c", " 7 ")]
    packets = [PACKET.format(n, text, value).encode() for n, (text, value) in enumerate(values)]
    expected = [ordinary(xml) for xml in packets]
    habits = Habits()
    assert [habits.encode(xml) for xml in packets[:2]] == expected[:2]
    assert habits.count == 1

    monkeypatch.setattr(module, "read_root", None)
    assert [habits.encode(xml) for xml in packets[2:]] == expected[2:]


def test_another_name_or_unit_is_another_habit() -> None:
    first = PACKET.format(1, "a", "2").encode()
    second = first.replace(b'unit="s"', b'unit="d"')
    habits = Habits()
    for xml in (first, first, second, second, first, second):
        assert habits.encode(xml) == ordinary(xml)
    assert habits.count == 2
    assert len(habits.kinds) == 1


def test_kinds_without_end_do_not_fill_the_memory() -> None:
    habits = Habits()
    for number in range(module._MOST_KINDS + 10):
        habits.encode(f"<VOEvent><What><Unknown{number}/></What></VOEvent>".encode())
    assert len(habits.kinds) <= module._MOST_KINDS


@pytest.mark.parametrize(
    "inside",
    [
        "<What> {} </What>",
        "<What><Group>{}</Group></What>",
        '<What><Param name="x"/>{}</What>',
        "<What><Unknown>{}</Unknown></What>",
        "<What><Date>{}</Date></What>",
        '<Who value="{}"/>',
        '<Why importance="{}"/>',
        "<How><Description>say \"{}\" twice</Description></How>",
        "<What><Table><Field/><Data><TR><TD>{}</TD></TR></Data></Table></What>",
        "<What>\n  <Param/>{}</What>",
    ],
)  # fmt: skip
def test_values_in_odd_places_are_read_in_the_ordinary_way(inside: str) -> None:
    habits = Habits()
    frame = '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0">{}</voe:VOEvent>'
    for value in ("a", "b", "&amp;", "1.5", "2", "", "\n  ", "c"):
        xml = frame.format(inside.format(value)).encode()
        assert habits.encode(xml) == ordinary(xml)


@given(
    odd_xml() | events().map(VOEvent.to_xml),
    st.lists(
        st.tuples(st.sampled_from("5a.0 "), st.sampled_from(["7", "b", "&amp;", "", "2.50"])), max_size=3
    ),
)
@settings(max_examples=80)
def test_no_habit_ever_changes_a_byte(xml: bytes, changes: list[tuple[str, str]]) -> None:
    habits = Habits()
    variants = [xml, xml]
    for old, new in changes:
        variants.append(xml.replace(f'"{old}"'.encode(), f'"{new}"'.encode()))
        variants.append(xml.replace(f">{old}<".encode(), f">{new}<".encode()))
    for variant in variants:
        assert habits.encode(variant) == ordinary(variant)


def test_what_is_no_voevent_is_refused() -> None:
    with pytest.raises(PacketError, match="no VOEvent"):
        xml_to_avro(b"<html/>")
