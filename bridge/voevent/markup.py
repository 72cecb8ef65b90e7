"""XML as text: escaping that loses nothing, and the raw parts of elements that the model has no place for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.parsing import ill_formed

__all__ = [
    "Element",
    "escape_attribute",
    "escape_text",
    "fragment",
    "inner_xml",
    "parse_xml",
    "start_tag",
    "unescape",
]

Element = etree._Element

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
_IN_TEXT = re.compile("[&<>\r]")
_IN_ATTRIBUTE = re.compile('[&<>"\t\n\r]')
_REFERENCES = {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;",
}  # fmt: skip
_WRITTEN = re.compile("&(?:amp|lt|gt|quot|#9|#10|#13);")
_CHARACTERS = {reference: character for character, reference in _REFERENCES.items()}
# XML 1.0 section 2.2, Char: what no packet can hold, not even as a reference.
_ILLEGAL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\ud800-\udfff\ufffe\uffff]")
_START = re.compile(r"<([^\s/>]+)((?:\s+[^\s=]+=(?:\"[^\"]*\"|'[^']*'))*)\s*(/?>)")
_ATTRIBUTE = re.compile(r"\s+([^\s=]+)=(\"[^\"]*\"|'[^']*')")


def parse_xml(data: bytes) -> Element:
    """The root of a document from a stranger: no entities, no DTD from elsewhere, no network.

    Raises
    ------
    PacketError
        If it is not well-formed, or declares entities.
    """
    try:
        root = etree.fromstring(data.lstrip(b" \t\r\n"), _PARSER)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ill_formed(error) from None
    if b"DOCTYPE" in data or b"\0" in data[:4]:
        declared: Any = root.getroottree().docinfo.internalDTD
        if declared is not None and any(True for _ in declared.iterentities()):
            raise PacketError("it declares entities, which are not read from packets")
    return root


def escape_text(text: str) -> str:
    """Text as the content of an element.

    Raises
    ------
    PacketError
        If it has a character that XML cannot hold.
    """
    if _ILLEGAL.search(text):
        raise _illegal(text)
    return _IN_TEXT.sub(_reference, text) if _IN_TEXT.search(text) else text


def escape_attribute(text: str) -> str:
    """Text as the value of an attribute, in double quotes and with the blank before it left to the caller.

    Raises
    ------
    PacketError
        If it has a character that XML cannot hold.
    """
    if _ILLEGAL.search(text):
        raise _illegal(text)
    return _IN_ATTRIBUTE.sub(_reference, text) if _IN_ATTRIBUTE.search(text) else text


def unescape(raw: str) -> str:
    """The text that `escape_text`, `escape_attribute` or lxml wrote; nothing else is understood."""
    return _WRITTEN.sub(_character, raw) if "&" in raw else raw


def fragment(element: Element, parent: Mapping[str | None, str]) -> str:
    """A child with all that is in it, as XML that means the same in the same place.

    Parameters
    ----------
    element
        An element, comment or processing instruction.
    parent
        The namespaces that are declared around it, by prefix.

    Raises
    ------
    PacketError
        If it uses an entity.
    """
    for entity in element.iter(etree.Entity):
        raise PacketError(f"it uses the entity {entity.text}, which is not declared")
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    if text.startswith(("<!", "<?")):
        return text
    name, attributes, rest = _split(text)
    kept = "".join(f" {key}={value}" for key, value in attributes if not _is_around(key, value, parent))
    return f"<{name}{kept}{rest}"


def start_tag(element: Element, parent: Mapping[str | None, str]) -> tuple[str, list[tuple[str, str]]]:
    """Name and attributes of an element as written: names with prefix, values escaped and quoted.

    Namespace declarations come first, without those that stand around the element.
    """
    name, attributes, _ = _split(etree.tostring(element, encoding="unicode", with_tail=False))
    return name, [each for each in attributes if not _is_around(*each, parent)]


def inner_xml(element: Element) -> str:
    """All that is inside an element, as XML."""
    around = element.nsmap
    parts = [escape_text(element.text or "")]
    for child in element:
        parts += [fragment(child, around), escape_text(child.tail or "")]
    return "".join(parts)


def _split(text: str) -> tuple[str, list[tuple[str, str]], str]:
    match = _START.match(text)
    assert match is not None, text[:200]
    return match[1], _ATTRIBUTE.findall(match[2]), match[3] + text[match.end() :]


def _is_around(key: str, value: str, parent: Mapping[str | None, str]) -> bool:
    prefix, colon, local = key.partition(":")
    if prefix != "xmlns":
        return False
    uri = parent.get(local if colon else None)
    return uri is not None and escape_attribute(uri) == value[1:-1]


def _reference(match: re.Match[str]) -> str:
    return _REFERENCES[match[0]]


def _character(match: re.Match[str]) -> str:
    return _CHARACTERS[match[0]]


def _illegal(text: str) -> PacketError:
    match = _ILLEGAL.search(text)
    assert match is not None
    start = max(0, match.start() - 20)
    around = text[start : match.end() + 20]
    return PacketError(f"a text has the character U+{ord(match[0]):04X}, which XML cannot hold ({around!r})")
