"""The quick way through a usual packet: its text, as lxml writes it, cut at every ``<``.

Most packets hold nothing but what the model knows: no comments, no prefixes below the root, no unknown
parts. Then every piece is a tag with what follows it, and an element without content that has come before
(flags and identifiers of systems come in every packet) is one look into a dictionary. Whatever is unusual
sends the packet the full way, which gives the same answer for any.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from bridge.voevent.indent import gap_of
from bridge.voevent.markup import Element, unescape
from bridge.voevent.numbers import read_number
from bridge.voevent.reading import Notes, Record, Seen, Spec, note_order, number_record, spec_of
from bridge.voevent.tables import place_cells
from bridge.voevent.what import Field

__all__ = ["has_only_elements", "read_quickly"]

_ATTRIBUTE = re.compile(r'([^\s=]+)="([^"]*)"')
_MOST = 8_192


class _UnusualError(Exception):
    """The packet has to go the full way."""


class _SeenPieces(dict[str, tuple[str, Seen, str]]):
    """Elements without content that have come before: piece to name, record, and what stands behind."""

    def learn(self, piece: str, name: str, record: Record, tail: str) -> Seen:
        if len(self) >= _MOST:
            self.clear()
        seen = Seen(record)
        self[piece] = name, seen, tail
        return seen


_SEEN = _SeenPieces()


def has_only_elements(text: str) -> bool:
    """Whether there are no comments, instructions or other sections in a document, as lxml writes it."""
    # A single character is found at once, and hardly any packet has one of these.
    return not ("!" in text and "<!" in text) and not ("?" in text and "<?" in text)


def read_quickly(
    root: Element, spec: Spec, record: Record, indent: str | None, text: str | None
) -> Notes | None:
    """Read the children of the root into its record.

    Parameters
    ----------
    root
        Of a document without namespaces that are declared below the root.
    spec, record
        Of the root; the record is filled.
    indent
        Of the document.
    text
        The root as lxml writes it, where that is known already.

    Returns
    -------
    The layout of the children; None if it could not be done, and then the record is as it was.
    """
    if text is None:
        text = etree.tostring(root, encoding="unicode")
    namespaces = root.nsmap
    # A default namespace makes strangers of elements that are written with the names we know.
    if None in namespaces or not all(map(_is_simple, namespaces.values())) or not has_only_elements(text):
        return None
    trial, notes = spec.blank.copy(), Notes(indent)
    pieces = iter(text.split("<"))
    next(pieces)
    head, _, gap = next(pieces).partition(">")
    try:
        if not head.endswith("/"):
            _children(pieces, gap, spec, trial, notes, 0, 0)
    except (_UnusualError, StopIteration):
        return None
    record.update((name, trial[name]) for name in spec.children)
    return notes


def _children(
    pieces: Iterator[str], gap: str, spec: Spec, record: Record, notes: Notes, number: int, depth: int
) -> str:
    """Read up to the end tag of an element; gives what stands behind it."""
    known_children = spec.children
    look = _SEEN.get
    depth_inside = depth + 1
    rule = gap_of(notes.indent, depth_inside)
    places: list[int] = []
    rows: list[list[str]] | None = None
    value: Any
    for piece in pieces:
        seen = look(piece)
        if seen is not None:
            name, value, tail = seen
        elif piece[0] == "/":
            break
        else:
            head, _, tail = piece.partition(">")
            name = head.partition(" ")[0].rstrip("/")
            value = None
        known = known_children.get(name)
        if known is None or not (known.many or record[name] is None):
            raise _UnusualError
        places.append(known.place)
        inner = notes.count
        notes.count = inner + 1
        if gap != rule:
            notes.places[2 * inner] = gap
        gap = tail
        if value is None:
            if known.spec is not None:
                value, gap = _record(pieces, piece, known.spec, notes, inner, depth_inside)
            elif known.kind == "rows":
                value, gap = _rows(pieces, head, tail, notes, inner, depth_inside)
                rows = value
            else:
                if " " in head:
                    raise _UnusualError
                value, gap = _leaf(pieces, head, tail)
                if known.kind == "number":
                    value = number_record(value)
        if not known.many:
            record[name] = value
        elif record[name]:
            record[name].append(value)
        else:
            record[name] = [value]
    else:
        raise _UnusualError
    notes.end(number, depth, gap, has_children=bool(places))
    if rows is not None:
        record["Data"] = place_cells(record, rows)
    if len(places) > 1:
        note_order(notes.orders, number, places, spec)
    return piece.partition(">")[2]


def _record(
    pieces: Iterator[str], piece: str, spec: Spec, notes: Notes, number: int, depth: int
) -> tuple[Record, str]:
    """The record of an element that begins with a piece, and what stands behind it."""
    head, _, tail = piece.partition(">")
    record = spec.blank.copy()
    for key, raw in _ATTRIBUTE.findall(head):
        value = unescape(raw)
        if key in spec.texts:
            record[key] = value
        elif key == spec.own:
            record["value"], record["text"], record["decimals"] = read_number(value)
        elif key in spec.numbers:
            record[key] = number_record(value)
        else:
            raise _UnusualError
    if spec.is_leaf:
        text, gap = _leaf(pieces, head, tail)
        if spec.own is not None:
            record["value"], record["text"], record["decimals"] = read_number(text)
        else:
            record[spec.content or ""] = text
        return record, gap
    if head[-1] == "/":
        # A measured value will hardly come again. A Field is given its column later: it needs its own record.
        if record.get("decimals") or spec is _FIELD:
            return record, tail
        return _SEEN.learn(piece, head.partition(" ")[0].rstrip("/"), record, tail), tail
    return record, _children(pieces, tail, spec, record, notes, number, depth)


def _leaf(pieces: Iterator[str], head: str, tail: str) -> tuple[str, str]:
    """The text of an element, and what stands behind its end tag."""
    if head[-1] == "/":
        return "", tail
    end, _, gap = next(pieces).partition(">")
    if end[0] != "/":
        raise _UnusualError
    return unescape(tail), gap


def _rows(
    pieces: Iterator[str], head: str, tail: str, notes: Notes, number: int, depth: int
) -> tuple[list[list[str]], str]:
    """The cells of Data, and what stands behind it."""
    rows: list[list[str]] = []
    if head == "Data/":
        return rows, tail
    if head != "Data":
        raise _UnusualError
    rule = gap_of(notes.indent, depth + 1)
    gap = tail
    for piece in pieces:
        head, _, tail = piece.partition(">")
        if head == "/Data":
            notes.end(number, depth, gap, has_children=bool(rows))
            return rows, tail
        if head not in ("TR", "TR/"):
            raise _UnusualError
        inner = notes.start(gap, rule)
        cells, gap = _cells(pieces, tail, notes, inner) if head == "TR" else ([], tail)
        rows.append(cells)
    raise _UnusualError


def _cells(pieces: Iterator[str], gap: str, notes: Notes, number: int) -> tuple[list[str], str]:
    """The cells of a row, and what stands behind it."""
    cells: list[str] = []
    for piece in pieces:
        head, _, tail = piece.partition(">")
        if head == "/TR":
            notes.end(number, 0, gap, has_children=bool(cells))
            return cells, tail
        if head not in ("TD", "TD/"):
            raise _UnusualError
        notes.start(gap, "")
        text, gap = _leaf(pieces, head, tail)
        cells.append(text)
    raise _UnusualError


def _is_simple(uri: str) -> bool:
    return "<" not in uri and ">" not in uri


_FIELD = spec_of(Field)
