"""1.1 to 2.0: the same elements under other names. 2.0 took the coordinates out of STC's namespace."""

from __future__ import annotations

from itertools import permutations

from lxml import etree

from bridge.voevent.versions.names import with_version
from bridge.voevent.versions.steps import Stepped

__all__ = ["SYSTEMS_20", "raise_1_1"]

SYSTEMS_20 = frozenset(
    {
        *(
            f"{scale}-{frame}"
            for scale in ("UTC", "TT")
            for frame in ("ICRS-TOPO", "ICRS-GEO", "FK5-TOPO", "FK5-GEO")
        ),
        *("GPS-ICRS-TOPO", "GPS-FK5-TOPO", "GPS-ICRS-GEO", "TDB-ICRS-BARY", "TDB-FK5-BARY", "UTC-GEOD-TOPO"),
    }
)
"""Coordinate systems that the 2.0 XSD knows."""

_OLD = ("http://www.ivoa.net/xml/STC/", "http://www.ivoa.net/xml/VOEvent/")
_XLINK = "{http://www.w3.org/1999/xlink}"
_ORDERS = {
    "-".join(order): system for system in sorted(SYSTEMS_20) for order in permutations(system.split("-"))
}


def raise_1_1(root: etree._Element, *, telling: bool = True) -> Stepped:
    """A 1.1 packet as 2.0.

    Parameters
    ----------
    root
        Root of the packet; it is not changed.
    telling
        Whether the changes are written down.
    """
    step = Stepped(with_version(root, "2.0"), telling=telling)
    for element in step.root.iterdescendants("{*}*"):
        name = etree.QName(element)
        if name.namespace and name.namespace.startswith(_OLD):
            element.tag = name.localname
        _attributes(step, element)
    etree.cleanup_namespaces(step.root, keep_ns_prefixes=[prefix for prefix in step.root.nsmap if prefix])
    return step


def _attributes(step: Stepped, element: etree._Element) -> None:
    tag = etree.QName(element).localname
    for name in [str(name) for name in element.attrib]:
        if name.startswith(_XLINK):
            plain = name.removeprefix(_XLINK)
            step.note(element, f"{tag} loses its link (xlink:{plain}={element.get(name)!r}).", lost=True)
            del element.attrib[name]
        elif name == "pos_unit":
            step.note(element, f"{tag} loses pos_unit={element.get(name)!r}.", lost=True)
            del element.attrib[name]
        elif name in ("id", "coord_system_id") and tag in ("AstroCoordSystem", "AstroCoords"):
            known = _ORDERS.get(element.get(name, ""))
            if known and known != element.get(name):
                step.note(element, f"{tag}@{name}: {element.get(name)} is written {known}.", lost=False)
                element.set(name, known)
