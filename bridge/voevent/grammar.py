"""How the classes of the model say what they are in XML: which field is which attribute or child element.

The model is the only place where the structure of a VOEvent is stated. Readers, writers and serialisations
are made from what the functions below put into its fields.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Any, Literal, TypeVar

__all__ = [
    "Kind",
    "Part",
    "Shape",
    "attribute",
    "child",
    "children",
    "content",
    "number_attribute",
    "number_child",
    "once",
    "plain",
    "shape_of",
    "text_child",
    "text_children",
    "triple",
]

Kind = Literal[
    "attribute", "number attribute", "content", "text", "texts", "number", "record", "records", "plain"
]
T = TypeVar("T")

CHILD_KINDS = frozenset({"text", "texts", "number", "record", "records"})
MANY = frozenset({"texts", "records"})


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a class of the model.

    Parameters
    ----------
    python
        Name of the field.
    name
        Its name in XML, Avro, JSON and dictionaries.
    kind
        What it is: an attribute, the element's own content, one or many children, or ``plain``, which
        is no part of the XML by itself.
    cls
        Class of the child or children.
    """

    python: str
    name: str
    kind: Kind
    cls: type[Any] | None


@dataclass(frozen=True, slots=True)
class Shape:
    """What a class of the model is in XML.

    Parameters
    ----------
    cls
        The class.
    parts
        Its fields in their canonical order: children are written in it.
    number
        Where the element has one number of its own: the attribute that holds it, ``""`` for the content.
    """

    cls: type[Any]
    parts: tuple[Part, ...]
    number: str | None

    @property
    def children(self) -> tuple[Part, ...]:
        """The parts that are child elements."""
        return tuple(part for part in self.parts if part.kind in CHILD_KINDS)


def attribute(name: str) -> Any:
    """An attribute with a text."""
    return _part(name, "attribute")


def number_attribute(name: str) -> Any:
    """An attribute with a number."""
    return _part(name, "number attribute")


def content(name: str) -> Any:
    """The text inside the element; it is there even where it is empty."""
    return _part(name, "content", default="")


def text_child(name: str) -> Any:
    """At most one child with a text."""
    return _part(name, "text")


def text_children(name: str) -> Any:
    """Any number of children with a text each."""
    return _part(name, "texts", default=())


def number_child(name: str) -> Any:
    """At most one child with a number."""
    return _part(name, "number")


def child(name: str, cls: type[Any]) -> Any:
    """At most one child of a class."""
    return _part(name, "record", cls=cls)


def children(name: str, cls: type[Any]) -> Any:
    """Any number of children of a class."""
    return _part(name, "records", cls=cls, default=())


def plain(name: str, cls: type[Any] | None = None, default: Any = None) -> Any:
    """A field that is carried as it is."""
    return _part(name, "plain", cls=cls, default=default)


def triple(name: str, default: Any = None) -> Any:
    """One of the three values of the element's own number (see `bridge.voevent.numbers`)."""
    return _part(name, "plain", default=default)


def once(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Keep what a function of a class gives: it is computed once for each."""
    return cache(function)


@once
def shape_of(cls: Any) -> Shape:
    """What a class of the model is in XML."""
    parts = tuple(
        Part(each.name, each.metadata["name"], each.metadata["kind"], each.metadata["cls"])
        for each in fields(cls)
    )
    return Shape(cls, parts, getattr(cls, "NUMBER", None))


def _part(name: str, kind: Kind, *, cls: type[Any] | None = None, default: Any = None) -> Any:
    return field(default=default, metadata={"name": name, "kind": kind, "cls": cls})
