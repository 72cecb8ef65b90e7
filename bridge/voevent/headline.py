"""The few facts of a VOEvent in XML that a relay must know: identifier, role, position, time."""

from __future__ import annotations

import math
from typing import NamedTuple

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.glance import UNIT, Texts, glance
from bridge.voevent.parsing import parse_packet
from bridge.voevent.position import degrees_of_unit
from bridge.voevent.systems import EQUATORIAL, frame_of_system

__all__ = ["Headline", "headline_of", "read_headline"]


class Headline(NamedTuple):
    """What a VOEvent says of itself.

    Parameters
    ----------
    ivorn
        Its identifier.
    role
        Its role; "observation" where none is written.
    ra_deg, dec_deg
        Position in degrees (ICRS or FK5), or None.
    observed_at
        ISOTime as it is written, or empty.
    """

    ivorn: str
    role: str
    ra_deg: float | None
    dec_deg: float | None
    observed_at: str


def read_headline(xml: bytes) -> Headline:
    """Read the headline of a VOEvent of any version.

    Raises
    ------
    PacketError
        If it is not XML, not a VOEvent, or has no identifier.
    """
    seen = glance(xml)
    if seen is None:
        return headline_of(parse_packet(xml))
    return _headline(seen.ivorn, seen.role, seen.texts)


def headline_of(root: etree._Element) -> Headline:
    """The headline of a VOEvent that has been parsed; raises `PacketError` as `read_headline` does."""
    name = root.tag.rpartition("}")[2]
    if name != "VOEvent":
        raise PacketError(f"it is XML but no VOEvent (its root is {name})")
    ivorn = root.get("ivorn", "").strip()
    if not ivorn:
        raise PacketError("the VOEvent has no ivorn", field="ivorn")
    texts = _quick_texts(root)
    if texts is None:
        texts = _texts(root)
    return _headline(ivorn, root.get("role", "observation"), texts)


def _headline(ivorn: str, role: str, texts: Texts) -> Headline:
    return Headline(
        ivorn,
        role,
        _number(texts, "C1"),
        _number(texts, "C2"),
        texts.get(("", "ISOTime"), "").strip(),
    )


def _quick_texts(root: etree._Element) -> Texts | None:
    """As `_texts`, where nothing that is wanted occurs twice; None where something does.

    Most packets have one position and one time. Then the order does not matter in which they are found, and
    few elements have to be made objects of, which is what takes time here.
    """
    found: Texts = {}
    for element in root.iter("{*}ISOTime", "{*}C1", "{*}C2"):
        name = element.tag.rpartition("}")[2]
        parent = element.getparent()
        if name == "ISOTime":
            key = "", name
        elif parent is None or (parent.tag.endswith("Value3") and _is_of_observatory(parent)):
            continue
        else:
            key = parent.tag.rpartition("}")[2], name
        if key in found:
            return None
        found[key] = element.text or ""
        if name == "C1" and parent is not None:
            found[key[0], UNIT] = _unit_of(parent)
    return found


def _texts(root: etree._Element) -> Texts:
    """The first text of each of the few elements that are wanted, by parent and name; found in one walk."""
    found: Texts = {}
    for element in root.iter("{*}ISOTime", "{*}Value2", "{*}Value3"):
        if _is_of_observatory(element):
            continue
        name = str(element.tag).rpartition("}")[2]
        if name == "ISOTime":
            found.setdefault(("", name), element.text or "")
            continue
        for child in element:
            # Comments have a function in place of a name.
            if isinstance(child.tag, str):
                found.setdefault((name, child.tag.rpartition("}")[2]), child.text or "")
        found.setdefault((name, UNIT), _unit_of(element))
    return found


def _unit_of(values: etree._Element) -> str:
    """The unit of a direction; "none" where C1 and C2 are no right ascension and declination."""
    position = values.getparent()
    if position is None:
        return ""
    coordinates = position.getparent()
    if coordinates is not None:
        system = next(coordinates.itersiblings("{*}AstroCoordSystem", preceding=True), None)
        named, frame = coordinates.get("coord_system_id"), None
        if system is not None:
            named = system.get("id", named)
            frame = system.findtext("{*}SpaceFrame/{*}SpaceRefFrame") if len(system) else None
        if frame_of_system(named, frame) not in EQUATORIAL:
            return "none"
    return position.get("unit", "")


def _is_of_observatory(element: etree._Element) -> bool:
    """Whether it says where the telescope is and not what it saw."""
    return next(element.iterancestors("{*}ObservatoryLocation"), None) is not None


def _number(texts: Texts, tag: str) -> float | None:
    kind = "Value2" if texts.get(("Value2", tag)) else "Value3"
    scale = degrees_of_unit(texts.get((kind, UNIT)))
    try:
        value = float(texts.get((kind, tag)) or "")
    except ValueError:
        return None
    return value * scale if scale is not None and math.isfinite(value) else None
