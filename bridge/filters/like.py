"""LIKE without backtracking: a pattern becomes pieces that are found one after the other.

The first piece is anchored at the start, the last at the end, and each one between is taken at its first
occurrence, which is all that LIKE needs: matching costs at most text times pattern, whatever the pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from bridge.errors import ExpressionError

__all__ = ["Matcher", "compile_like"]

Matcher = Callable[[str | None], bool | None]


def compile_like(pattern: str, escape: str = "", *, ignore_case: bool = False) -> Matcher:
    """Compile a LIKE pattern.

    Parameters
    ----------
    pattern
        ``%`` stands for any run of characters, ``_`` for any one.
    escape
        Character that takes the meaning from a ``%``, ``_`` or itself behind it; empty for none.
    ignore_case
        As ILIKE: text and pattern are lower-cased first.

    Returns
    -------
    Matcher
        Text or None to True, False, or None for None.

    Raises
    ------
    ExpressionError
        If the escape is not one character, or ends the pattern.
    """
    if len(escape) > 1:
        raise ExpressionError(f"ESCAPE takes one character, not {escape!r}.")
    parts = _pieces(pattern, escape, ignore_case)
    pieces = [re.compile("".join(part), re.DOTALL) for part in parts]
    head, tail, between = pieces[0], pieces[-1], pieces[1:-1]
    tail_width = len(parts[-1])

    def match_whole(text: str) -> bool:
        return head.fullmatch(text) is not None

    def match_pieces(text: str) -> bool:
        found = head.match(text)
        if found is None:
            return False
        position = found.end()
        for piece in between:
            found = piece.search(text, position)
            if found is None:
                return False
            position = found.end()
        start = len(text) - tail_width
        return start >= position and tail.match(text, start) is not None

    match = match_whole if len(pieces) == 1 else match_pieces

    def matcher(text: str | None) -> bool | None:
        if text is None:
            return None
        return match(text.lower() if ignore_case else text)

    return matcher


def _characters(pattern: str, escape: str, ignore_case: bool) -> list[tuple[str, bool]]:
    """Characters of the pattern, each with whether it is a wildcard."""
    characters: list[tuple[str, bool]] = []
    position = 0
    while position < len(pattern):
        char = pattern[position]
        wild = char in "%_"
        if escape and char == escape:
            position += 1
            if position == len(pattern):
                raise ExpressionError(f"The LIKE pattern {pattern!r} ends with its escape character.")
            char, wild = pattern[position], False
        characters += [(part, wild) for part in (char.lower() if ignore_case else char)]
        position += 1
    return characters


def _pieces(pattern: str, escape: str, ignore_case: bool) -> list[list[str]]:
    """Runs between the %s: for each character a regular expression of exactly one character."""
    pieces: list[list[str]] = [[]]
    for char, wild in _characters(pattern, escape, ignore_case):
        if wild and char == "%":
            pieces.append([])
        else:
            pieces[-1].append("." if wild else re.escape(char))
    return pieces
