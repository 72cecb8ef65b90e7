"""The headline of a usual packet without an XML parser.

Cut at every ``<``, packets are mostly made of pieces that have come before: a tag, and the text behind it.
What a piece opens or closes is found out once; and so is, for each kind of packet, whether what its pieces
open and close nests. A packet of which both are known is well-formed. Whatever is unusual (comments,
references, characters beyond ASCII, namespaces below the root) is left to the parser, which gives the same
answer for any. Apart from being quick, this lets no other thread in: the parser does, and then waits for its
turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence, Sized
from typing import NamedTuple, TypeVar

from bridge.voevent.systems import EQUATORIAL, frame_of_system

__all__ = ["UNIT", "Glance", "Texts", "glance"]

Texts = dict[tuple[str, str], str]
"""Texts of elements by the name of their parent (empty for ISOTime) and their own."""

UNIT = "unit"
"""In place of an element's name: the unit of what stands in its parent."""

# Larger ones are rare, and the parser has limits of its own.
_LONGEST = 200_000
# libxml2 takes 256 and no more.
_DEEPEST = 100

# XML 1.0: white space and characters (2.2, 2.3) without those beyond ASCII, and without "&".
_ALLOWED = bytes({9, 10, 13, *range(0x20, 0x7F)} - {ord("&")})
_BLANK = b" \t\r\n"
_S = rb"[ \t\r\n]"
_NAME = rb"[A-Za-z_][A-Za-z0-9_.-]*+"
_QNAME = rb"(?:" + _NAME + rb":)?+" + _NAME
# A tag without its brackets, and without what stands in quotation marks.
_TAG = re.compile(
    rb"(/?)(?:(%b):)?+(%b)((?:%b++%b%b*+=%b*+\"\")*+)%b*+(/?)" % (_NAME, _NAME, _S, _QNAME, _S, _S, _S)
)
_ATTRIBUTE = re.compile(rb'%b++(?:(%b):)?+(%b)%b*+=%b*+"([^"]*)"' % (_S, _NAME, _NAME, _S, _S))
_DECLARATION = re.compile(
    rb"\?xml%b++version=([\"'])1\.0\1(?:%b++encoding=([\"'])(?:UTF|utf)-8\2)?(?:%b++standalone=([\"'])(?:yes|no)\3)?"
    rb"%b*+\?>%b*+" % (_S, _S, _S, _S, _S)
)
_START_TAG = re.compile(rb'<%b((?:%b++%b%b*+=%b*+"[^"]*")*+)%b*+' % (_QNAME, _S, _QNAME, _S, _S, _S))
_IVORN = re.compile(rb'[ \t\r\n]ivorn="([^" \t\r\n]++)"')
_URI = re.compile(rb"(?:https?|ivo)://[A-Za-z0-9_./-]+(?:#[A-Za-z0-9_./-]*)?")
_RESERVED = b"http://www.w3.org/XML/1998/namespace", b"http://www.w3.org/2000/xmlns/"

_SYSTEMS = b"AstroCoordSystem", b"coord_system_id"
_ID = re.compile(rb'id%b*+=%b*+"([^"]*)"' % (_S, _S))
_WANTED = {b"ISOTime", b"C1", b"C2"}
_POSITIONS = {b"Position2D", b"Position3D"}
_ENDS_OF_NAME = {b"", b" ", b"\t", b"\r", b"\n"}


class Glance(NamedTuple):
    """What stands in a VOEvent: identifier, role, and the texts of time and position."""

    ivorn: str
    role: str
    texts: Texts


def glance(packet: bytes) -> Glance | None:
    """What stands in a VOEvent that is well-formed; None says nothing: it has to be parsed."""
    if len(packet) > _LONGEST or packet.translate(None, _ALLOWED) or b"]" in packet:
        # The last because of "]]>", which no text may hold.
        return None
    try:
        return _look(packet, packet.split(b"<"))
    except (_UnusualError, IndexError, ValueError):
        return None


class _UnusualError(Exception):
    """The packet has to go to the parser."""


class _Root(NamedTuple):
    """The start tag of the root, whatever its ivorn is: its name, the role, the prefixes that it declares."""

    name: bytes
    role: str
    prefixes: frozenset[bytes]


class _Shape(NamedTuple):
    """What opens and closes in a packet: prefixes that are used, the tags of wanted texts and of units."""

    prefixes: frozenset[bytes]
    wanted: tuple[tuple[tuple[str, str], bytes], ...]
    units: tuple[tuple[tuple[str, str], bytes], ...]


