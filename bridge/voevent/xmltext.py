"""Text to XML bytes: escaping for attributes and elements, and characters that XML cannot hold.

One function serves attributes and elements. It escapes more than an element needs, which costs nothing and
leaves one rule to remember: blanks other than a space survive as references, illegal characters are replaced.
"""

from __future__ import annotations

import re

__all__ = ["REPLACEMENT", "escape", "is_uri"]

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that XML 1.0 cannot hold, not even as a reference (section 2.2, Char)."""

SPECIAL = re.compile('[\\x00-\\x1f"&<>\\x7f-\\x9f\ud800-\udfff\ufffe\uffff]')
NAMES = {
    '"': "&quot;",
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
URI = re.compile(r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`\[\]]+\Z", re.IGNORECASE)


def escape(text: str) -> bytes:
    """UTF-8 bytes of a text, fit for an attribute in double quotes and for an element.

    Parameters
    ----------
    text
        Any text. Control characters other than TAB, LF and CR, lone surrogates, U+FFFE and U+FFFF become
        U+FFFD: visibly wrong, but a packet that parses.
    """
    if SPECIAL.search(text) is None:
        return text.encode()
    return SPECIAL.sub(_reference, text).encode()


def is_uri(text: str) -> bool:
    """Whether a text may stand in Reference@uri (a blank in it makes the packet invalid)."""
    return URI.match(text) is not None


def _reference(match: re.Match[str]) -> str:
    character = match[0]
    if character in NAMES:
        return NAMES[character]
    if "\x7f" <= character <= "\x9f":
        return f"&#{ord(character)};"
    return REPLACEMENT
