"""2.0 to 2.1: another namespace, a stricter order of coordinates and times, and ids that are unique."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lxml import etree

from bridge.voevent.versions.names import with_version
from bridge.voevent.versions.steps import Stepped, remove

__all__ = ["raise_2_0"]

_ORDERS = {
    "AstroCoords": ("Time", "PositionName", "Position2D", "Position3D"),
    "Time": ("TimeInstant", "TimeInterval", "Error"),
    "TimeInstant": ("ISOTime", "TimeOffset", "TimeScale"),
}
# Of these 2.0 takes several and 2.1 one.
_SINGLE = ("Time", "TimeInstant")
_XML_NAME = re.compile(r"[^\W\d][\w.-]*\Z")


def raise_2_0(root: etree._Element) -> Stepped:
    """A 2.0 packet as 2.1.

    Parameters
    ----------
    root
        Root of the packet; it is not changed.
    """
    step = Stepped(with_version(root, "2.1"))
    for tag, order in _ORDERS.items():
        for element in step.root.iter(tag):
            if tag in _SINGLE:
                _keep_first(step, element, order)
            _sort(step, element, order)
    _unique_ids(step)
    return step


def _keep_first(step: Stepped, element: etree._Element, order: Sequence[str]) -> None:
    for name in order:
        for other in element.findall(name)[1:]:
            step.note(other, f"A second {name} in one {element.tag} goes: 2.1 has one.", lost=True)
            remove(other)


def _sort(step: Stepped, element: etree._Element, order: Sequence[str]) -> None:
    """Put the children into order; the blanks between them stay where they are."""
    known = [child for child in element if isinstance(child.tag, str) and child.tag in order]
    wanted = sorted(known, key=lambda child: order.index(str(child.tag)))
    if wanted == known:
        return
    step.note(
        element, f"{element.tag}: {', '.join(str(c.tag) for c in known)} are put in 2.1's order.", lost=False
    )
    places = [element.index(child) for child in known]
    tails = [child.tail for child in known]
    for child in known:
        element.remove(child)
    for child, place, tail in zip(wanted, places, tails, strict=True):
        child.tail = tail
        element.insert(place, child)


def _unique_ids(step: Stepped) -> None:
    """AstroCoordSystem@id and WhereWhen@id are of type ID: a name, once in a packet."""
    seen: set[str] = set()
    # The system of the event itself keeps its id, so it is looked at first.
    systems = sorted(step.root.iter("AstroCoordSystem"), key=_is_of_observatory)
    for element in (*step.root.iter("WhereWhen"), *systems):
        mark = element.get("id")
        if mark is None:
            continue
        if mark in seen or _XML_NAME.match(mark) is None:
            reason = "is there already" if mark in seen else "is no XML name"
            step.note(element, f"{element.tag}@id={mark!r} goes: it {reason}.", lost=True)
            del element.attrib["id"]
        seen.add(mark)


def _is_of_observatory(system: etree._Element) -> bool:
    parent = system.getparent()
    return parent is not None and parent.tag == "ObservatoryLocation"
