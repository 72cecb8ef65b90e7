"""Packets in a shape that has been examined before: what is left to look at is their values.

The packets of one stream have the same tags, names and blanks, and differ in their values. So a packet of
2.0 is cut into markup and values. When a markup comes for the second time with a packet that is taken, it is
noted: which values may be anything that is text, which must be a number, a time or a URI, which stay as they
are, and which make up the headline. From then on a packet with this markup, and values of these kinds, is
well-formed and valid like the first, and has its headline in the same places. All others go through parser
and schema, as do packets with CDATA, comments, control characters or anything but ASCII.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from bridge.voevent.headline import Headline, read_headline
from bridge.voevent.ids import names_an_event
from bridge.voevent.simple_types import Check, free_texts

__all__ = ["Cut", "FamiliarPackets", "cut_up"]

_MOST_SHAPES = 1_024
_MOST_CONSTANTS = 64
_MOST_VALUES = 4_096

# ASCII without control characters: a carriage return changes on reading.
_TAME = bytes((9, 10, *range(32, 127)))
# A reference that no document type can give another meaning, and that stays inside its value.
_REFERENCE = re.compile(rb"&(?:amp|lt|gt|quot|apos);")
# In markup, in which nothing is left of an attribute but ``=""``: a tag's end, and text that is not blank.
_TEXT = re.compile(rb">(\s*+[^<\s][^<]*+)")
_HOLE = b">\0"

# What the parser makes of other encodings (UTF-7, say) cannot be seen from the bytes.
_DECLARATION = re.compile(
    rb"""\s*<\?xml\s+version=(["'])1\.0\1(?:\s+encoding=(["'])(?:utf-8|us-ascii|iso-8859-1)\2)?"""
    rb"""(?:\s+standalone=(["'])(?:yes|no)\3)?\s*\?>""",
    re.IGNORECASE,
)
_TAG = re.compile(rb'\s*<(/?)([A-Za-z][\w.:-]*)((?:\s+[A-Za-z][\w.:-]*\s*=\s*"[^"<]*")*)\s*(/?)>([^<]*)')
_ATTRIBUTE = re.compile(rb'([A-Za-z][\w.:-]*)\s*=\s*"([^"<]*)"')
_TIME = ("ISOTime", "")
_MARK = re.compile(r"(\d+)\.25e-6")
_DECLARING = re.compile(rb"xmlns:.*|.*:schemaLocation")


class Cut(NamedTuple):
    """A packet in pieces.

    Parameters
    ----------
    markup
        A digest of what is not value.
    attributes
        How many of the values are attributes'.
    values
        Values of attributes, then texts that are not blank; each in the order of the packet.
    """

    markup: bytes
    attributes: int
    values: list[bytes]


def cut_up(xml: bytes) -> Cut | None:
    """Cut a packet into markup and values; None where that would not show what a parser makes of it."""
    if xml.translate(None, _TAME) or b"]]>" in xml or (b"&" in xml and b"&" in _REFERENCE.sub(b"", xml)):
        return None
    pieces = xml.split(b'"')
    values = pieces[1::2]
    if b"<" in b"".join(values):
        return None
    attributes = len(values)
    pieces = _TEXT.split(b'"'.join(pieces[::2]))
    values += pieces[1::2]
    # A digest, because the markup of many packets would take much memory.
    return Cut(hashlib.sha256(_HOLE.join(pieces[::2])).digest(), attributes, values)


class FamiliarPackets:
    """The shapes of packets of VOEvent 2.0 that were examined and taken; safe to use from several threads."""

    def __init__(self) -> None:
        self._shapes: dict[bytes, _Shape | None] = {}
        self._once: dict[bytes, None] = {}

    def headline_of(self, cut: Cut) -> Headline | None:
        """The headline of a packet that is taken for sure; None where parser and schema have to say."""
        shape = self._shapes.get(cut.markup)
        return shape.headline_of(cut) if shape is not None else None

    def learn(self, xml: bytes, cut: Cut, headline: Headline) -> None:
        """Take note of a packet that parser and schema have found to be good, and of what it is."""
        if cut.markup in self._shapes:
            shape = self._shapes[cut.markup]
            if shape is not None:
                shape.admit(xml, cut, headline)
        elif cut.markup in self._once:
            # To learn a shape takes longer than to read a packet: most come once or often.
            self._once.pop(cut.markup, None)
            _put(self._shapes, cut.markup, _Shape.of(xml, cut, headline))
        else:
            _put(self._once, cut.markup, None)


def _put(known: dict[bytes, Any], markup: bytes, value: object) -> None:
    while len(known) >= _MOST_SHAPES:
        known.pop(next(iter(known)), None)
    known[markup] = value


class _Shape:
    """What the values of packets with one markup have to be, and which of them are the headline.

    Parameters
    ----------
    attributes
        How many of the values are attributes'. A quotation mark in a text, or one too many, makes them more.
    constants_of
        Picks the values that have to be as they were in a packet that was taken.
    checks
        Values, by place, that have to be of a kind.
    """

    __slots__ = ("_attributes", "_checks", "_constants_of", "_headlines")

    def __init__(
        self,
        attributes: int,
        constants_of: Callable[[Sequence[bytes]], object],
        checks: tuple[tuple[int, Check], ...],
    ) -> None:
        self._attributes = attributes
        self._constants_of = constants_of
        self._checks = checks
        # By the constants, among them units and systems: places of identifier, role, right ascension,
        # declination and time; -1 for what there is not.
        self._headlines: dict[object, tuple[int, ...]] = {}

    @classmethod
    def of(cls, xml: bytes, cut: Cut, headline: Headline) -> _Shape | None:
        """The shape of a packet that was taken; None where it holds more than is understood here."""
        walk = _walk(xml)
        if walk is None or walk.values != cut.values or walk.attributes != cut.attributes:
            return None
        free = free_texts()
        checks: list[tuple[int, Check]] = []
        constants: list[int] = []
        for place, name in enumerate(walk.names):
            check = free.get(name, _never)
            # What is told of a position in words says how it is to be read.
            if check is _never or (check is None and place in walk.where and name != _TIME):
                constants.append(place)
            elif check is not None:
                checks.append((place, check))
        # Constant are, at the least, the version and the role.
        shape = cls(cut.attributes, itemgetter(*constants), tuple(checks))
        shape.admit(xml, cut, headline)
        return shape

    def admit(self, xml: bytes, cut: Cut, headline: Headline) -> None:
        """Take note of the constants of a packet that was taken, and where they have its headline be."""
        constants = self._constants_of(cut.values)
        if (
            cut.attributes != self._attributes
            or constants in self._headlines
            or len(self._headlines) >= _MOST_CONSTANTS
            or not self._are_good(cut.values)
        ):
            return
        walk = _walk(xml)
        places = None if walk is None else _headline_places(xml, walk)
        if places is not None and _read(cut.values, places) == headline:
            self._headlines[constants] = places

    def headline_of(self, cut: Cut) -> Headline | None:
        """The headline of a packet with this markup, if its values are surely good."""
        values = cut.values
        if cut.attributes != self._attributes:
            return None
        places = self._headlines.get(self._constants_of(values))
        if places is None or not self._are_good(values):
            return None
        headline = _read(values, places)
        if "&" in headline.observed_at or not names_an_event(headline.ivorn):
            return None
        return headline

    def _are_good(self, values: Sequence[bytes]) -> bool:
        return None not in [check(values[place]) for place, check in self._checks]


def _read(values: Sequence[bytes], places: tuple[int, ...]) -> Headline:
    ivorn, role, ra, dec, time = [values[place].decode("ascii") if place >= 0 else "" for place in places]
    # What has passed the check of a number is one, and finite.
    return Headline(ivorn, role, float(ra) if ra else None, float(dec) if dec else None, time.strip())


class _Walk(NamedTuple):
    """The values of a packet as a plain reader finds them, tag by tag.

    Parameters
    ----------
    values, attributes
        As in `Cut`.
    names
        For each value its element and attribute; the attribute is empty for a text.
    ends
        Where each text ends in the packet.
    where
        Which of the values are within WhereWhen.
    """

    values: list[bytes]
    attributes: int
    names: list[tuple[str, str]]
    ends: list[int]
    where: frozenset[int]


def _walk(xml: bytes) -> _Walk | None:
    """Read a packet that is well-formed; None where it holds more than tags and text."""
    declaration = _DECLARATION.match(xml)
    at = declaration.end() if declaration else 0
    values = [value for _, value in _ATTRIBUTE.findall(xml[:at])]
    names = [("?xml", "?")] * len(values)
    texts: list[tuple[bytes, str, int, bool]] = []
    where: set[int] = set()
    path = [""]
    while at < len(xml):
        tag = _TAG.match(xml, at)
        if tag is None:
            return None
        at = tag.end()
        closes, name, attributes, is_empty, text = tag.groups()
        element = name.decode().rpartition(":")[2]
        for attribute, value in _ATTRIBUTE.findall(attributes):
            if b":" in attribute and not _DECLARING.fullmatch(attribute):
                # It may change the type of its element.
                return None
            if "WhereWhen" in path:
                where.add(len(values))
            values.append(value)
            names.append((element, attribute.decode()))
        if closes:
            path.pop()
        elif not is_empty:
            path.append(element)
        if text.strip():
            texts.append((text, path[-1], at, "WhereWhen" in path))
        if len(values) + len(texts) > _MOST_VALUES:
            return None
    return _Walk(
        values + [text for text, _, _, _ in texts],
        len(values),
        names + [(element, "") for _, element, _, _ in texts],
        [end for _, _, end, _ in texts],
        frozenset(where | {place for place, text in enumerate(texts, len(values)) if text[3]}),
    )


def _headline_places(xml: bytes, walk: _Walk) -> tuple[int, ...]:
    """Where a packet has what makes up its headline, found by asking for that of a packet full of marks."""
    free = free_texts()
    pieces: list[bytes] = []
    at = 0
    for place, end in enumerate(walk.ends, walk.attributes):
        if walk.names[place] == _TIME or free.get(walk.names[place]) is not None:
            pieces += xml[at : end - len(walk.values[place])], _mark(place).encode()
            at = end
    marked = read_headline(b"".join(pieces) + xml[at:])
    places = [walk.names.index(("VOEvent", "ivorn")), walk.names.index(("VOEvent", "role"))]
    for number in (marked.ra_deg, marked.dec_deg):
        # A number that was converted is not its mark; then the headline is not found again.
        place = round((number or 0) * 1e6 - 0.25)
        places.append(place if place < len(walk.values) and number == float(_mark(place)) else -1)
    time = _MARK.fullmatch(marked.observed_at)
    places.append(int(time[1]) if time else -1)
    return tuple(places)


def _mark(place: int) -> str:
    """A number that says its place, and would be none if it were multiplied with what units are made of."""
    return f"{place}.25e-6"


def _never(_value: bytes) -> None:
    return None
