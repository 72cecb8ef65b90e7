"""Identifiers (IVORN, IVOID): what peers accept, and how to build one that all of them accept.

Comet refuses packets whose identifier it cannot parse, and broadcasters in the field differ in what they
let through. So there are two questions, kept apart: is it acceptable (relay), and is it safe (our own).
"""

from __future__ import annotations

import re
from urllib.parse import quote

from bridge.errors import UsageError

__all__ = ["check_authority", "is_acceptable", "is_safe", "local_id", "names_an_event"]

# Comet 3.1 (comet/utility/voevent.py) after IVOA Identifiers 2.0: an authority of three characters or more,
# an optional resource key without empty or dot segments, '#', a local part.
ACCEPTABLE = re.compile(
    r"ivo://[a-zA-Z0-9][\w\-.~*'()]{2,}(?P<key>/[\w\-.~*'()/]*)?#?(?P<local>[\w\-.~*'()+=/%!$&,;:@?]*)\Z"
)
SAFE_STREAM = re.compile(r"ivo://[a-z0-9][a-z0-9.-]{2,}(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
SAFE = re.compile(r"ivo://[a-z0-9][a-z0-9.-]{2,}/[A-Za-z0-9._/-]+#[A-Za-z0-9._:+%-]+\Z")


def is_acceptable(ivorn: str) -> bool:
    """Whether a stock Comet can parse this identifier."""
    match = ACCEPTABLE.match(ivorn)
    return match is not None and _has_good_key(match)


def _has_good_key(match: re.Match[str]) -> bool:
    key = match["key"] or ""
    return not (key.endswith("/") or "//" in key or "/./" in key or "/../" in key)


def names_an_event(ivorn: str) -> bool:
    """Whether Comet can parse an identifier, and finds a part for the event in it, behind the stream's."""
    match = ACCEPTABLE.match(ivorn)
    return match is not None and bool(match["local"]) and _has_good_key(match)


def is_safe(ivorn: str) -> bool:
    """Whether every known broker and archive takes this identifier, and it names one event."""
    return SAFE.match(ivorn) is not None and is_acceptable(ivorn)


def check_authority(local_ivo: str) -> str:
    """Check the identifier under which we author, and give it without a final slash.

    Parameters
    ----------
    local_ivo
        ``ivo://authority`` or ``ivo://authority/path``, without ``#``.

    Raises
    ------
    UsageError
        If brokers would refuse packets under this identifier.
    """
    trimmed = local_ivo.rstrip("/")
    if not SAFE_STREAM.match(trimmed):
        raise UsageError(
            f"{local_ivo!r} cannot be used as author identifier: write ivo:// and a lower-case authority of "
            "three characters or more, then a path of letters, digits, '.', '_' and '-', for example "
            "ivo://example.org/bridge."
        )
    return trimmed


def local_id(text: str) -> str:
    """The part after '#': everything but ``A-Za-z0-9._:+-`` becomes %XX, so two texts never give one id."""
    return quote(text, safe=":+")
