"""What an XML packet says beyond the model: order, blanks, comments, unknown parts.

With it the XML comes back identical in its canonical form (C14N); without it a packet is written in the
canonical layout. Most of it is empty for most packets, and what is there is small. Known elements are counted
from 0 (the root) in the order of the document; a known element is one that the model has a place for.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.voevent.grammar import children, plain

__all__ = ["Layout", "Order", "Place", "Run", "Tag"]


@dataclass(frozen=True, slots=True)
class Run:
    """So many children of one name, one after the other.

    Parameters
    ----------
    name
        Name of the children.
    count
        How many.
    """

    name: str = plain("name", default="")
    count: int = plain("count", default=1)


@dataclass(frozen=True, slots=True)
class Order:
    """The order of the children of an element, where it is not the canonical one.

    Parameters
    ----------
    of
        Number of the element.
    runs
        Its known children, as runs.
    """

    of: int = plain("of", default=0)
    runs: tuple[Run, ...] = children("runs", Run)


@dataclass(frozen=True, slots=True)
class Tag:
    """What the model does not know of a start tag.

    Parameters
    ----------
    of
        Number of the element.
    name
        Its name with prefix, where that is not the usual one.
    attributes
        Attributes and namespace declarations beyond the known ones, as XML with a leading blank. Of the
        root these are all of its namespace declarations.
    """

    of: int = plain("of", default=0)
    name: str | None = plain("name")
    attributes: str = plain("attributes", default="")


@dataclass(frozen=True, slots=True)
class Place:
    """What stands between known elements, where it is not what the indentation says.

    Parameters
    ----------
    at
        Where: 2n is before the start tag of element n, 2n + 1 before its end tag. Of an element whose
        content is text, 2n + 1 is all of its content. 0 is what comes before the root, and twice the number
        of known elements is what comes behind it.
    xml
        Blanks, text, comments, processing instructions and unknown elements, as XML.
    """

    at: int = plain("at", default=0)
    xml: str = plain("xml", default="")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a packet is laid out.

    Parameters
    ----------
    indent
        What one level of depth adds behind a line feed before every tag between elements; None for a packet
        without such blanks. The cells of a table row stand on one line.
    orders, tags, places
        The deviations, by ascending number.
    """

    indent: str | None = plain("indent")
    orders: tuple[Order, ...] = children("orders", Order)
    tags: tuple[Tag, ...] = children("tags", Tag)
    places: tuple[Place, ...] = children("places", Place)
