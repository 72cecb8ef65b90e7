"""VOEvent in JSON: the same packet after it, and errors that say where."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from xml_strategies import c14n, events, odd_xml

from bridge.errors import PacketError
from bridge.voevent.model import VOEvent


@pytest.mark.no_cover
def test_every_kind_of_real_packet_is_the_same_after_json(real_voevents: list[bytes]) -> None:
    changed = []
    for xml in real_voevents[::7]:
        again = VOEvent.from_json(VOEvent.parse(xml).to_json()).to_xml()
        if c14n(again) != c14n(xml):
            changed.append(xml[:200])
    assert changed == []


@given(odd_xml())
@settings(max_examples=60)
def test_a_packet_with_anything_in_any_place_is_the_same_after_json(xml: bytes) -> None:
    assert c14n(VOEvent.from_json(VOEvent.parse(xml).to_json()).to_xml()) == c14n(xml)


@given(events())
@settings(max_examples=60)
def test_any_event_of_the_model_is_the_same_after_json(event: VOEvent) -> None:
    assert VOEvent.from_json(event.to_json(indent=True)) == event


@given(events())
@settings(max_examples=60)
def test_numbers_survive_a_json_that_knows_no_integers(event: VOEvent) -> None:
    # JavaScript writes 5.0 as 5; the decimals say how it was written.
    def as_javascript(value: object) -> object:
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value) if str(value) != "-0.0" else value
        if isinstance(value, dict):
            return {key: as_javascript(inner) for key, inner in value.items()}
        return [as_javascript(inner) for inner in value] if isinstance(value, list) else value

    document = as_javascript(json.loads(event.to_json()))
    assert VOEvent.from_json(json.dumps(document)).to_xml() == event.to_xml()


def test_kept_bytes_travel_as_base64() -> None:
    xml = b"<VOEvent   ivorn='ivo://a.b/c#1'/>"
    text = VOEvent.parse(xml, keep_xml=True).to_json()

    assert VOEvent.from_json(text).to_xml() == xml


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"{", "not JSON"),
        (b"[]", "no object"),
        (b'{"$schema": "https://gcn.nasa.gov/schema"}', "its $schema is 'https://gcn.nasa.gov/schema'"),
        (b'{"xml": "%%%"}', "not base64"),
        (b'{"xml": 3}', "not base64"),
        (b'{"What": {"Param": [{"nam": "x"}]}}', "What.Param[0] has a field 'nam'"),
    ],
)
def test_what_is_no_voevent_in_json_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(PacketError) as caught:
        VOEvent.from_json(text)
    assert message in str(caught.value)
