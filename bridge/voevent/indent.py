"""Blanks between elements: most packets are indented by one rule, and only what breaks it need be kept."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["find_indent", "gap_of"]


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


def find_indent(
    before: Sequence[str | None],
    depths: Sequence[int],
    after: Sequence[tuple[int, int, str | None, bool]],
) -> tuple[str | None, dict[int, str]]:
    """The rule of a packet and its exceptions.

    Parameters
    ----------
    before
        What stands before each known element.
    depths
        How deep it lies; 0 for what stays on the line.
    after
        Of each element with something before its end tag that is not the content of a leaf: its number,
        its depth, what stands there, and whether it has known children.

    Returns
    -------
    The indent, and what stands at places (see `bridge.voevent.layout.Place`) that it does not explain.
    """
    if not any(before) and not any(entry[2] for entry in after):
        return None, {}
    indent = next(
        (
            gap[1:]
            for gap, depth in zip(before, depths, strict=True)
            if depth == 1 and gap and gap[0] == "\n" and gap.isspace() and "\n" not in gap[1:]
        ),
        None,
    )
    places = {}
    rules: dict[int, str] = {}
    for number, (gap, depth) in enumerate(zip(before, depths, strict=True)):
        if depth not in rules:
            rules[depth] = gap_of(indent, depth)
        if (gap or "") != rules[depth]:
            places[2 * number] = gap or ""
    for number, depth, gap, has_children in after:
        rule = end_gap(indent, number, depth) if has_children else ""
        if (gap or "") != rule:
            places[2 * number + 1] = gap or ""
    return indent, places


def end_gap(indent: str | None, number: int, depth: int) -> str:
    """What stands before the end tag of an element with known children, by the rule."""
    if number == 0:
        return "" if indent is None else "\n"
    return gap_of(indent, depth)
