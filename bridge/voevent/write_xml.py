"""From a record to XML: the model's places in canonical order, or as the layout says.

Without a layout the XML is one line without blanks between elements. With one it has the canonical
form (C14N) of the document that the record was read from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bridge.errors import PacketError
from bridge.voevent.event_shape import root_attributes
from bridge.voevent.grammar import once, shape_of
from bridge.voevent.indent import end_gap, gap_of
from bridge.voevent.markup import escape_attribute, escape_text, parse_xml
from bridge.voevent.model import VOEvent
from bridge.voevent.numbers import format_number
from bridge.voevent.tables import rows_of

__all__ = ["write_xml"]

Record = Mapping[str, Any]
_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


class _Words(dict[str, str]):
    """Attribute values that are written again and again, escaped."""

    def __missing__(self, text: str) -> str:
        escaped = escape_attribute(text)
        if len(self) > 20_000:
            self.clear()
        if len(text) < 64:
            self[text] = escaped
        return escaped


_WORDS = _Words()


def write_xml(record: Record) -> bytes:
    """Write a VOEvent.

    Parameters
    ----------
    record
        As `bridge.voevent.read_xml.read_xml` gives it, every field present.

    Raises
    ------
    PacketError
        If a text has a character that XML cannot hold, or the layout is not XML.
    """
    writer = _Writer(record.get("layout"))
    text = writer.event(record)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise PacketError("a text has half of a surrogate pair, which XML cannot hold") from None
    if writer.tags or writer.places:
        # These are XML from whoever wrote the record, and may be anything.
        try:
            parse_xml(data)
        except PacketError as error:
            raise PacketError(f"its layout does not make XML of it: {error}", field="layout") from None
    return data


class _Child:
    __slots__ = ("is_data", "kind", "many", "name", "spec")

    def __init__(self, name: str, kind: str, spec: _Spec | None) -> None:
        self.name = name
        self.kind = kind
        self.many = kind in ("texts", "records")
        self.spec = spec
        self.is_data = name == "Data"


class _Spec:
    def __init__(self, cls: type[Any]) -> None:
        shape = shape_of(cls)
        self.own = shape.number
        self.attributes = tuple(
            (part.name, part.kind == "number attribute")
            for part in shape.parts
            if part.kind in ("attribute", "number attribute")
        )
        self.content = next((part.name for part in shape.parts if part.kind == "content"), None)
        self.is_leaf = self.content is not None or self.own == ""
        self.children: tuple[_Child, ...] = ()


@once
def _spec(cls: Any) -> _Spec:
    spec = _Spec(cls)
    spec.children = tuple(
        _Child(part.name, part.kind, _spec(part.cls) if part.cls is not None else None)
        for part in shape_of(cls).children
    )
    return spec


class _Writer:
    """Writes one event; counts the known elements as the reader does."""

    def __init__(self, layout: Record | None) -> None:
        layout = layout or {}
        self.indent: str | None = layout.get("indent")
        if self.indent is not None and self.indent.strip(" \t\n"):
            raise PacketError("the indent of its layout is not made of blanks", field="layout.indent")
        self.orders = {entry["of"]: entry["runs"] for entry in layout.get("orders", ())}
        self.tags = {entry["of"]: entry for entry in layout.get("tags", ())}
        self.places = {entry["at"]: entry["xml"] for entry in layout.get("places", ())}
        self.is_plain = self.indent is None and not self.tags and not self.places
        self.count = 0
        self.out: list[str] = []

    def event(self, record: Record) -> str:
        name, declared = root_attributes(record["version"], record["schemaLocation"])
        rest = "".join(f' {key}="{escape_attribute(uri)}"' for key, uri in declared.items())
        tag = self.tags.get(0)
        if tag is not None:
            name, rest = tag["name"] or name, tag["attributes"]
        if record["schemaLocation"] is not None:
            rest += f' xsi:schemaLocation="{escape_attribute(record["schemaLocation"])}"'
        spec = _spec(VOEvent)
        self.count = 1
        self.out = [_DECLARATION, self.places.get(0, ""), f"<{name}{rest}{_attributes(record, spec)}>"]
        self.children(record, spec, 0, 0)
        self.out.append(f"{self.end(0, 0, has_children=True)}</{name}>")
        self.out.append(self.places.get(2 * self.count, ""))
        return "".join(self.out)

    def record(self, name: str, record: Record, spec: _Spec, depth: int) -> None:
        number = self.count
        self.count += 1
        start = f"<{name}{_attributes(record, spec)}"
        if not self.is_plain:
            name, start = self.begin(number, name, start, depth)
        if spec.is_leaf:
            if spec.own is not None:
                text = format_number(record["value"], record["text"], record["decimals"]) or ""
            else:
                text = record[spec.content or ""]
            self.close_leaf(number, name, start, text)
            return
        out = self.out
        here = len(out)
        out.append("")
        self.children(record, spec, number, depth)
        has_children = self.count > number + 1
        end = self.end(number, depth, has_children=has_children)
        if has_children or end:
            out[here] = f"{start}>"
            out.append(f"{end}</{name}>")
        else:
            out[here] = f"{start}/>"

    def children(self, record: Record, spec: _Spec, number: int, depth: int) -> None:
        depth += 1
        if self.orders and number in self.orders:
            for child, value in _in_order(record, spec, self.orders[number]):
                self.child(record, child, value, depth)
            return
        for child in spec.children:
            value = record[child.name]
            if value is None:
                continue
            if child.many:
                for each in value:
                    self.child(record, child, each, depth)
            else:
                self.child(record, child, value, depth)

    def child(self, record: Record, child: _Child, value: Any, depth: int) -> None:
        if child.is_data:
            self.data(record, depth)
        elif child.spec is not None:
            self.record(child.name, value, child.spec, depth)
        elif child.kind == "number":
            self.leaf(
                child.name, format_number(value["value"], value["text"], value["decimals"]) or "", depth
            )
        else:
            self.leaf(child.name, value, depth)

    def leaf(self, name: str, text: str, depth: int) -> None:
        number = self.count
        self.count += 1
        start = f"<{name}"
        if not self.is_plain:
            name, start = self.begin(number, name, start, depth)
        self.close_leaf(number, name, start, text)

    def close_leaf(self, number: int, name: str, start: str, text: str) -> None:
        inside = self.places.get(2 * number + 1) if self.places else None
        if inside is None:
            inside = escape_text(text)
        self.out.append(f"{start}>{inside}</{name}>" if inside else f"{start}/>")

    def data(self, table: Record, depth: int) -> None:
        with_rows = self._container("Data", depth)
        next(with_rows)
        for row in rows_of(table):
            with_cells = self._container("TR", depth + 1, inline=True)
            next(with_cells)
            for cell in row:
                self.leaf("TD", cell, 0)
            next(with_cells)
        next(with_rows)

    def _container(self, name: str, depth: int, *, inline: bool = False) -> Iterator[None]:
        """Write the start tag, then (when asked again) the end tag."""
        number = self.count
        self.count += 1
        name, start = self.begin(number, name, f"<{name}", depth)
        self.out.append(f"{start}>")
        yield
        self.out.append(
            f"{self.end(number, 0 if inline else depth, has_children=self.count > number + 1)}</{name}>"
        )
        yield

    def begin(self, number: int, name: str, start: str, depth: int) -> tuple[str, str]:
        """The name and the start tag (less its end) with what stands before it."""
        before = self.places.get(2 * number)
        if before is None:
            before = gap_of(self.indent, depth)
        tag = self.tags.get(number)
        if tag is not None:
            if tag["name"] is not None:
                start = f"<{tag['name']}{start[1 + len(name) :]}"
                name = tag["name"]
            start += tag["attributes"]
        return name, before + start

    def end(self, number: int, depth: int, *, has_children: bool) -> str:
        """What stands before an end tag."""
        if self.is_plain:
            return ""
        gap: str | None = self.places.get(2 * number + 1)
        if gap is not None:
            return gap
        return end_gap(self.indent, number, depth) if has_children else ""


def _attributes(record: Record, spec: _Spec) -> str:
    parts = []
    own = spec.own
    for name, is_number in spec.attributes:
        value = record[name]
        if value is None:
            continue
        if is_number:
            value = format_number(value["value"], value["text"], value["decimals"]) or ""
        parts.append(f' {name}="{_WORDS[value]}"')
    if own:
        text = record["text"]
        if text is None:
            text = format_number(record["value"], None, record["decimals"])
        else:
            text = escape_attribute(text)
        if text is not None:
            parts.append(f' {own}="{text}"')
    return "".join(parts)


def _in_order(record: Record, spec: _Spec, runs: list[Record]) -> Iterator[tuple[_Child, Any]]:
    """The children as an order says; those that it does not name come behind, in canonical order."""
    known = {child.name: child for child in spec.children}
    left = {}
    for child in spec.children:
        value = record[child.name]
        left[child.name] = iter(value if child.many else () if value is None else (value,))
    for run in runs:
        if run["name"] not in known:
            continue
        for _ in range(run["count"]):
            value = next(left[run["name"]], None)
            if value is None:
                break
            yield known[run["name"]], value
    for name, values in left.items():
        for value in values:
            yield known[name], value
