"""XML into the model and back: the same document in its canonical form, whatever it looks like."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from xml_strategies import LAYOUTS, c14n, events, odd_xml

from bridge.voevent.model import VOEvent
from bridge.voevent.read_xml import read_xml
from bridge.voevent.write_xml import write_xml


def test_every_real_packet_comes_back_the_same(real_voevents: list[bytes]) -> None:
    changed = [xml[:200] for xml in real_voevents if c14n(write_xml(read_xml(xml))) != c14n(xml)]
    assert changed == []


@given(odd_xml())
@settings(max_examples=120)
def test_a_packet_with_anything_in_any_place_comes_back_the_same(xml: bytes) -> None:
    assert c14n(write_xml(read_xml(xml))) == c14n(xml)


@given(odd_xml())
@settings(max_examples=60)
def test_the_dataclasses_carry_all_that_the_record_does(xml: bytes) -> None:
    assert c14n(VOEvent.parse(xml).to_xml()) == c14n(xml)


@given(events(), LAYOUTS)
@settings(max_examples=100)
def test_any_event_of_the_model_is_the_same_after_xml(event: VOEvent, layout: object) -> None:
    xml = replace(event, layout=layout).to_xml()
    again = VOEvent.parse(xml)
    assert again.to_xml() == xml
    assert replace(again, layout=None) == event
