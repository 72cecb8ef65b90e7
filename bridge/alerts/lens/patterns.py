"""Avro types as regular expressions over bytes.

A type whose encoding can be said by a pattern is *regular*: primitives, short strings, and records and
unions of regular types. What a pattern cannot say (a length that is data: bytes, long strings, arrays,
maps) is left to generated code that jumps.

Every pattern is linear: repeats are possessive (Python 3.11+), and the alternatives of a union begin with
different bytes, so going back to one fails at once. Two forms are faster than their obvious equals:
``.{8}+``, which the engine passes over in one step, whatever the number, where ``.{8}`` remembers how to go
back and eight dots are eight steps (four are still quicker than one call); and plain groups instead of atomic
ones around alternatives (rows as a whole are atomic, so nothing piles up).
"""

from __future__ import annotations

import re
from functools import lru_cache

from bridge.alerts.schema import Node

__all__ = [
    "FIXED_FORMATS",
    "LONG",
    "SHORT_STRING",
    "is_regular",
    "run_pattern",
    "skip_pattern",
    "string_pattern",
    "tag",
]

# A zigzag varint of at most ten bytes, as a 64-bit long needs (Avro 1.12, "Binary Encoding").
LONG = rb"[\x80-\xff]{0,9}+[\x00-\x7f]"

# struct formats of the types whose width is fixed.
FIXED_FORMATS = {"boolean": "?", "float": "f", "double": "d"}

_FIXED_PATTERNS = {"null": b"", "boolean": rb"[\x00\x01]", "float": b"....", "double": b".{8}+"}

# Strings up to this length are matched by a pattern; a longer one sends the packet the jumping way.
SHORT_STRING = 127


def is_regular(node: Node, *, strings: bool = True, _above: frozenset[int] = frozenset()) -> bool:
    """Whether a pattern can say the type; `strings` tells whether strings may be taken as short."""
    if node.kind == "string":
        return strings
    if node.kind == "record":
        below = _above | {id(node)}
        return id(node) not in _above and all(
            is_regular(inner, strings=strings, _above=below) for inner, _ in node.fields.values()
        )
    if node.kind == "union":
        return len(node.branches) <= 64 and all(
            is_regular(branch, strings=strings, _above=_above) for branch in node.branches
        )
    return node.kind not in ("bytes", "array", "map")


def skip_pattern(node: Node) -> bytes:
    """The pattern of one value of a regular type, without groups."""
    if node.kind in _FIXED_PATTERNS:
        return _FIXED_PATTERNS[node.kind]
    if node.kind in ("int", "long", "enum"):
        return LONG
    if node.kind == "string":
        return string_pattern()
    if node.kind == "fixed":
        return run_pattern(node.size)
    if node.kind == "record":
        return b"".join(skip_pattern(inner) for inner, _ in node.fields.values())
    if node.kind == "union":
        branches = (tag(index) + skip_pattern(branch) for index, branch in enumerate(node.branches))
        return b"(?:" + b"|".join(branches) + b")"
    raise TypeError(f"{node.kind} is not regular")


def tag(branch: int) -> bytes:
    """The byte that marks a branch of a union, as a pattern."""
    return re.escape(bytes([2 * branch]))


@lru_cache(maxsize=256)
def string_pattern(*usual: int) -> bytes:
    """The pattern of a string of at most `SHORT_STRING` bytes with its length before it.

    Parameters
    ----------
    usual
        Lengths in bytes to try first.
    """
    lengths = [re.escape(_length(n)) + run_pattern(n) for n in range(SHORT_STRING + 1)]
    # The shortest one by one; the others in steps of eight, so that none is found after more than 30 looks.
    tree = [*(lengths[n] for n in usual), *lengths[:8]]
    for low in range(8, SHORT_STRING + 1, 8):
        first, last = _length(low)[0], _length(low + 7)[0]
        tree.append(b"(?=[\\x%02x-\\x%02x])(?:%s)" % (first, last, b"|".join(lengths[low : low + 8])))
    return b"(?>" + b"|".join(tree) + b")"


def run_pattern(size: int) -> bytes:
    """The pattern of so many bytes of any kind."""
    return b"." * size if size < 2 else b".{%d}+" % size


def _length(n: int) -> bytes:
    return bytes([2 * n]) if n < 64 else bytes([0x80 | (2 * n & 0x7F), 2 * n >> 7])
