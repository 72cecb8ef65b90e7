"""Makes a pattern of a packet that is good, which matches others that differ from it in nothing that matters.

Apart from `bridge.voevent.familiar`, which tries patterns on many packets: here few are taken apart, tag by
tag, and it may take some milliseconds.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from bridge.voevent.headline import Headline, read_headline
from bridge.voevent.ids import names_an_event
from bridge.voevent.simple_types import free_texts

__all__ = ["Shape", "has_sound_references", "markup_of"]

_MOST_VALUES = 4_096

# ASCII without control characters: a carriage return changes on reading.
_TAME = bytes((9, 10, *range(32, 127)))
# A reference that no document type can give another meaning, and that stays inside its value.
_REFERENCE = re.compile(rb"&(?:amp|lt|gt|quot|apos);")
# What is tame and ends neither a value nor, as "]]>" would, a text.
_ANY_VALUE = rb"[\t\n !#-;=-~]*+"
_ANY_TEXT = rb"[\t\n !#-;=?-~]*+"

# What the parser makes of other encodings (UTF-7, say) cannot be seen from the bytes.
_DECLARATION = re.compile(
    rb"""\s*<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])(?:utf-8|us-ascii|iso-8859-1)\2)?"""
    rb"""(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>""",
    re.IGNORECASE,
)
_TAG = re.compile(rb'\s*<(/?)([A-Za-z][\w.:-]*)((?:\s+[A-Za-z][\w.:-]*\s*=\s*"[^"<]*")*)\s*(/?)>([^<"]*)')
_ATTRIBUTE = re.compile(rb'([A-Za-z][\w.:-]*)\s*=\s*"([^"<]*)"')
_TEXT = re.compile(rb">(\s*+[^<\s][^<]*+)")
_HOLE = b">\0"
_IVORN, _ROLE, _TIME = ("VOEvent", "ivorn"), ("VOEvent", "role"), ("ISOTime", "")
_MARK = re.compile(r"(\d+)\.25e-6")
_DECLARING = re.compile(rb"xmlns:.*|.*:schemaLocation")


def markup_of(xml: bytes) -> bytes | None:
    """A digest of what is not value in a packet; None where more than plain tags and text may be in it."""
    if xml.translate(None, _TAME) or b"]]>" in xml or (b"&" in xml and not has_sound_references(xml)):
        return None
    markup = _TEXT.split(b'"'.join(xml.split(b'"')[::2]))
    return hashlib.sha256(_HOLE.join(markup[::2])).digest()


def has_sound_references(xml: bytes) -> bool:
    """Whether each ampersand begins one of the five references of XML itself."""
    return b"&" not in _REFERENCE.sub(b"", xml)


class Shape:
    """What packets have to be like to be as good as one that was taken.

    Parameters
    ----------
    pattern
        Matches them.
    groups
        Which of its groups are identifier, right ascension, declination and time; 0 for what there is not.
    role
        Their role.

    Attributes
    ----------
    match
        Tries the pattern on a packet. References in it may be wrong all the same (`has_sound_references`).
    """

    __slots__ = ("_groups", "_role", "match")

    def __init__(self, pattern: bytes, groups: tuple[int, ...], role: str) -> None:
        self.match = re.compile(pattern).fullmatch
        self._groups = groups
        self._role = role

    @classmethod
    def of(cls, xml: bytes, headline: Headline) -> Shape | None:
        """The shape of a packet with this headline; None where it holds more than is understood here.

        It is meant for packets that have a `markup_of`.
        """
        values = _values(xml)
        if values is None:
            return None
        wanted = _headline_values(xml, values)
        if wanted[0] is None:
            return None
        order: list[int] = []
        pattern: list[bytes] = []
        at = 0
        for value in values:
            inside = _pattern_of(value, xml)
            if value in wanted:
                inside = b"(%b)" % inside
                order.append(wanted.index(value))
            pattern += re.escape(xml[at : value.start]), inside
            at = value.stop
        groups = tuple(1 + order.index(place) if place in order else 0 for place in range(4))
        shape = cls(b"".join(pattern) + re.escape(xml[at:]), groups, headline.role)
        match = shape.match(xml)
        # Not so if a value of this very packet is not surely of its type.
        return shape if match is not None and shape.headline_of(match) == headline else None

    def headline_of(self, match: re.Match[bytes]) -> Headline | None:
        """The headline of a packet that matches; None if its identifier or its time is not surely good."""
        name, ra, dec, time = (match[group] if group else b"" for group in self._groups)
        ivorn = name.decode("ascii")
        if b"&" in time or not names_an_event(ivorn):
            return None
        return Headline(
            ivorn,
            self._role,
            # What has passed the check of a number is one, and finite.
            float(ra) if ra else None,
            float(dec) if dec else None,
            time.decode("ascii").strip(),
        )


class _Value(NamedTuple):
    """A value of a packet: where it begins and ends, its element and attribute (empty: a text)."""

    start: int
    stop: int
    name: tuple[str, str]
    is_in_where_when: bool


def _pattern_of(value: _Value, xml: bytes) -> bytes:
    """What other packets may have in place of a value."""
    free = free_texts()
    known = value.name in free
    kind = free.get(value.name)
    # What is told of a position in words says how it is to be read.
    if not known or (kind is None and value.is_in_where_when and value.name != _TIME):
        return re.escape(xml[value.start : value.stop])
    if kind is None:
        return _ANY_VALUE if value.name[1] else _ANY_TEXT
    return b"(?>%b)" % kind.pattern


def _values(xml: bytes) -> list[_Value] | None:
    """The values of a packet that is well-formed; None where it holds more than tags and text."""
    declaration = _DECLARATION.match(xml)
    at = declaration.end() if declaration else 0
    values: list[_Value] = []
    path = [""]
    while at < len(xml):
        tag = _TAG.match(xml, at)
        if tag is None:
            return None
        at = tag.end()
        closes, name, _, is_empty, text = tag.groups()
        element = name.decode().rpartition(":")[2]
        for attribute in _ATTRIBUTE.finditer(xml, tag.start(3), tag.end(3)):
            if b":" in attribute[1] and not _DECLARING.fullmatch(attribute[1]):
                # It may change the type of its element.
                return None
            place = (element, attribute[1].decode())
            values.append(_Value(*attribute.span(2), place, "WhereWhen" in path))
        if closes:
            path.pop()
        elif not is_empty:
            path.append(element)
        if text.strip():
            values.append(_Value(*tag.span(5), (path[-1], ""), "WhereWhen" in path))
        if len(values) > _MOST_VALUES:
            return None
    return values


def _headline_values(xml: bytes, values: list[_Value]) -> tuple[_Value | None, ...]:
    """Which values make up the headline, found by asking for that of a packet full of marks.

    Identifier, right ascension, declination and time; None for what there is not.
    """
    free = free_texts()
    pieces: list[bytes] = []
    at = 0
    for number, value in enumerate(values):
        if not value.name[1] and (value.name == _TIME or free.get(value.name) is not None):
            pieces += xml[at : value.start], _mark(number).encode()
            at = value.stop
    marked = read_headline(b"".join(pieces) + xml[at:])
    time = _MARK.fullmatch(marked.observed_at)
    return (
        next((value for value in values if value.name == _IVORN), None),
        _marked(marked.ra_deg, values),
        _marked(marked.dec_deg, values),
        values[int(time[1])] if time else None,
    )


def _marked(coordinate: float | None, values: list[_Value]) -> _Value | None:
    """Which value a coordinate is; a number that was converted is not its mark, and is not found again."""
    number = round((coordinate or 0) * 1e6 - 0.25)
    return values[number] if number < len(values) and coordinate == float(_mark(number)) else None


def _mark(number: int) -> str:
    """A number that says its place, and would be none if it were multiplied with what units are made of."""
    return f"{number}.25e-6"
