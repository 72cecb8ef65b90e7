"""From XML to a record: what a VOEvent says in the model's places, and in its layout all the rest.

A record is a dictionary with the names of the XML and every field present; it is the common form from which
dataclasses, Avro and JSON are made. Packets come by the thousand, so it is made straight from lxml's tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.event_shape import XSI, XSI_NAMESPACE, root_attributes
from bridge.voevent.indent import gap_of, indent_of
from bridge.voevent.markup import Element, escape_text, fragment, inner_xml, parse_xml, start_tag
from bridge.voevent.model import VOEvent
from bridge.voevent.numbers import read_number
from bridge.voevent.quick_xml import read_quickly
from bridge.voevent.reading import Known, Notes, Record, Spec, note_order, number_record, spec_of
from bridge.voevent.tables import place_cells

__all__ = ["Record", "read_root", "read_xml"]

_IVOA = "{http://www.ivoa.net/xml/"


def read_xml(data: bytes) -> Record:
    """Read a VOEvent of any version.

    Parameters
    ----------
    data
        The document. Entities, DTDs and the network are off.

    Raises
    ------
    PacketError
        If it is not well-formed XML, or its root is not a VOEvent.
    """
    return read_root(parse_xml(data), data)


def read_root(root: Element, data: bytes, text: str | None = None) -> Record:
    """Read a VOEvent that is parsed already.

    Parameters
    ----------
    root
        Its root.
    data
        The document that it was parsed from.
    text
        The root as lxml writes it (``tostring(root, encoding="unicode")``), where that is known already.

    Raises
    ------
    PacketError
        If its root is not a VOEvent.
    """
    if etree.QName(root).localname != "VOEvent":
        raise PacketError(f"it is XML but no VOEvent (its root is {etree.QName(root).localname})")
    # Where the namespaces of the root are all there are, no other element need be asked for its own.
    return _Reader(root, declares=data.count(b"xmlns") != len(root.nsmap)).event(text)


class _Reader:
    """Reads one document; the notes and the attributes beside them collect its layout."""

    def __init__(self, root: Element, *, declares: bool) -> None:
        self.root = root
        self.declares = declares
        self.notes = Notes(indent_of(root.text))
        self.tags: list[Record] = []
        self.contents: dict[int, str] = {}

    def event(self, text: str | None) -> Record:
        root = self.root
        namespace = etree.QName(root).namespace
        self.namespace = f"{{{namespace}}}" if namespace else ""
        spec = spec_of(VOEvent)
        record = spec.blank.copy()
        record["schemaLocation"] = root.get(XSI)
        record.update((key, value) for key, value in root.items() if key in spec.texts)
        if record["schemaLocation"] is not None and root.nsmap.get("xsi") != XSI_NAMESPACE:
            record["schemaLocation"] = None
        name, attributes = root_attributes(record["version"], record["schemaLocation"])
        usual = f"{root.prefix}:VOEvent" if root.prefix else "VOEvent"
        if usual != name or self._root_is_odd(spec, attributes):
            has_location = record["schemaLocation"] is not None
            self.tags.append(self._root_tag(spec, name, has_location=has_location))
        quick = None if self.declares else read_quickly(root, spec, record, self.notes.indent, text)
        if quick is not None:
            self.notes = quick
        else:
            self.children(root, spec, record, 0, 0)
        layout = self._layout()
        if layout is not None:
            record["layout"] = layout
        return record

    def record(self, element: Element, number: int, depth: int, spec: Spec) -> Record:
        record = spec.blank.copy()
        odd = self.declares
        attributes: Any = element.items()
        for key, value in attributes:
            if key in spec.texts:
                record[key] = value
            elif key == spec.own:
                record["value"], record["text"], record["decimals"] = read_number(value)
            elif key in spec.numbers:
                record[key] = number_record(value)
            else:
                odd = True
        if odd:
            self.tag(element, number, spec.attributes)
        if spec.is_leaf:
            text = self.text(element, number)
            if spec.own is not None:
                record["value"], record["text"], record["decimals"] = read_number(text)
            else:
                record[spec.content or ""] = text
        elif len(element) or element.text:
            self.children(element, spec, record, number, depth)
        return record

    def children(self, element: Element, spec: Spec, record: Record, number: int, depth: int) -> None:
        places: list[int] = []
        rows: list[list[str]] | None = None
        for child, known, inner in self.inside(element, spec.children, record, number, depth):
            places.append(known.place)
            value = self.known(child, inner, depth + 1, known)
            if not known.many:
                record[known.name] = value
                if known.kind == "rows":
                    rows = value
            elif record[known.name]:
                record[known.name].append(value)
            else:
                record[known.name] = [value]
        if rows is not None:
            record["Data"] = place_cells(record, rows)
        note_order(self.notes.orders, number, places, spec)

    def inside(
        self,
        element: Element,
        known: dict[str, Known],
        record: Record,
        number: int,
        depth: int,
        *,
        inline: bool = False,
    ) -> Iterator[tuple[Element, Known, int]]:
        """The known children with their numbers; what stands between them is noted."""
        gap = _escaped(element.text)
        rule = "" if inline else gap_of(self.notes.indent, depth + 1)
        has_children = False
        for child in element:
            tag: Any = child.tag
            found = known.get(tag) or self._by_namespace(tag, known)
            if found is None or not (found.many or record[found.name] is None):
                gap += fragment(child, element.nsmap) + _escaped(child.tail)
                continue
            has_children = True
            yield child, found, self.notes.start(gap, rule)
            gap = _escaped(child.tail)
        self.notes.end(number, 0 if inline else depth, gap, has_children=has_children)

    def known(self, element: Element, number: int, depth: int, known: Known) -> Any:
        if known.spec is not None:
            return self.record(element, number, depth, known.spec)
        if known.kind == "leaf":
            return self.leaf(element, number)
        if known.kind == "number":
            return number_record(self.leaf(element, number))
        return self.rows(element, number, depth)

    def leaf(self, element: Element, number: int) -> str:
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        return self.text(element, number)

    def text(self, element: Element, number: int) -> str:
        if len(element):
            self.contents[2 * number + 1] = inner_xml(element)
            return etree.tostring(element, encoding="unicode", method="text", with_tail=False)
        return element.text or ""

    def rows(self, element: Element, number: int, depth: int) -> list[list[str]]:
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        return [self._row(row, inner) for row, _, inner in self.inside(element, _ROW, {}, number, depth)]

    def _row(self, element: Element, number: int) -> list[str]:
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        cells = self.inside(element, _CELL, {}, number, 0, inline=True)
        return [self.leaf(cell, inner) for cell, _, inner in cells]

    def tag(self, element: Element, number: int, known: frozenset[str | None]) -> None:
        """Note name, unknown attributes and namespaces of an element, if there are such."""
        parent = element.getparent()
        assert parent is not None
        around = parent.nsmap
        if not element.prefix and element.nsmap == around and known.issuperset(element.keys()):
            return
        name, attributes = start_tag(element, around)
        local = etree.QName(element).localname
        rest = "".join(f" {key}={value}" for key, value in attributes if key not in known)
        if rest or name != local:
            self.tags.append({"of": number, "name": None if name == local else name, "attributes": rest})

    def _by_namespace(self, tag: Any, known: dict[str, Known]) -> Known | None:
        """A known child whose name is qualified: in the root's namespace, or another of the IVOA."""
        # Of a comment or an instruction the tag is a function.
        if not isinstance(tag, str) or not tag.startswith((_IVOA, self.namespace or _IVOA)):
            return None
        found = known.get(tag.rpartition("}")[2])
        if found is not None:
            # From here on names have to be looked at; those before were without a prefix.
            self.declares = True
        return found

    def _root_is_odd(self, spec: Spec, usual: dict[str, str]) -> bool:
        root = self.root
        if {f"xmlns:{key}" if key else "xmlns": uri for key, uri in root.nsmap.items()} != usual:
            return True
        return any(key not in spec.texts and key != XSI for key in root.keys())  # noqa: SIM118 - not a dict

    def _root_tag(self, spec: Spec, usual: str, *, has_location: bool) -> Record:
        name, found = start_tag(self.root, {})
        known = spec.texts | ({"xsi:schemaLocation"} if has_location else set())
        rest = "".join(f" {key}={value}" for key, value in found if key not in known)
        return {"of": 0, "name": None if name == usual else name, "attributes": rest}

    def _layout(self) -> Record | None:
        notes = self.notes
        places = notes.places | self.contents
        prolog = _beside(self.root, preceding=True)
        epilog = _beside(self.root, preceding=False)
        if prolog:
            places[0] = prolog
        if epilog:
            places[2 * notes.count] = epilog
        if notes.indent is None and not (places or self.tags or notes.orders):
            return None
        return {
            "indent": notes.indent,
            "orders": sorted(notes.orders, key=_of),
            "tags": sorted(self.tags, key=_of),
            "places": [{"at": at, "xml": places[at]} for at in sorted(places)],
        }


_ROW = {"TR": Known(0, "TR", True, "leaf", None)}
_CELL = {"TD": Known(0, "TD", True, "leaf", None)}


def _of(record: Record) -> int:
    number: int = record["of"]
    return number


def _escaped(text: str | None) -> str:
    if not text or (text.isspace() and "\r" not in text):
        return text or ""
    return escape_text(text)


def _beside(root: Element, *, preceding: bool) -> str:
    nodes = [fragment(node, {}) for node in root.itersiblings(preceding=preceding)]
    return "".join(reversed(nodes) if preceding else nodes)
