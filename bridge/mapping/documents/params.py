"""Params and Groups of a document: what a mapping names one by one, and objects whose keys are the names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bridge.mapping import elements
from bridge.mapping.content import Group, Value
from bridge.mapping.documents.paths import first_value, value_at
from bridge.mapping.documents.texts import Text, renderer
from bridge.voevent.xmltext import escape

__all__ = ["GroupWriter", "ParamWriter", "group_element", "param_element"]


def param_element(value: Value, text: Text) -> bytes:
    """A Param with a value."""
    head, tail = elements.param_pieces(value, text[1])
    return head + escape(text[0]) + tail


def group_element(group: Group, params: Sequence[bytes]) -> bytes:
    """A Group, or nothing where it has no Params."""
    if not params:
        return b""
    kind = b' type="%b"' % escape(group.type) if group.type else b""
    head = b'\n<Group name="%b"%b>%b' % (escape(group.name), kind, elements.described(group.about))
    return head + b"".join(params) + b"</Group>"


class ParamWriter:
    """Writes one Param.

    Parameters
    ----------
    value
        Its line in the mapping.
    absent
        What means "none" in the whole mapping.
    """

    def __init__(self, value: Value, absent: tuple[Any, ...]) -> None:
        self.value = value
        self._render: Callable[[Any], Text | None] = renderer(value, absent)

    def text(self, content: dict[str, Any]) -> Text | None:
        """Text and dataType in a document; None where it has none."""
        if self.value.constant is not None:
            return self.value.constant, self.value.type or "string"
        # An alternative that is there but means "none" leaves the word to the next.
        for path in self.value.paths:
            text = self._render(value_at(content, path))
            if text is not None:
                return text
        return None

    def write(self, content: dict[str, Any]) -> bytes:
        """The Param; empty where the document has no value."""
        text = self.text(content)
        return b"" if text is None else param_element(self.value, text)


class GroupWriter:
    """Writes one Group.

    Parameters
    ----------
    group
        The group in the mapping.
    absent
        What means "none" in the whole mapping.
    """

    def __init__(self, group: Group, absent: tuple[Any, ...]) -> None:
        self.group = group
        self._params = [ParamWriter(value, absent) for value in group.params]
        self._each = ParamWriter(group.each, absent) if group.each else None

    def write(self, content: dict[str, Any], extra: Iterable[bytes] = ()) -> bytes:
        """The Group; empty where nothing is in it.

        Parameters
        ----------
        content
            The document.
        extra
            Params that others put into it.
        """
        params = [param for writer in self._params if (param := writer.write(content))]
        params += extra
        if self._each is not None and self.group.each is not None:
            params += self._members(content, self.group.each)
        return group_element(self.group, params)

    def _members(self, content: dict[str, Any], each: Value) -> list[bytes]:
        """A Param for each key of the object that the mapping does not name itself."""
        members, path = first_value(content, each.paths)
        if not isinstance(members, dict):
            return []
        named = {own for writer in self._params for own in writer.value.paths}
        render = renderer(each, ())
        return [
            param_element(_named(each, name), text)
            for name, raw in members.items()
            if f"{path}.{name}" not in named and (text := render(raw)) is not None
        ]


def _named(each: Value, name: str) -> Value:
    return Value(name=name, paths=(), ucd=each.ucd, unit=each.unit, about=each.about)
