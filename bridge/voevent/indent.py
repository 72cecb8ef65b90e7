"""Blanks between elements: most packets are indented by one rule, and only what breaks it need be kept."""

from __future__ import annotations

__all__ = ["end_gap", "gap_of", "indent_of"]


def indent_of(gap: str | None) -> str | None:
    """The indent of a packet, from what stands behind its root's start tag; None for no blanks at all.

    Parameters
    ----------
    gap
        A line feed and the blanks of the first level; anything else is no rule.
    """
    if gap and gap[0] == "\n" and not gap.strip(" \t\n") and "\n" not in gap[1:]:
        return gap[1:]
    return None


def gap_of(indent: str | None, depth: int) -> str:
    """What stands before a tag by the rule.

    Parameters
    ----------
    indent
        What each level of depth adds; None for no blanks at all.
    depth
        How many elements stand around the tag; 0 where it stays on its line.
    """
    return "" if indent is None or depth == 0 else "\n" + indent * depth


def end_gap(indent: str | None, number: int, depth: int) -> str:
    """What stands before the end tag of an element with known children, by the rule.

    Parameters
    ----------
    indent, depth
        As `gap_of`.
    number
        Of the element; the root is 0.
    """
    if number == 0:
        return "" if indent is None else "\n"
    return gap_of(indent, depth)
