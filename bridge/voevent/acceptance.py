"""Whether a broker takes a VOEvent from its author, and if not, why, in words for the author.

The judgement is stock Comet's (the 2.0 schema, an identifier that can be parsed, a role), so that an event
taken here is taken by every Comet downstream. Seen before or not is the journal's to say.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.headline import Headline, headline_of, packet_parser
from bridge.voevent.ids import is_acceptable, names_an_event
from bridge.voevent.xsd import schema_20

__all__ = ["KNOWN_VERSIONS", "ROLES", "examine"]

KNOWN_VERSIONS = ("1.1", "2.0", "2.1")
"""Versions of VOEvent that a broker can be told to take."""

ROLES = ("observation", "prediction", "utility", "test")

_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v"


def examine(xml: bytes, versions: Collection[str] = ("2.0",)) -> Headline:
    """Judge a packet that an author has sent.

    Version 2.0 is held against its schema. For 1.1 and 2.1 no schema is at hand: root, version, identifier
    and role are looked at.

    Parameters
    ----------
    xml
        The packet.
    versions
        Versions that are taken, of `KNOWN_VERSIONS`.

    Returns
    -------
    Headline
        What the packet says of itself.

    Raises
    ------
    PacketError
        When it is not taken; the reason is a clause for the author.
    """
    try:
        root = etree.fromstring(xml, packet_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise PacketError(f"it is not well-formed XML ({error})") from None
    headline = headline_of(root)
    if root.getroottree().docinfo.internalDTD is not None and next(root.iter(etree.Entity), None) is not None:
        raise PacketError("it uses an entity of a document type, which brokers refuse")
    if root.get("role") not in ROLES:
        told = f"its role is {root.get('role')!r}" if root.get("role") else "it has no role"
        raise PacketError(f"{told}; a broker takes {', '.join(ROLES)}", field="role")
    if not (is_acceptable(headline.ivorn) and names_an_event(headline.ivorn)):
        raise PacketError(
            f"its ivorn {headline.ivorn!r} is not an identifier that brokers can read "
            "(ivo://authority/stream#event, the authority of three characters or more)",
            field="ivorn",
        )
    _check_version(root, versions)
    return headline


def _check_version(root: etree._Element, versions: Collection[str]) -> None:
    version = root.get("version", "")
    taken = " or ".join(sorted(versions))
    if version not in versions:
        raise PacketError(f"it is of version {version!r}, and this broker takes {taken}", field="version")
    namespace = etree.QName(root).namespace or ""
    if namespace != _NAMESPACE + version:
        raise PacketError(
            f"its root is in the namespace {namespace!r}, which is not that of VOEvent {version}"
        )
    if version != "2.0":
        return
    schema = schema_20()
    if not schema.validate(root):
        log: Any = schema.error_log
        entry = log[0]
        raise PacketError(f"it is not valid VOEvent 2.0: line {entry.line}: {entry.message.rstrip('.')}")