def _look(packet: bytes, pieces: Sequence[bytes]) -> Glance:
    first = 1
    if pieces[1].startswith(b"?"):
        _DECLARATIONS[pieces[1]]
        first = 2
    head, end, _text = pieces[first].partition(b">")
    ivorn = _IVORN.search(head)
    if pieces[0] or not end or ivorn is None:
        raise _UnusualError
    root = _ROOTS[head[: ivorn.start(1)] + head[ivorn.end(1) :]]
    # The last piece closes the root, and nothing stands behind it.
    if pieces[-1].rstrip(_BLANK) != b"/%b>" % root.name:
        raise _UnusualError
    shape = _SHAPES[(root.name, *filter(None, map(_PIECES.__getitem__, pieces[first + 1 :])))]
    if not shape.prefixes <= root.prefixes:
        raise _UnusualError
    texts: Texts = {}
    # Most of a packet need not be searched.
    where = packet.find(b"WhereWhen") if shape.wanted else 0
    for key, tag in shape.wanted:
        start = packet.index(tag, where) + len(tag)
        text = packet[start + 1 : packet.index(b"<", start)]
        # Another tag that begins alike, or one with attributes; and lines that end in another way.
        if packet[start] != ord(">") or b"\r" in text:
            raise _UnusualError
        texts[key] = text.decode()
    for key, tag in shape.units:
        start = packet.index(tag, where)
        head = packet[start : packet.index(b">", start)]
        if head[len(tag) : len(tag) + 1] not in _ENDS_OF_NAME:
            raise _UnusualError
        texts[key] = _UNITS[head]
    if shape.units and not _is_equatorial(packet):
        raise _UnusualError
    return Glance(ivorn[1].decode(), root.role, texts)


def _is_equatorial(packet: bytes) -> bool:
    """Whether each system of coordinates in it is for right ascension and declination, whichever is meant."""
    named = [place for place in map(packet.find, _SYSTEMS) if place >= 0]
    if b"SpaceRefFrame" in packet:
        return False
    return not named or all(map(_FRAMES.__getitem__, _ID.findall(packet, min(named))))


K = TypeVar("K", bound=Sized)
V = TypeVar("V")


class _Known(dict[K, V]):
    """Answers that were found before; what is asked for the first time is found out.

    Parameters
    ----------
    find
        Gives the answer; raises `_UnusualError`, which is not remembered.
    most, longest
        So many answers are remembered, to questions of at most this length.
    """

    def __init__(self, find: Callable[[K], V], most: int, longest: int) -> None:
        self._find = find
        self._most = most
        self._longest = longest

    def __missing__(self, question: K) -> V:
        answer = self._find(question)
        if len(question) <= self._longest:
            if len(self) >= self._most:
                self.clear()
            self[question] = answer
        return answer


def _declaration(piece: bytes) -> bool:
    if not _DECLARATION.fullmatch(piece):
        raise _UnusualError
    return True


def _root(head: bytes) -> _Root:
    match = _TAG.fullmatch(_without_values(head))
    if match is None or match[1] or match[5] or match[3] != b"VOEvent":
        raise _UnusualError
    attributes = _attributes(head)
    values = {name: value for prefix, name, value in attributes if not prefix}
    # There is one ivorn, and what was taken out was all of it.
    if values.get(b"ivorn") != b"" or head.count(b'ivorn="') != 1:
        raise _UnusualError
    role = values.get(b"role", b"observation")
    if any(blank in role for blank in b"\t\r\n"):
        raise _UnusualError
    declared = [(name, uri) for prefix, name, uri in attributes if prefix == b"xmlns"]
    prefixes = frozenset(name for name, uri in declared if _declares(name, uri))
    if b"xmlns" in values:
        _declares(b"", values[b"xmlns"])
    used = {prefix for prefix, _, _ in attributes if prefix not in (b"", b"xmlns")}
    own = {match[2]} if match[2] else set()
    if len(used) > 1 or not used | own <= prefixes:
        raise _UnusualError
    return _Root(match[2] + b":VOEvent" if match[2] else b"VOEvent", role.decode(), prefixes)


def _declares(prefix: bytes, uri: bytes) -> bool:
    if prefix.lower().startswith(b"xml") or uri in _RESERVED or not _URI.fullmatch(uri):
        raise _UnusualError
    return True


