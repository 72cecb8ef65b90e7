"""Validation: faults come with their line; entities and networks stay out."""

from __future__ import annotations

from bridge.voevent.validate import find_faults, xsd_path

GOOD = (
    b'<?xml version="1.0"?>\n<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"'
    b' version="2.0" role="test" ivorn="ivo://example.org/a#1">\n<Who/>\n</voe:VOEvent>'
)


def test_a_good_packet_has_no_faults() -> None:
    assert find_faults(GOOD) == []
    assert xsd_path().name == "VOEvent-v2.0.xsd"


def test_a_fault_says_its_line() -> None:
    (fault,) = find_faults(GOOD.replace(b"<Who/>", b"<Whom/>"))

    assert fault.line == 3
    assert "Whom" in fault.message


def test_a_packet_without_role_is_valid_to_the_xsd_but_not_to_comet() -> None:
    (fault,) = find_faults(GOOD.replace(b' role="test"', b""))

    assert "Comet ignores" in fault.message


def test_what_is_no_xml_is_said_to_be_none() -> None:
    (fault,) = find_faults(GOOD[:-5])

    assert fault.line == 4
    assert "not well-formed" in fault.message


def test_entities_are_not_expanded() -> None:
    bomb = GOOD.replace(
        b"<voe:VOEvent", b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n<voe:VOEvent', 1
    ).replace(b"<Who/>", b"<Description>&x;</Description>")

    (fault,) = find_faults(bomb)
    assert "entity &x;" in fault.message
