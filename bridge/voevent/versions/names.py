"""Which version a packet is of, by its namespace; and giving its root another one."""

from __future__ import annotations

import copy
import re
from typing import Any

from lxml import etree

__all__ = ["VERSIONS", "namespace_of", "version_of", "with_version"]

VERSIONS = ("1.1", "2.0", "2.1")
_NAMESPACE = re.compile(r"http://www\.ivoa\.net/xml/VOEvent/v(\d\.\d)/?\Z")


def namespace_of(version: str) -> str:
    """Namespace of a version's root."""
    return f"http://www.ivoa.net/xml/VOEvent/v{version}"


def version_of(root: etree._Element) -> str | None:
    """Version of a VOEvent by its namespace, or without one by its version attribute; None if unknown."""
    name = etree.QName(root)
    if name.localname != "VOEvent":
        return None
    match = _NAMESPACE.match(name.namespace or "")
    version = match[1] if match else root.get("version") if name.namespace is None else None
    # 1.0 was a draft of 1.1 with the same elements.
    version = "1.1" if version == "1.0" else version
    return version if version in VERSIONS else None


def with_version(root: etree._Element, version: str) -> etree._Element:
    """A copy of a packet whose root is of another version; what stands before and after the root stays too.

    Lines of the elements stay what they were, for messages.
    """
    old, new = etree.QName(root).namespace, namespace_of(version)
    prefixes = {prefix: new if uri == old else uri for prefix, uri in root.nsmap.items()}
    if new not in prefixes.values():
        prefixes["voe"] = new
    if None in prefixes and prefixes[None] == new:
        # Only the root is in the namespace: as default it would be the children's too.
        del prefixes[None]
        prefixes["voe"] = new
    nsmap: Any = prefixes
    raised = etree.Element(etree.QName(new, "VOEvent"), nsmap=nsmap)
    raised.text = root.text
    for name, value in root.items():
        raised.set(name, _located(str(value), version) if str(name).endswith("}schemaLocation") else value)
    raised.set("version", version)
    raised.extend(copy.deepcopy(child) for child in root)
    for before in root.itersiblings(preceding=True):
        _beside(raised, before, after=False)
    for after in root.itersiblings():
        _beside(raised, after, after=True)
    return raised


def _beside(root: etree._Element, other: etree._Element, *, after: bool) -> None:
    twin = copy.deepcopy(other)
    twin.tail = None
    if after:
        last = list(root.itersiblings())
        (last[-1] if last else root).addnext(twin)
    else:
        first = list(root.itersiblings(preceding=True))
        (first[-1] if first else root).addprevious(twin)


def _located(value: str, version: str) -> str:
    value = re.sub(r"(http://www\.ivoa\.net/xml/VOEvent/v)\d\.\d(?=\s)", rf"\g<1>{version}", value)
    return re.sub(r"VOEvent-v\d\.\d\.xsd", f"VOEvent-v{version}.xsd", value)
