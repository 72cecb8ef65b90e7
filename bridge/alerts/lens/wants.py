"""Which fields are wanted, as a tree that runs beside the tree of types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from bridge.alerts.fields import Field
from bridge.alerts.paths import Key
from bridge.alerts.schema import Node

__all__ = ["Want", "want_tree"]


@dataclass(slots=True)
class Want:
    """What is wanted of one type and below. Numbers are indices into the list of fields.

    Attributes
    ----------
    scalars
        The value itself, a primitive (below an array: one element of a column).
    lengths
        The number of elements.
    elements
        The elements of an array of primitives as a column.
    spans
        The value as fastavro decodes it, and the names to follow in it.
    children
        By field name; of an array these are the fields of its element.
    """

    scalars: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    elements: list[int] = field(default_factory=list)
    spans: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    children: dict[str, Want] = field(default_factory=dict)

    def without_spans(self) -> Want:
        """The same without `spans`."""
        return Want(self.scalars, self.lengths, self.elements, [], self.children)

    def has_spans_below(self) -> bool:
        """Whether a part of this value is wanted as fastavro decodes it."""
        return any(child.spans or child.has_spans_below() for child in self.children.values())

    def indices(self) -> list[int]:
        """Indices of all fields wanted here and below."""
        found = [*self.scalars, *self.lengths, *self.elements, *(index for index, _ in self.spans)]
        for child in self.children.values():
            found += child.indices()
        return found


def want_tree(root: Node, fields: Sequence[Field]) -> Want:
    """Arrange resolved fields as a tree beside the tree of types."""
    tree = Want()
    for index, wanted in enumerate(fields):
        _place(tree, root, index, wanted)
    return tree


def _place(want: Want, node: Node, index: int, wanted: Field) -> None:
    node, _ = node.without_null()
    for depth, name in enumerate(wanted.names):
        if isinstance(name, Key):
            want.spans.append((index, wanted.names[depth:]))
            return
        if node.kind == "array" and wanted.kind == "column":
            node, _ = node.element.without_null()
        if node.kind != "record":
            want.spans.append((index, wanted.names[depth:]))
            return
        want = want.children.setdefault(name, Want())
        node, _ = node.fields[name][0].without_null()
    if wanted.kind == "length":
        want.lengths.append(index)
    elif wanted.kind == "value":
        want.spans.append((index, ()))
    elif node.kind == "array":
        want.elements.append(index)
    else:
        want.scalars.append(index)
