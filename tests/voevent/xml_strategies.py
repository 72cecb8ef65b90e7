"""VOEvents that nobody has written yet: from the model, and as odd XML that the model has no place for."""

from __future__ import annotations

import types
import typing
from dataclasses import is_dataclass, replace
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from hypothesis import strategies as st
from lxml import etree

from bridge.voevent.grammar import shape_of
from bridge.voevent.layout import Layout
from bridge.voevent.model import VOEvent
from bridge.voevent.numbers import value_of
from bridge.voevent.tables import place_cells
from bridge.voevent.what import Data, Field, Table

# Characters of XML 1.0; with many of those that need an escape.
TEXTS = st.text(
    st.one_of(
        st.sampled_from("<>&\"'\t\n\r ;#]x5"),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
    ),
    max_size=8,
)
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 1e300, 5e-324, 0.1]),
)
NUMBER_TEXTS = st.one_of(
    TEXTS,
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=3).map(str),
    st.sampled_from(
        [" 5.00", "-1.0000", "0x3", "1e5", "+7", "-0", "-0.0", "", "NaN", "INF", "0007", ".5", "5."]
    ),
)
VERSIONS = st.sampled_from([None, "1.1", "2.0", "2.1", "3"])
NAMESPACES = {
    "voe": "http://www.ivoa.net/xml/VOEvent/v2.0",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xlink": "http://www.w3.org/1999/xlink",
    "other": "http://example.org/other",
}
VOCABULARY = [
    "Who",
    "What",
    "WhereWhen",
    "How",
    "Why",
    "Citations",
    "Description",
    "Reference",
    "Param",
    "Group",
    "Table",
    "Field",
    "Data",
    "TR",
    "TD",
    "Value",
    "Time",
    "AstroCoords",
    "Position2D",
    "Value2",
    "C1",
    "ObsDataLocation",
    "ObservationLocation",
    "Error",
    "EventIVORN",
    "Inference",
    "Unknown",
]
# Where each element is at home, so that much of what is made is known to the model.
HOMES = {
    "VOEvent": ("Who", "What", "WhereWhen", "How", "Why", "Citations", "Description", "Reference"),
    "Who": ("AuthorIVORN", "Author", "Date", "Description"),
    "Author": ("title", "contactName", "Contributor"),
    "What": ("Param", "Group", "Table", "Description", "Reference"),
    "Group": ("Param", "Description"),
    "Param": ("Value", "Description"),
    "Table": ("Field", "Data", "Param"),
    "Data": ("TR",),
    "TR": ("TD",),
    "WhereWhen": ("ObsDataLocation", "Description"),
    "ObsDataLocation": ("ObservatoryLocation", "ObservationLocation"),
    "ObservationLocation": ("AstroCoordSystem", "AstroCoords"),
    "AstroCoords": ("Time", "Position2D"),
    "Time": ("TimeInstant", "Error"),
    "Position2D": ("Value2", "Error2Radius"),
    "Value2": ("C1", "C2"),
    "Why": ("Inference", "Concept"),
    "Inference": ("Name", "Concept"),
    "Citations": ("EventIVORN", "Description"),
}


