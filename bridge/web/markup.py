"""HTML that is safe by its type: whatever is not `Markup` already is escaped when it becomes part of a page.

Events, identifiers and names of subscribers come from strangers, so escaping is not left to whoever writes a
page. Templates are files beside this one (``files/*.html``) with ``$name`` where something goes in; what goes
in is escaped in the same way.
"""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from string import Template

from bridge.inspect.values import printable

__all__ = ["Markup", "cells", "escape", "file_bytes", "fill", "join", "tag"]

_FILES = Path(__file__).parent / "files"
_VOID = frozenset(["input", "br", "link", "meta"])


class Markup(str):
    """Text that is HTML already; only this module makes it."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """A value as HTML: `Markup` as it is, None as nothing, everything else as escaped text.

    Control characters, and those that turn the direction of text, become replacement characters: none of them
    is of use on a page, and XML and HTML forbid most of them.
    """
    if isinstance(value, Markup):
        return value
    if value is None:
        return Markup("")
    text = str(value)
    if not text.isprintable():
        text = "\n".join(printable(line.replace("\t", " ")) for line in text.split("\n"))
    return Markup(html.escape(text, quote=True))


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Several values as HTML, one after the other."""
    return Markup(escape(between).join([escape(part) for part in parts]))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """An element.

    Parameters
    ----------
    name
        Of the element.
    children
        What it holds.
    attributes
        Values by name; ``class_`` is ``class``, ``aria_label`` is ``aria-label``. What is None or False is
        left out; True stands without a value.
    """
    written = "".join(
        f" {_name(key)}" if value is True else f' {_name(key)}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Markup(f"<{name}{written}>" if name in _VOID else f"<{name}{written}>{join(children)}</{name}>")


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def cells(name: str, *values: object) -> Markup:
    """A row of a table whose cells are ``th`` or ``td``; a pair is a cell with a class."""
    made = []
    scope = "col" if name == "th" else None
    for value in values:
        content, kind = value if isinstance(value, tuple) else (value, None)
        made.append(tag(name, content, class_=kind, scope=scope))
    return tag("tr", *made)


def fill(template: str, values: Mapping[str, object]) -> Markup:
    """A template file with its places filled.

    Parameters
    ----------
    template
        Name of the file, without ``.html``.
    values
        What goes into each ``$name``; all of them must be given.
    """
    return Markup(_template(template).substitute({name: escape(value) for name, value in values.items()}))


def file_bytes(name: str) -> bytes:
    """A file of the page that never changes, such as its style."""
    return (_FILES / name).read_bytes()


@functools.cache
def _template(name: str) -> Template:
    return Template((_FILES / f"{name}.html").read_text(encoding="utf-8"))
