"""What one step between two versions gives: the packet, and what had to change or go."""

from __future__ import annotations

from dataclasses import dataclass, field

from lxml import etree

__all__ = ["Change", "Stepped", "remove"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.

    Parameters
    ----------
    path
        XPath of the element in the packet as it came.
    message
        What became of it, as a sentence.
    lost
        Whether something that the packet said is not said any more.
    """

    path: str
    message: str
    lost: bool


@dataclass(slots=True)
class Stepped:
    """A packet on its way.

    Parameters
    ----------
    root
        Its root.
    changes
        What is not as it was.
    telling
        Whether somebody wants to know: the path to an element takes a look at all of its siblings, so a
        stranger's packet of thousands would cost the square of that.
    """

    root: etree._Element
    changes: list[Change] = field(default_factory=list)
    telling: bool = True

    def note(self, element: etree._Element, message: str, *, lost: bool) -> None:
        """Write down a change, before it is made."""
        if self.telling:
            self.changes.append(Change(self.root.getroottree().getpath(element), message, lost))


def remove(element: etree._Element) -> None:
    """Take an element out and leave the text behind it."""
    parent, before = element.getparent(), element.getprevious()
    assert parent is not None
    if element.tail:
        if before is not None:
            before.tail = (before.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)