def c14n(xml: bytes) -> bytes:
    """Canonical form with comments; independent of the code under test."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.tostring(etree.fromstring(xml, parser).getroottree(), method="c14n")


def events() -> st.SearchStrategy[VOEvent]:
    """Any event of the model, in the canonical layout."""
    return _of(VOEvent)


@st.composite
def _of(draw: st.DrawFn, cls: type[Any]) -> Any:
    if cls is Table:
        return draw(_tables())
    hints = typing.get_type_hints(cls)
    parts = [part for part in shape_of(cls).parts if part.kind != "plain"]
    # A few parts of each thing: with all of them at once the first event would fill a page.
    chosen = draw(st.lists(st.sampled_from(parts), max_size=4, unique=True)) if parts else []
    values = {part.python: draw(_value(hints[part.python])) for part in chosen}
    if cls is VOEvent:
        values |= {"version": draw(VERSIONS), "schema_location": draw(st.none() | TEXTS)}
    if shape_of(cls).number is not None:
        values["number"], values["text"], values["decimals"] = value_of(draw(NUMBERS | NUMBER_TEXTS))
    return cls(**values)


def _value(hint: Any) -> st.SearchStrategy[Any]:
    if hint is str:
        return TEXTS
    if is_dataclass(hint):
        return _of(hint)
    origin = typing.get_origin(hint)
    if origin is tuple:
        return st.lists(_value(typing.get_args(hint)[0]), max_size=3).map(tuple)
    if origin in (types.UnionType, typing.Union):
        inner = [each for each in typing.get_args(hint) if each is not type(None)]
        return st.one_of(st.none(), *(_value(each) for each in inner))
    raise TypeError(hint)


@st.composite
def _tables(draw: st.DrawFn) -> Table:
    fields = draw(st.lists(_of(Field), max_size=3))
    cells = draw(
        st.none() | st.lists(st.lists(NUMBER_TEXTS, max_size=3), max_size=3) | _rectangle(len(fields))
    )
    record: dict[str, Any] = {"Field": [{} for _ in fields]}
    if cells is None:
        return Table(draw(_value(str | None)), fields=tuple(fields))
    data = place_cells(record, cells)
    filled = tuple(
        replace(
            field,
            numbers=tuple(column.get("values", ())),
            texts=tuple(column.get("texts", ())),
            decimals=tuple(column.get("decimals", ())),
        )
        for field, column in zip(fields, record["Field"], strict=True)
    )
    name = draw(_value(str | None))
    return Table(name, fields=filled, data=Data(data["rows"], tuple(map(tuple, data["cells"]))))


def _rectangle(width: int) -> st.SearchStrategy[list[list[str]]]:
    return st.lists(st.lists(NUMBER_TEXTS, min_size=width, max_size=width), max_size=4)


@st.composite
def odd_xml(draw: st.DrawFn) -> bytes:
    """A well-formed VOEvent with anything in any place: comments, foreign and repeated parts."""
    indent = draw(st.sampled_from(["", "", "  ", "\t"]))
    declared = draw(st.sets(st.sampled_from(["xsi", "xlink", "other"]), max_size=2)) | {"voe"}
    namespaces = "".join(f' xmlns:{prefix}="{NAMESPACES[prefix]}"' for prefix in sorted(declared))
    if draw(st.booleans()) and draw(st.booleans()):
        namespaces += f' xmlns="{draw(st.sampled_from([NAMESPACES["voe"], "http://example.org/default"]))}"'
    root = draw(st.sampled_from(["voe:VOEvent", "voe:VOEvent", "VOEvent"]))
    attributes = draw(_attributes(declared, ("ivorn", "role", "version", "other")))
    if "xsi" in declared and draw(st.booleans()):
        attributes += ' xsi:schemaLocation="http://www.ivoa.net/xml/VOEvent/v2.0  somewhere"'
    inside = draw(_content("VOEvent", declared, indent, 1, 0))
    prolog = draw(st.sampled_from(["", "<!-- first -->", "<?pi before?>\n"]))
    epilog = draw(st.sampled_from(["", "\n", "<!-- last --><?pi after?>"]))
    return f"{prolog}<{root}{namespaces}{attributes}>{inside}</{root}>{epilog}".encode()


@st.composite
def _attributes(draw: st.DrawFn, prefixes: set[str], names: tuple[str, ...]) -> str:
    chosen = draw(st.sets(st.sampled_from(names), max_size=3))
    written = "".join(f" {name}={quoteattr(draw(NUMBER_TEXTS), _BLANKS)}" for name in sorted(chosen))
    if draw(st.integers(0, 9)) == 0:
        prefix = draw(st.sampled_from(sorted(prefixes)))
        written += f' {prefix}:odd="{draw(st.sampled_from(["1", "&amp;", "a b"]))}"'
    return written


@st.composite
def _content(draw: st.DrawFn, name: str, prefixes: set[str], indent: str, depth: int, deep: int) -> str:
    if name not in HOMES or draw(st.integers(0, 19)) == 0:
        return draw(_words())
    parts = []
    for _ in range(draw(st.integers(0, 4))):
        parts.append(f"\n{indent * depth}" if indent and draw(st.integers(0, 9)) else draw(_gap()))
        parts.append(draw(_element(name, prefixes, indent, depth, deep)))
    if parts:
        parts.append(f"\n{indent * (depth - 1)}" if indent else draw(_gap()))
    return "".join(parts)


@st.composite
def _element(draw: st.DrawFn, parent: str, prefixes: set[str], indent: str, depth: int, deep: int) -> str:
    odd = draw(st.integers(0, 11))
    if odd == 0:
        return draw(
            st.sampled_from(["<!-- RA -->", "<?go now?>", "<![CDATA[<a> & ]]>", "text", "&amp;&#13;"])
        )
    name = draw(st.sampled_from(VOCABULARY if odd == 1 else HOMES[parent]))
    tag = f"{draw(st.sampled_from(sorted(prefixes)))}:{name}" if odd == 2 else name
    here = set(prefixes)
    declared = ""
    if odd == 3:
        declared = draw(st.sampled_from([
            ' xmlns="http://www.ivoa.net/xml/STC/stc-v1.30.xsd"', ' xmlns=""', ' xmlns:other="http://example.org/2"',
            ' xmlns:new="http://www.ivoa.net/xml/VOEvent/v2.0"', ' xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"',
        ]))  # fmt: skip
        if "xmlns:other" in declared:
            here.add("other")
    attributes = draw(
        _attributes(here, ("name", "value", "unit", "ucd", "id", "cite", "importance", "datatype"))
    )
    inside = "" if deep > 6 else draw(_content(name, here, indent, depth + 1, deep + 1))
    return f"<{tag}{declared}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{declared}{attributes}/>"


@st.composite
def _words(draw: st.DrawFn) -> str:
    text = escape(draw(NUMBER_TEXTS), _BLANKS)
    more = draw(
        st.sampled_from(["", "", "", "", "<!-- c -->tail", "<![CDATA[<x>]]>", "<b>bold</b>", "<?p?>"])
    )
    return text + more


def _gap() -> st.SearchStrategy[str]:
    return st.sampled_from(["", "", "", "", " ", "\n", "\n\n    ", "words", "&#13;", "<!-- between -->"])


_BLANKS = {"\r": "&#13;"}

LAYOUTS = st.none() | st.builds(Layout, st.sampled_from([None, "", " ", "  ", "\t"]))
