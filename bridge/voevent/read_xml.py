"""From XML to a record: what a VOEvent says in the model's places, and in its layout all the rest.

A record is a dictionary with the names of the XML and every field present; it is the common form from which
dataclasses, Avro and JSON are made. Packets come by the thousand, so it is made straight from lxml's tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.event_shape import XSI, XSI_NAMESPACE, root_attributes
from bridge.voevent.grammar import MANY, Part, once, shape_of
from bridge.voevent.indent import find_indent
from bridge.voevent.markup import Element, escape_text, fragment, inner_xml, parse_xml, start_tag
from bridge.voevent.model import VOEvent
from bridge.voevent.numbers import read_number
from bridge.voevent.tables import place_cells
from bridge.voevent.what import Table

__all__ = ["Record", "blank_record", "read_xml"]

Record = dict[str, Any]
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
    root = parse_xml(data)
    if etree.QName(root).localname != "VOEvent":
        raise PacketError(f"it is XML but no VOEvent (its root is {etree.QName(root).localname})")
    # Where the namespaces of the root are all there are, no other element need be asked for its own.
    return _Reader(root, declares=data.count(b"xmlns") != len(root.nsmap)).event()


def blank_record(cls: type[Any]) -> Record:
    """A record of a class of the model with nothing in it."""
    return _spec(cls).blank.copy()


class _Known(NamedTuple):
    """A child element that a class has a place for."""

    place: int
    name: str
    many: bool
    read: Callable[[_Reader, Element, str | None, int, Any], Any]
    spec: _Spec | None


class _Spec:
    """How the elements of one class are read."""

    def __init__(self, cls: type[Any]) -> None:
        shape = shape_of(cls)
        self.name = cls.__name__
        self.children: dict[str, _Known] = {}
        self.blank: Record = {part.name: _default(cls, part) for part in shape.parts}
        self.texts = frozenset(part.name for part in shape.parts if part.kind == "attribute")
        self.numbers = frozenset(part.name for part in shape.parts if part.kind == "number attribute")
        self.own = shape.number
        self.attributes = self.texts | self.numbers | {shape.number}
        self.content = next((part.name for part in shape.parts if part.kind == "content"), None)
        self.is_leaf = self.content is not None or self.own == ""
        self.is_table = cls is Table

    def fill(self, cls: type[Any]) -> _Spec:
        """Add the children, which may need this spec themselves."""
        for index, part in enumerate(shape_of(cls).children):
            spec = _spec(part.cls) if part.cls is not None and part.name != "Data" else None
            self.children[part.name] = _Known(index, part.name, part.kind in MANY, _reader_of(part), spec)
        return self


@once
def _spec(cls: Any) -> _Spec:
    return _Spec(cls).fill(cls)


def _default(cls: type[Any], part: Part) -> Any:
    return cls.__dataclass_fields__[part.python].default


def _reader_of(part: Part) -> Callable[[_Reader, Element, str | None, int, Any], Any]:
    if part.kind == "number":
        return _Reader.number
    if part.kind in ("text", "texts"):
        return _Reader.leaf
    return _Reader.rows if part.name == "Data" else _Reader.record


class _Reader:
    """Reads one document; the attributes collect its layout."""

    def __init__(self, root: Element, *, declares: bool) -> None:
        self.root = root
        self.declares = declares
        self.before: list[str | None] = []
        self.depths: list[int] = []
        self.after: list[tuple[int, int, str | None, bool]] = []
        self.orders: list[Record] = []
        self.tags: list[Record] = []
        self.contents: dict[int, str] = {}

    def event(self) -> Record:
        root = self.root
        namespace = etree.QName(root).namespace
        self.namespace = f"{{{namespace}}}" if namespace else ""
        spec = _spec(VOEvent)
        record = spec.blank.copy()
        record["schemaLocation"] = root.get(XSI)
        record.update((key, value) for key, value in root.items() if key in spec.texts)
        self.before.append(None)
        self.depths.append(0)
        if record["schemaLocation"] is not None and root.nsmap.get("xsi") != XSI_NAMESPACE:
            record["schemaLocation"] = None
        name, attributes = root_attributes(record["version"], record["schemaLocation"])
        usual = f"{root.prefix}:VOEvent" if root.prefix else "VOEvent"
        if usual != name or self._root_is_odd(spec, attributes):
            has_location = record["schemaLocation"] is not None
            self.tags.append(self._root_tag(spec, name, has_location=has_location))
        self.children(root, spec, record, 0, 0)
        layout = self._layout()
        if layout is not None:
            record["layout"] = layout
        return record

    def record(self, element: Element, gap: str | None, depth: int, spec: _Spec) -> Record:
        number = len(self.before)
        self.before.append(gap)
        self.depths.append(depth)
        record = spec.blank.copy()
        odd = self.declares
        attributes: Any = element.items()
        for key, value in attributes:
            if key in spec.texts:
                record[key] = value
            elif key == spec.own:
                record["value"], record["text"], record["decimals"] = read_number(value)
            elif key in spec.numbers:
                record[key] = dict(zip(("value", "text", "decimals"), read_number(value), strict=True))
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

    def children(self, element: Element, spec: _Spec, record: Record, number: int, depth: int) -> None:
        kinds = []
        rows: list[list[str]] | None = None
        for child, known, gap in self.inside(element, spec.children, record, number, depth):
            kinds.append(known.place)
            value = known.read(self, child, gap, depth + 1, known.spec)
            if not known.many:
                record[known.name] = value
                if known.read is _Reader.rows:
                    rows = value
            elif record[known.name]:
                record[known.name].append(value)
            else:
                record[known.name] = [value]
        if rows is not None:
            record["Data"] = place_cells(record, rows)
        if kinds and kinds != sorted(kinds):
            self.orders.append({"of": number, "runs": _runs(kinds, list(spec.children))})

    def inside(
        self, element: Element, known: dict[str, _Known], record: Record, number: int, depth: int
    ) -> Iterator[tuple[Element, _Known, str | None]]:
        """The known children, each with what stands before it; what stands before the end is noted."""
        gap = _escaped(element.text)
        any_known = False
        for child in element:
            tag: Any = child.tag
            found = known.get(tag) or self._by_namespace(tag, known)
            if found is None or not (found.many or record[found.name] is None):
                gap = f"{gap or ''}{fragment(child, element.nsmap)}{_escaped(child.tail) or ''}"
                continue
            any_known = True
            yield child, found, gap
            gap = _escaped(child.tail)
        if any_known or gap:
            self.after.append((number, depth, gap, any_known))

    def leaf(self, element: Element, gap: str | None, depth: int, _: object) -> str:
        number = len(self.before)
        self.before.append(gap)
        self.depths.append(depth)
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        return self.text(element, number)

    def number(self, element: Element, gap: str | None, depth: int, _: object) -> Record:
        text = self.leaf(element, gap, depth, None)
        return dict(zip(("value", "text", "decimals"), read_number(text), strict=True))

    def text(self, element: Element, number: int) -> str:
        if len(element):
            self.contents[2 * number + 1] = inner_xml(element)
            return etree.tostring(element, encoding="unicode", method="text", with_tail=False)
        return element.text or ""

    def rows(self, element: Element, gap: str | None, depth: int, _: object) -> list[list[str]]:
        number = len(self.before)
        self.before.append(gap)
        self.depths.append(depth)
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        return [
            self._row(row, gap, depth + 1) for row, _, gap in self.inside(element, _ROW, {}, number, depth)
        ]

    def _row(self, element: Element, gap: str | None, depth: int) -> list[str]:
        number = len(self.before)
        self.before.append(gap)
        self.depths.append(depth)
        if self.declares or element.items():
            self.tag(element, number, frozenset())
        # A cell stands on the line of its row, which depth 0 says.
        return [self.leaf(cell, gap, 0, None) for cell, _, gap in self.inside(element, _CELL, {}, number, 0)]

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

    def _by_namespace(self, tag: Any, known: dict[str, _Known]) -> _Known | None:
        """A known child whose name is qualified: in the root's namespace, or another of the IVOA."""
        # Of a comment or an instruction the tag is a function.
        if not isinstance(tag, str) or not tag.startswith((_IVOA, self.namespace or _IVOA)):
            return None
        found = known.get(tag.rpartition("}")[2])
        if found is not None:
            # From here on names have to be looked at; those before were without a prefix.
            self.declares = True
        return found

    def _root_is_odd(self, spec: _Spec, usual: dict[str, str]) -> bool:
        root = self.root
        if {f"xmlns:{key}" if key else "xmlns": uri for key, uri in root.nsmap.items()} != usual:
            return True
        return any(key not in spec.texts and key != XSI for key in root.keys())  # noqa: SIM118 - not a dict

    def _root_tag(self, spec: _Spec, usual: str, *, has_location: bool) -> Record:
        name, found = start_tag(self.root, {})
        known = spec.texts | ({"xsi:schemaLocation"} if has_location else set())
        rest = "".join(f" {key}={value}" for key, value in found if key not in known)
        return {"of": 0, "name": None if name == usual else name, "attributes": rest}

    def _layout(self) -> Record | None:
        indent, places = find_indent(self.before, self.depths, self.after)
        places.update(self.contents)
        prolog = _beside(self.root, preceding=True)
        epilog = _beside(self.root, preceding=False)
        if prolog:
            places[0] = prolog
        if epilog:
            places[2 * len(self.before)] = epilog
        if indent is None and not (places or self.tags or self.orders):
            return None
        return {
            "indent": indent,
            "orders": sorted(self.orders, key=_of),
            "tags": sorted(self.tags, key=_of),
            "places": [{"at": at, "xml": places[at]} for at in sorted(places)],
        }


_ROW = {"TR": _Known(0, "TR", True, _Reader.leaf, None)}
_CELL = {"TD": _Known(0, "TD", True, _Reader.leaf, None)}


def _of(record: Record) -> int:
    number: int = record["of"]
    return number


def _escaped(text: str | None) -> str | None:
    if not text or (text.isspace() and "\r" not in text):
        return text
    return escape_text(text)


def _runs(kinds: list[int], names: list[str]) -> list[Record]:
    runs: list[Record] = []
    last = -1
    for kind in kinds:
        if kind == last:
            runs[-1]["count"] += 1
        else:
            runs.append({"name": names[kind], "count": 1})
            last = kind
    return runs


def _beside(root: Element, *, preceding: bool) -> str:
    nodes = [fragment(node, {}) for node in root.itersiblings(preceding=preceding)]
    return "".join(reversed(nodes) if preceding else nodes)
