"""The few facts of a VOEvent in XML that a relay must know: identifier, role, position, time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lxml import etree

from bridge.errors import PacketError

__all__ = ["Headline", "headline_of", "read_headline"]


@dataclass(frozen=True, slots=True)
class Headline:
    """What a VOEvent says of itself.

    Parameters
    ----------
    ivorn
        Its identifier.
    role
        Its role; "observation" where none is written.
    ra_deg, dec_deg
        Position in degrees, or None.
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
    try:
        # Entities and network off: packets come from strangers.
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PacketError(f"it is not well-formed XML ({error})") from None
    return headline_of(root)


def headline_of(root: etree._Element) -> Headline:
    """The headline of a VOEvent that has been parsed; raises `PacketError` as `read_headline` does."""
    name = etree.QName(root)
    if name.localname != "VOEvent":
        raise PacketError(f"it is XML but no VOEvent (its root is {name.localname})")
    ivorn = root.get("ivorn", "").strip()
    if not ivorn:
        raise PacketError("the VOEvent has no ivorn", field="ivorn")
    return Headline(
        ivorn,
        root.get("role", "observation"),
        _number(root, "C1"),
        _number(root, "C2"),
        (root.findtext(".//{*}ISOTime") or "").strip(),
    )


def _number(root: etree._Element, tag: str) -> float | None:
    text = root.findtext(f".//{{*}}Value2/{{*}}{tag}") or root.findtext(f".//{{*}}Value3/{{*}}{tag}")
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