def _piece(piece: bytes) -> bytes:
    head, end, _text = piece.partition(b">")
    if not end:
        raise _UnusualError
    return _TAGS[_without_values(head)]


def _without_values(head: bytes) -> bytes:
    parts = head.split(b'"')
    if len(parts) % 2 == 0:
        raise _UnusualError
    return b'""'.join(parts[::2])


def _attributes(head: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Prefix, name and value of each attribute of a tag that is right; raises if one occurs twice."""
    found = _ATTRIBUTE.findall(head)
    if len({(prefix, name) for prefix, name, _ in found}) < len(found):
        raise _UnusualError
    return found


def _tag(text: bytes) -> bytes:
    """What matters of a tag without values.

    Its name, with a slash before it in an end tag; nothing of an element without content. Behind that, after
    an equals sign, prefixes that do not stand before the name.
    """
    match = _TAG.fullmatch(text)
    if match is None:
        raise _UnusualError
    slash, prefix, name, inner, empty = match.groups()
    full = prefix + b":" + name if prefix else name
    if slash:
        if inner or empty:
            raise _UnusualError
        return b"/" + full
    attributes = _attributes(inner)
    # Two prefixes may stand for one namespace, and then two attributes may be one.
    prefixes = {prefix for prefix, _, _ in attributes if prefix}
    names = {name, *prefixes, *(each for _, each, _ in attributes)}
    if len(prefixes) > 1 or any(each.lower().startswith(b"xml") for each in names):
        raise _UnusualError
    if empty:
        if name in _WANTED or name in _POSITIONS:
            raise _UnusualError
        full, prefixes = b"", prefixes | ({prefix} if prefix else set())
    return full + b"=" + b" ".join(prefixes) if prefixes else full


def _shape(tags: tuple[bytes, ...]) -> _Shape:
    parents: list[bytes] = []
    prefixes: set[bytes] = set()
    wanted: dict[tuple[str, str], bytes] = {}
    units: dict[tuple[str, str], bytes] = {}
    for place, tag in enumerate(tags):
        full, _, more = tag.partition(b"=")
        prefixes.update(more.split())
        if full.startswith(b"/"):
            if not parents or parents.pop() != full[1:]:
                raise _UnusualError
        elif full:
            prefix, _, name = full.rpartition(b":")
            prefixes.update({prefix} if prefix else ())
            if name in _WANTED:
                _want(name, full, parents, wanted, units)
            if (place and not parents) or len(parents) >= _DEEPEST:
                raise _UnusualError
            parents.append(full)
    if parents or any(tags.count(tag[1:]) > 1 for tag in units.values()):
        raise _UnusualError
    return _Shape(frozenset(prefixes), tuple(wanted.items()), tuple(units.items()))


def _want(
    name: bytes,
    full: bytes,
    parents: Sequence[bytes],
    wanted: dict[tuple[str, str], bytes],
    units: dict[tuple[str, str], bytes],
) -> None:
    """Note an element as `headline_of` would find it."""
    key = "", name.decode()
    if name != b"ISOTime":
        names = [parent.rpartition(b":")[2] for parent in parents]
        # Where an observatory is is another matter.
        if len(names) < 2 or names[-2] not in _POSITIONS or b"ObservatoryLocation" in names:
            raise _UnusualError
        key = names[-1].decode(), name.decode()
        if name == b"C1":
            units[key[0], UNIT] = b"<" + parents[-2]
    # With two of a kind it matters which comes first.
    if key in wanted or b"<" + full in wanted.values():
        raise _UnusualError
    wanted[key] = b"<" + full


def _unit(head: bytes) -> str:
    # A value that holds the end of a tag has cut it short.
    tag = _START_TAG.fullmatch(head)
    if tag is None:
        raise _UnusualError
    unit = {(prefix, name): value for prefix, name, value in _attributes(tag[1])}.get((b"", b"unit"), b"")
    if any(blank in unit for blank in b"\t\r\n"):
        raise _UnusualError
    return unit.decode()


def _frame(identifier: bytes) -> bool:
    return frame_of_system(identifier.decode()) in EQUATORIAL


_DECLARATIONS = _Known(_declaration, 64, 100)
_ROOTS = _Known(_root, 1_024, 1_000)
_PIECES = _Known(_piece, 16_384, 1_000)
_TAGS = _Known(_tag, 4_096, 1_000)
_UNITS = _Known(_unit, 256, 1_000)
_FRAMES = _Known(_frame, 1_024, 100)
_SHAPES = _Known(_shape, 1_024, 1_000)
