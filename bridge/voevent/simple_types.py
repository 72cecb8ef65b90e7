"""What the texts of a VOEvent 2.0 have to be: their simple types in the XSD, and patterns for these types.

The patterns are narrower than the types: what one of them matches every validator takes, and what none
matches is for the validator to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from lxml import etree

from bridge.voevent.xsd import xsd_path

__all__ = ["SURELY", "free_texts"]

_XS = "{http://www.w3.org/2001/XMLSchema}"

_BLANKS = rb"[ \t\n]*+"
_TIME = rb"T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,12})?Z?"
_DAY = rb"(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_URI = rb"(?:[A-Za-z0-9._~!$'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*+"
# Of XML Schema part 2 (second edition), sections 3.2.4, 3.2.7 and 3.2.17.
SURELY: dict[str, re.Pattern[bytes] | None] = {
    "xs:string": None,
    "xs:float": re.compile(_BLANKS + rb"[+-]?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?" + _BLANKS),
    # The standard has blanks around it passed over, libxml2 does not.
    "xs:dateTime": re.compile(rb"[1-9]\d{3}-" + _DAY + _TIME),
    "xs:anyURI": re.compile(
        rb"(?:(?:ivo|https?|ftp)://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d{1,5})?(?:/" + _URI + rb")?"
        rb"|[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)*)"
        rb"(?:\?" + _URI + rb")?(?:#" + _URI + rb")?"
    ),
}
"""By simple type, a pattern whose every match is of the type; None where any text is."""


@cache
def free_texts() -> dict[tuple[str, str], re.Pattern[bytes] | None]:
    """Texts that may differ without a packet becoming invalid, and within which bounds.

    Returns
    -------
    By element and attribute (``""`` for the element's own text): None where any text will do, else what
    it has to match.
    Texts of other types (one of a few words, identifiers within the document) are not in it.
    """
    found: dict[tuple[str, str], str] = {}
    for place, kind in _simple_types(etree.parse(str(xsd_path())).getroot()):
        # Two elements of one name need not be of one type; then nothing is said about them.
        found[place] = kind if found.get(place, kind) == kind else ""
    return {place: SURELY[kind] for place, kind in found.items() if kind in SURELY}


def _simple_types(schema: etree._Element) -> Iterator[tuple[tuple[str, str], str]]:
    named = {each.get("name", ""): each for each in schema.findall(f"{_XS}complexType")}
    for element in schema.iter(f"{_XS}element"):
        name = element.get("name", "")
        kind = element.get("type", "")
        structure = named.get(kind)
        if structure is None:
            structure = element.find(f"{_XS}complexType")
        if structure is None:
            yield (name, ""), kind
            continue
        for extension in structure.findall(f"{_XS}simpleContent/{_XS}extension"):
            yield (name, ""), extension.get("base", "")
        # Not those of elements that are stated within this one.
        for attribute in _attributes(structure):
            yield (name, attribute.get("name", "")), _type_of(attribute)


def _attributes(structure: etree._Element) -> Iterator[etree._Element]:
    yield from structure.findall(f"{_XS}attribute")
    yield from structure.findall(f"{_XS}simpleContent/{_XS}extension/{_XS}attribute")


def _type_of(attribute: etree._Element) -> str:
    # What is fixed to one value is not free, whatever its type.
    return "" if attribute.get("fixed") is not None else attribute.get("type", "")
