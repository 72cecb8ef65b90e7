"""What the tests ask of a packet: valid by the XSD and for Comet, and what it says by name."""

from __future__ import annotations

from collections import Counter

from lxml import etree

from bridge.validate import validate
from bridge.voevent.event import Event
from bridge.voevent.ids import is_acceptable

DATE = "2026-11-20T00:00:00"


def checked(event: object) -> etree._Element:
    """The root of an event's packet, after all that every packet must meet."""
    assert isinstance(event, Event), event
    assert validate(event.xml).passes()
    assert len(event.xml) < 100_000
    assert is_acceptable(event.ivorn)
    root = etree.fromstring(event.xml)
    assert root.get("ivorn") == event.ivorn
    assert root.get("role") == event.role
    assert root.findtext("Who/Date") == DATE
    levels = [root.findall("What/Param"), *(group.findall("Param") for group in root.findall("What/Group"))]
    for params in levels:
        assert set(Counter(param.get("name") for param in params).values()) <= {1}
    names = [each.get("name") for each in root.findall("What/Group") + root.findall("What/Table")]
    assert len(names) == len(set(names))
    return root


def params_of(root: etree._Element) -> dict[str, str]:
    """All Params by name, as handlers read them."""
    return {str(each.get("name")): str(each.get("value")) for each in root.iterfind(".//Param")}


def group_of(root: etree._Element, name: str) -> dict[str, str]:
    """Params of one Group."""
    return {
        str(each.get("name")): str(each.get("value"))
        for each in root.iterfind(f"What/Group[@name='{name}']/Param")
    }


def cited(root: etree._Element) -> list[tuple[str, str]]:
    """What a packet cites: how, and what."""
    return [(str(each.get("cite")), str(each.text)) for each in root.iterfind("Citations/EventIVORN")]
