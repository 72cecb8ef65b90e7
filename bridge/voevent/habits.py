"""XML to Avro by habit: packets of one kind differ in their values, the rest of the Avro is the same bytes.

A packet's text, as lxml writes it, is cut into what is constant in its kind (tags, names, units) and values.
The second time that a kind comes its Avro is learned: the packet is read with marks in place of the values,
and the bytes are cut at the marks. From then on a packet of that kind is its values, encoded, between
those bytes. A habit is kept only if it gives the packet's own Avro; whatever has none goes the ordinary way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.avro import encode_record
from bridge.voevent.avro_values import bytes_bytes, long_bytes, number_bytes
from bridge.voevent.markup import Element, parse_xml, unescape
from bridge.voevent.model import VOEvent
from bridge.voevent.numbers import read_number
from bridge.voevent.quick_xml import has_only_elements
from bridge.voevent.read_xml import read_root, read_xml
from bridge.voevent.reading import Spec, spec_of

__all__ = ["Habits", "xml_to_avro"]

# An attribute's value, or what stands between two tags; what remains is markup.
_CUT = re.compile(r'(?:"|>(?=[^<]))([^"<]*)["<]')
_NUMBER_ATTRIBUTES = (" value=", " importance=", " probability=")
_TEXT_ATTRIBUTES = (" ivorn=", " uri=")
# The start tag right before a text; a null stands for an attribute's value, or for a "<" that was cut away.
_START_TAG = re.compile(r"[<\0]([A-Za-z][A-Za-z0-9]*)(?: [\w:.-]+=\0)*\Z")
_MARK = "\ue000{:03d}\ue001"
# The same in Avro: nine bytes of UTF-8 behind their length.
_MARKS = re.compile(rb"\x12\xee\x80\x80(\d{3})\xee\x80\x81")
_MOST_KINDS = 512
_MOST_HABITS = 16


class _Habit:
    """The Avro of one kind of packets, less the values.

    Parameters
    ----------
    constants
        The values that are the same in all of them.
    first
        What stands before the first value.
    steps
        For each value in the order of the Avro: its place in the packet, whether it is a number, and the
        bytes behind it.
    """

    __slots__ = ("constants", "first", "steps")

    def __init__(self, constants: Any, first: bytes, steps: tuple[tuple[int, bool, bytes], ...]) -> None:
        self.constants = constants
        self.first = first
        self.steps = steps

    def datum(self, values: Sequence[str]) -> bytes:
        parts = [self.first]
        for place, is_number, behind in self.steps:
            parts.append(_TRIPLES[values[place]] if is_number else _text_bytes(values[place]))
            parts.append(behind)
        return b"".join(parts)


class _Kind:
    """Packets with the same markup: which values vary, and the habits known so far."""

    __slots__ = ("constants_of", "habits", "tried", "variable")

    def __init__(self, markup: Sequence[str]) -> None:
        self.variable = {
            place: is_number
            for place in range(len(markup) - 1)
            if (is_number := _varies(markup, place)) is not None
        }
        constant = [place for place in range(len(markup) - 1) if place not in self.variable]
        self.constants_of: Any = itemgetter(*constant) if constant else lambda _: None
        self.habits: list[_Habit] = []
        self.tried: set[int] = set()


class _Triples(dict[str, bytes]):
    """Numbers as they stand in Avro, by their texts in XML."""

    def __missing__(self, raw: str) -> bytes:
        value, text, decimals = read_number(unescape(raw))
        kept = b"\0" if text is None else b"\2" + bytes_bytes(text.encode())
        encoded = number_bytes(value) + kept + long_bytes(decimals)
        if len(self) >= 20_000:
            self.clear()
        if len(raw) < 32:
            self[raw] = encoded
        return encoded


_TRIPLES = _Triples()


class Habits:
    """The habits of a stream.

    Attributes
    ----------
    kinds
        What is known of each kind, by its markup; None for one that has come once, because most that are
        odd never come again.
    """

    def __init__(self) -> None:
        self.kinds: dict[str, _Kind | None] = {}

    @property
    def count(self) -> int:
        """How many habits there are."""
        return sum(len(kind.habits) for kind in self.kinds.values() if kind is not None)

    def encode(self, data: bytes) -> bytes:
        """The Avro datum of a packet in XML, as `encode_record` of `read_xml` gives it.

        Raises
        ------
        PacketError
            If it is not a VOEvent.
        """
        root = parse_xml(data)
        text = etree.tostring(root, encoding="unicode")
        if not _may_have_habits(root, text):
            return encode_record(read_root(root, data, text))
        parts = _CUT.split(text)
        markup, values = parts[0::2], parts[1::2]
        key = "\0".join(markup)
        if key not in self.kinds:
            datum = encode_record(read_root(root, data, text))
            if len(self.kinds) >= _MOST_KINDS:
                self.kinds.clear()
            self.kinds[key] = None
            return datum
        kind = self.kinds[key]
        if kind is None:
            kind = self.kinds[key] = _Kind(markup)
        constants = kind.constants_of(values)
        for habit in kind.habits:
            if habit.constants == constants:
                return habit.datum(values)
        datum = encode_record(read_root(root, data, text))
        mark = hash(constants)
        if mark not in kind.tried and len(kind.tried) < _MOST_HABITS:
            kind.tried.add(mark)
            _learn(kind, text, values, constants, datum)
        return datum


xml_to_avro = Habits().encode
"""`Habits.encode` with the habits of this process."""


def _may_have_habits(root: Element, text: str) -> bool:
    """Whether there is no table, nothing beside the root, and nothing that looks like a mark."""
    return (
        root.getprevious() is None
        and root.getnext() is None
        and has_only_elements(text)
        and "<TD" not in text
        and "\ue000" not in text
    )


def _varies(markup: Sequence[str], place: int) -> bool | None:
    """Whether a value varies in its kind, and is a number; None if it is constant."""
    before = markup[place]
    if before.endswith(_NUMBER_ATTRIBUTES):
        return True
    if before.endswith(_TEXT_ATTRIBUTES):
        return False
    tag = _START_TAG.search("\0" + "\0".join(markup[max(0, place - 4) : place + 1]))
    # The content of a leaf, and nothing that merely stands between tags: that may be no part of the record.
    if tag is None or tag[1] not in _LEAVES or not re.match(f"/{tag[1]}(>|\\Z)", markup[place + 1]):
        return None
    return _LEAVES[tag[1]]


def _leaves(spec: Spec) -> dict[str, bool]:
    """Names of the elements whose content is a text or (True) a number."""
    found: dict[str, bool] = {}
    for known in spec.children.values():
        if known.spec is None:
            if known.kind != "rows":
                found[known.name] = known.kind == "number"
        elif known.spec.is_leaf:
            found[known.name] = known.spec.own == ""
        else:
            found.update(_leaves(known.spec))
    return found


def _learn(kind: _Kind, text: str, values: Sequence[str], constants: Any, datum: bytes) -> None:
    """Keep the habit of a packet, if it has one."""
    if len(kind.variable) > 999:
        return
    marked, at = [], 0
    for place, match in enumerate(_CUT.finditer(text)):
        if place in kind.variable:
            marked += [text[at : match.start(1)], _MARK.format(place)]
            at = match.end(1)
    marked.append(text[at:])
    try:
        learned = encode_record(read_xml("".join(marked).encode()))
    except PacketError:
        return
    steps: list[tuple[int, bool, bytes]] = []
    first, at = b"", 0
    for found in _MARKS.finditer(learned):
        place = int(found[1])
        is_number = kind.variable.get(place)
        start, stop = found.span()
        if is_number:
            # Null, a text, no decimals: so a mark stands where a number would.
            if learned[start - 2 : start] != b"\0\2" or learned[stop : stop + 1] != b"\0":
                return
            start, stop = start - 2, stop + 1
        between = learned[at:start]
        if not steps:
            first = between
        else:
            steps[-1] = (steps[-1][0], steps[-1][1], between)
        steps.append((place, bool(is_number), b""))
        at = stop
    if not steps or sorted(step[0] for step in steps) != sorted(kind.variable):
        return
    steps[-1] = (steps[-1][0], steps[-1][1], learned[at:])
    habit = _Habit(constants, first, tuple(steps))
    if habit.datum(values) == datum:
        kind.habits.append(habit)


def _text_bytes(raw: str) -> bytes:
    return bytes_bytes(unescape(raw).encode())


_LEAVES = _leaves(spec_of(VOEvent))
