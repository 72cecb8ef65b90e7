"""Our statement of 2.1 judges as the official XSD does: on real packets, and on thousands of damaged ones."""

from __future__ import annotations

import copy
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from packets import GOOD, RICH_21, root_of

from bridge.voevent.versions import to_version
from bridge.voevent.xsd_21 import schema_21

NAMES = re.findall(
    r"\w+",
    """
    Who What WhereWhen How Why Citations Description Reference Author title Contributor contributor
    Param Group Table Field Data TR TD Value ObsDataLocation ObservatoryLocation ObservationLocation
    AstroCoordSystem TimeFrame SpaceFrame AstroCoords Time TimeInstant TimeInterval ISOTime ISOTimeStart
    TimeOffset TimeScale Error PositionName Position2D Position3D Name1 Value2 Value3 C1 C2 C3
    Error2Radius Error2 Error3 Name Concept Inference EventIVORN Date AuthorIVORN ReferencePosition
    SpaceRefFrame CoordFlavor unknown
    """,
)
ATTRIBUTES = re.findall(
    r"\w+",
    """
    name value ucd unit utype dataType type id coord_system_id importance expires probability relation
    cite uri mimetype meaning role version ivorn altIdentifier pos_unit datatype
    """,
)
TEXTS = (
    "", " ", "1", "1.5", "-1", "nan", "NaN", "INF", "+INF", "1e400", "text", "2026-11-21T00:00:00", "x",
    "http://x/a b", "%zz", "a#b#c", "ivo://a.b.c/d#e", "float", "followup", "Researcher",
)  # fmt: skip


@pytest.fixture(scope="module")
def official(shared_data: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(shared_data / "xsd" / "VOEvent-v2.1.xsd"))


def damage(root: etree._Element, chance: random.Random) -> None:
    """One random change to a tree."""
    elements = [each for each in root.iter() if isinstance(each.tag, str)]
    element = chance.choice(elements)
    what = chance.randrange(8)
    parent = element.getparent()
    if what == 0 and parent is not None:
        parent.remove(element)
    elif what == 1 and parent is not None:
        parent.insert(chance.randrange(len(parent) + 1), copy.deepcopy(element))
    elif what == 2 and parent is not None:
        element.tag = chance.choice(NAMES)
    elif what == 3:
        element.set(chance.choice(ATTRIBUTES), chance.choice(TEXTS))
    elif what == 4 and element.attrib:
        del element.attrib[chance.choice(list(element.attrib))]
    elif what == 5:
        element.text = chance.choice(TEXTS)
    elif what == 6:
        element.insert(chance.randrange(len(element) + 1), etree.Element(chance.choice(NAMES)))
    elif what == 7 and len(element) > 1:
        element.append(element[chance.randrange(len(element))])


@given(
    st.sampled_from([RICH_21, to_version(GOOD.encode(), "2.1").xml]), st.integers(0, 2**32), st.integers(1, 3)
)
@settings(max_examples=1500, deadline=None)
def test_both_judge_alike(official: etree.XMLSchema, packet: str | bytes, seed: int, times: int) -> None:
    root = root_of(packet)
    chance = random.Random(seed)
    for _ in range(times):
        damage(root, chance)
    again = root_of(etree.tostring(root))
    assert schema_21().validate(again) == official.validate(again), etree.tostring(again)


def test_the_official_examples_are_valid(shared_data: Path) -> None:
    examples = sorted((shared_data / "voevents").glob("voevent-2.1-*.xml"))
    assert len(examples) == 2
    for path in examples:
        assert schema_21().validate(etree.parse(path)), path
