"""Bytes from strangers as XML elements: entities and network are off, and what is wrong is said in one way.

Apart from what is read from the elements, because everything that takes packets begins here.
"""

from __future__ import annotations

import re
import threading

from lxml import etree

from bridge.errors import PacketError

__all__ = ["ill_formed", "parse_packet", "words_of_lxml"]

_local = threading.local()

_ADVICE = re.compile(r",\s*(?:use|try) XML_PARSE_HUGE(?:\s*option)?[\ufffd\s]*")


def parse_packet(xml: bytes) -> etree._Element:
    """The root of a packet.

    Raises
    ------
    PacketError
        If it is not well-formed XML; the reason says where.
    """
    try:
        return etree.fromstring(xml, _packet_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ill_formed(error) from None


def ill_formed(error: Exception) -> PacketError:
    """What lxml says of XML that is not well-formed, as the reason of a refusal."""
    return PacketError(f"it is not well-formed XML ({words_of_lxml(error)})")


def words_of_lxml(error: Exception) -> str:
    """What lxml says of XML, on one line, less its name for bytes in memory and advice to programmers."""
    words = str(getattr(error, "msg", None) or error)
    return " ".join(_ADVICE.sub("", words).replace("\ufffd", "").split())


def _packet_parser() -> etree.XMLParser:
    # Making one takes half as long as parsing a packet; one cannot be used by two threads at once.
    parser: etree.XMLParser | None = getattr(_local, "parser", None)
    if parser is None:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False)
        _local.parser = parser
    return parser
