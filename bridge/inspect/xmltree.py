"""A VOEvent's XML as a tree that is read by local names, whatever version and namespaces it was written in.

VOEvent 1.1 puts the coordinates into the STC namespace, 2.0 and 2.1 do not, and real packets differ
again; what an element means is in its name alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.parsing import ill_formed

__all__ = ["Element", "child", "children", "local_name", "parse_voevent", "text_of"]

Element = etree._Element


def parse_voevent(data: bytes) -> Element:
    """The root of a VOEvent.

    Parameters
    ----------
    data
        The document. Entities are not expanded and nothing is fetched.

    Raises
    ------
    PacketError
        If it is not well-formed XML, or its root is not a VOEvent.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data.lstrip(b" \t\r\n"), parser)
    except etree.XMLSyntaxError as error:
        raise ill_formed(error) from None
    if local_name(root) != "VOEvent":
        raise PacketError(f"it is XML but not a VOEvent: its root element is {local_name(root)!r}")
    return root


def local_name(element: Element) -> str:
    """Name without namespace; empty for what is no element."""
    return etree.QName(element).localname if isinstance(element.tag, str) else ""


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of a name, in document order."""
    for inner in element if element is not None else ():
        if local_name(inner) == name:
            yield inner


def child(element: Element | None, *path: str) -> Element | None:
    """The first element down a path of names, or None."""
    for name in path:
        element = next(children(element, name), None)
        if element is None:
            return None
    return element


def text_of(element: Element | None, *path: str) -> str | None:
    """The text of an element (down a path) with its blanks made single, or None where there is none."""
    found = child(element, *path) if path else element
    if found is None:
        return None
    return " ".join("".join(map(str, found.itertext())).split()) or None
