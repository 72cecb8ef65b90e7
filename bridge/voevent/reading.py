"""What both readers of XML know of the classes of the model: which names are whose, and what is blank."""

from __future__ import annotations

from itertools import groupby, islice
from operator import le
from typing import Any, Literal, NamedTuple

from bridge.voevent.grammar import MANY, Part, once, shape_of
from bridge.voevent.indent import end_gap
from bridge.voevent.numbers import read_number
from bridge.voevent.what import Table

__all__ = ["Known", "Notes", "Record", "Seen", "Spec", "note_order", "number_record", "spec_of"]

Record = dict[str, Any]


class Known(NamedTuple):
    """A child element that a class has a place for.

    Parameters
    ----------
    place
        Where it comes in the canonical order.
    name
        Its name, in XML and in the record.
    many
        Whether there may be several.
    kind
        How it is read: an element of its own kind, a text, a number, or the rows of a table.
    spec
        Of an element of its own kind.
    """

    place: int
    name: str
    many: bool
    kind: Literal["record", "leaf", "number", "rows"]
    spec: Spec | None


class Spec:
    """How the elements of one class are read.

    Attributes
    ----------
    blank
        A record with nothing in it, to be copied.
    texts, numbers, own
        Attributes with texts; with numbers; and that of the element's own number (``""``: its content).
    attributes
        All known attributes.
    content
        Field for the content, where that is a text.
    is_leaf
        Whether the content is a text or number.
    children
        The known children by name, in canonical order.
    """

    __slots__ = ("attributes", "blank", "children", "content", "is_leaf", "numbers", "own", "texts")

    def __init__(self, cls: type[Any]) -> None:
        shape = shape_of(cls)
        self.children: dict[str, Known] = {}
        self.blank: Record = {
            part.name: cls.__dataclass_fields__[part.python].default for part in shape.parts
        }
        self.texts = frozenset(part.name for part in shape.parts if part.kind == "attribute")
        self.numbers = frozenset(part.name for part in shape.parts if part.kind == "number attribute")
        self.own = shape.number
        self.attributes = self.texts | self.numbers | {shape.number}
        self.content = next((part.name for part in shape.parts if part.kind == "content"), None)
        self.is_leaf = self.content is not None or self.own == ""


class Seen(Record):
    """A record that was read before and may be part of many events: whoever gets one leaves it as it is.

    Attributes
    ----------
    avro
        Its datum in the project's schema, once it has been encoded.
    """

    __slots__ = ("avro",)

    def __init__(self, record: Record) -> None:
        super().__init__(record)
        self.avro: bytes | None = None


class Notes:
    """What a reader notes on its way about the layout.

    Attributes
    ----------
    indent
        The rule of the blanks between elements.
    count
        How many known elements have been met.
    places
        What stands at places (see `bridge.voevent.layout.Place`) that the rule does not explain.
    orders
        Orders of children that are not the canonical ones.
    """

    __slots__ = ("count", "indent", "orders", "places")

    def __init__(self, indent: str | None) -> None:
        self.indent = indent
        self.count = 1
        self.places: dict[int, str] = {}
        self.orders: list[Record] = []

    def start(self, gap: str, rule: str) -> int:
        """Note what stands before the next element; gives the element's number."""
        number = self.count
        self.count = number + 1
        if gap != rule:
            self.places[2 * number] = gap
        return number

    def end(self, number: int, depth: int, gap: str, *, has_children: bool) -> None:
        """Note what stands before the end tag of an element that is no leaf."""
        if gap != (end_gap(self.indent, number, depth) if has_children else ""):
            self.places[2 * number + 1] = gap


def number_record(text: str) -> Record:
    """The record of a number."""
    value, kept, decimals = read_number(text)
    return {"value": value, "text": kept, "decimals": decimals}


def note_order(orders: list[Record], number: int, places: list[int], spec: Spec) -> None:
    """Note the order of the children of an element, if it is not the canonical one.

    Parameters
    ----------
    orders
        Where to note it.
    number
        Of the element.
    places
        The place of each child in the canonical order.
    spec
        Of the element.
    """
    if all(map(le, places, islice(places, 1, None))):
        return
    names = list(spec.children)
    runs = [{"name": names[place], "count": sum(1 for _ in group)} for place, group in groupby(places)]
    orders.append({"of": number, "runs": runs})


@once
def spec_of(cls: Any) -> Spec:
    """The spec of a class, with those of its children."""
    spec = Spec(cls)
    for place, part in enumerate(shape_of(cls).children):
        kind = _kind(cls, part)
        inner = spec_of(part.cls) if kind == "record" else None
        spec.children[part.name] = Known(place, part.name, part.kind in MANY, kind, inner)
    return spec


def _kind(cls: Any, part: Part) -> Literal["record", "leaf", "number", "rows"]:
    if cls is Table and part.name == "Data":
        return "rows"
    if part.kind == "number":
        return "number"
    return "leaf" if part.kind in ("text", "texts") else "record"
