"""XML into the model and back: the same document in its canonical form, whatever it looks like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from xml_strategies import LAYOUTS, c14n, events, odd_xml

import bridge.voevent.read_xml as reader
from bridge.voevent.model import VOEvent
from bridge.voevent.read_xml import read_xml
from bridge.voevent.write_xml import write_xml


def test_the_quick_way_reads_real_packets_as_the_full_way_does(
    real_voevents: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = real_voevents[::9]
    quick = [read_xml(xml) for xml in sample]
    monkeypatch.setattr(reader, "read_quickly", lambda *_: None)
    assert [read_xml(xml) for xml in sample] == quick


@given(odd_xml() | events().map(VOEvent.to_xml))
@settings(max_examples=60)
def test_the_quick_way_reads_odd_packets_as_the_full_way_does(xml: bytes) -> None:
    quick = read_xml(xml)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "read_quickly", lambda *_: None)
        assert read_xml(xml) == quick


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
