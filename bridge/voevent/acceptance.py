"""Whether a broker takes a VOEvent from its author, and if not, why, in words for the author.

The judgement is stock Comet's (the 2.0 schema, an identifier that can be parsed, a role), so that an event
taken here is taken by every Comet downstream. Of other versions each is held against its own grammar. Seen
before or not is the journal's to say.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.familiar import FamiliarPackets
from bridge.voevent.headline import Headline, headline_of
from bridge.voevent.ids import names_an_event
from bridge.voevent.parsing import parse_packet
from bridge.voevent.xsd import schema_20

__all__ = ["FAMILIAR", "KNOWN_VERSIONS", "ROLES", "examine", "recognise"]

KNOWN_VERSIONS = ("1.1", "2.0", "2.1")
"""Versions of VOEvent that a broker can be told to take."""

ROLES = ("observation", "prediction", "utility", "test")

FAMILIAR = FamiliarPackets(after=4, at_leisure=True)
"""What was taken here before. Who has nothing else to do may let it `study`."""

_NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v"


def examine(
    xml: bytes, versions: Collection[str] = ("2.0",), familiar: FamiliarPackets | None = FAMILIAR
) -> Headline:
    """Judge a packet that an author has sent.

    Each version is held against its schema: 2.0 by the one that Comet has, 2.1 by the grammar of the
    proposed recommendation, and 1.1, whose grammar is that of 2.0 under other names, as the 2.0 that it
    becomes.

    Parameters
    ----------
    xml
        The packet.
    versions
        Versions that are taken, of `KNOWN_VERSIONS`.
    familiar
        Shapes of packets that were examined before: who has one of them need not be parsed to be known as
        good. None: everything goes through parser and schema.

    Returns
    -------
    Headline
        What the packet says of itself.

    Raises
    ------
    PacketError
        When it is not taken; the reason is a clause for the author.
    """
    headline = familiar.headline_of(xml) if familiar is not None and "2.0" in versions else None
    if headline is None:
        headline, version = _examine_in_full(xml, versions)
        if familiar is not None and version == "2.0":
            familiar.learn(xml, headline)
    return headline


def recognise(
    xml: bytes, versions: Collection[str] = ("2.0",), familiar: FamiliarPackets = FAMILIAR
) -> Headline | None:
    """What `examine` gives for a packet in a shape that was examined before; None for all others.

    It takes some 5 us for each kB of a packet, whatever is in it.

    Parameters
    ----------
    xml, versions, familiar
        As in `examine`.
    """
    return familiar.headline_of(xml) if "2.0" in versions else None


def _examine_in_full(xml: bytes, versions: Collection[str]) -> tuple[Headline, str]:
    root = parse_packet(xml)
    headline = headline_of(root)
    if root.getroottree().docinfo.internalDTD is not None and next(root.iter(etree.Entity), None) is not None:
        raise PacketError("it uses an entity of a document type, which brokers refuse")
    role = root.get("role")
    if role not in ROLES:
        told = f"its role is {role!r}" if role else "it has no role"
        raise PacketError(f"{told}; a broker takes {', '.join(ROLES)}", field="role")
    if not names_an_event(headline.ivorn):
        raise PacketError(
            f"its ivorn {headline.ivorn!r} is not an identifier that brokers can read "
            "(ivo://authority/stream#event, the authority of three characters or more)",
            field="ivorn",
        )
    _check_version(root, versions)
    return headline, root.get("version", "")


def _check_version(root: etree._Element, versions: Collection[str]) -> None:
    version = root.get("version", "")
    if version not in versions:
        taken = " or ".join(sorted(versions))
        raise PacketError(f"it is of version {version!r}, and this broker takes {taken}", field="version")
    namespace = root.tag.rpartition("}")[0][1:]
    if namespace != _NAMESPACE + version:
        raise PacketError(
            f"its root is in the namespace {namespace!r}, which is not that of VOEvent {version}"
        )
    if version == "2.0":
        schema = schema_20()
    else:
        schema, root = _other_schema(root, version)
    if not schema.validate(root):
        log: Any = schema.error_log
        entry = log[0]
        raise PacketError(
            f"it is not valid VOEvent {version}: line {entry.line}: {entry.message.rstrip('.')}"
        )


def _other_schema(root: etree._Element, version: str) -> tuple[etree.XMLSchema, etree._Element]:
    """The schema of another version than 2.0, and the packet as that schema knows it."""
    # Most brokers take 2.0 alone, and need none of this.
    if version == "2.1":
        from bridge.voevent.xsd_21 import schema_21

        return schema_21(), root
    from bridge.voevent.versions import raise_1_1

    return schema_20(), raise_1_1(root, telling=False).root
