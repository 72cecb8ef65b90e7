"""Is a packet built as its version's XSD asks, and if not: where, in words, and what was probably meant.

libxml2 judges. Its messages name types and facets; here they become sentences about elements and attributes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from lxml import etree

from bridge.validate.finding import Context, Finding, Rule
from bridge.voevent.versions import raise_1_1
from bridge.voevent.xsd import schema_20
from bridge.voevent.xsd_21 import schema_21

__all__ = ["SCHEMA", "check_structure"]

SCHEMA = Rule(
    "schema",
    "error",
    "The packet is not built as the XSD of its version asks; brokers that check refuse it.",
    "The elements and attributes of the standard, in the places that it names.",
    "VOEvent-v2.0.xsd, VOEvent-v2.1.xsd",
)

_EXPECTED = re.compile(r"^Element '(?P<name>[^']*)': This element is not expected\.(?P<rest>.*)$", re.DOTALL)
_ATTRIBUTE = re.compile(
    r"^Element '(?P<name>[^']*)', attribute '(?P<attribute>[^']*)': (?P<rest>.*)$", re.DOTALL
)
_TEXT = re.compile(r"^Element '(?P<name>[^']*)': Character content")
_EMPTY = re.compile(r"^Element '(?P<name>[^']*)': Missing child element\(s\)\.(?P<rest>.*)$", re.DOTALL)
_LIST = re.compile(r"Expected is (?:one of )?\( (.*?) \)")
_ENUMERATION = re.compile(r"The value '(.*?)' is not an element of the set \{(.*?)\}", re.DOTALL)
_TYPE = re.compile(
    r"'(?P<value>.*?)' is not a valid value of the (?:atomic|local atomic|simple) type '?(?P<type>[\w:.]*)",
    re.DOTALL,
)
_NAMESPACE = re.compile(r"\{http[^}]*\}")

# Every attribute that an element may have, so that a misspelt one is recognised.
_ATTRIBUTES = frozenset(
    "altIdentifier cite coord_system_id dataType expires id importance ivorn meaning mimetype name pos_unit "  # noqa: SIM905
    "probability relation role type ucd unit uri utype value version".split()
)
_KINDS = {
    "xs:float": "a number",
    "xs:dateTime": "a date and time",
    "xs:anyURI": "a URI",
    "xs:ID": "an XML name",
}


def check_structure(packet: Context) -> Iterator[Finding]:
    """Findings of the XSD, one for each place."""
    root, schema = packet.root, schema_20()
    if packet.version == "2.1":
        schema = schema_21()
    elif packet.version == "1.1":
        # The grammar of 1.1 is that of 2.0 but for names; lines stay.
        root = raise_1_1(packet.root).root
    if schema.validate(root):
        return
    entries: Any = schema.error_log
    seen = set()
    for entry in entries:
        attribute = _ATTRIBUTE.match(entry.message)
        if attribute and attribute["attribute"] == "version":
            continue  # A rule of its own.
        # libxml2 says of a value that a facet is broken, and then that it is no value of the type.
        place = (entry.line, entry.path, attribute["attribute"] if attribute else None)
        if place not in seen:
            seen.add(place)
            yield Finding(SCHEMA, entry.line, entry.path or "", _sentence(entry.message, entry.path, root))


def _sentence(message: str, path: str | None, root: etree._Element) -> str:
    message = _NAMESPACE.sub("", message)
    if match := _EXPECTED.match(message):
        return f"{match['name']} may not stand here{_instead(match['rest'])}."
    if match := _EMPTY.match(message):
        return f"{match['name']} lacks something{_instead(match['rest'])}."
    if _TEXT.match(message):
        return f"There is text between the elements{_quoted(path, root)}; only elements may stand there."
    if match := _ATTRIBUTE.match(message):
        return _about_attribute(match["name"], match["attribute"], match["rest"])
    return _about_value(re.sub(r"^Element '([^']*)': ", r"\1: ", message).strip())


def _about_attribute(element: str, attribute: str, rest: str) -> str:
    if "is not allowed" in rest:
        near = difflib.get_close_matches(attribute, _ATTRIBUTES - {attribute}, n=1, cutoff=0.75)
        meant = f"; {near[0]} is meant, probably" if near else ""
        return f"{element} may not have an attribute {attribute}{meant}."
    if "is required but missing" in rest:
        return f"{element} has no {attribute}."
    return f"{element}@{attribute}: {_about_value(rest)}"


def _about_value(text: str) -> str:
    if match := _ENUMERATION.search(text):
        # The XSD of 2.0 lists some values twice.
        choices = ", ".join(dict.fromkeys(match[2].replace("'", "").split(", ")))
        return f"{match[1]!r} is not one of {choices}."
    if match := _TYPE.search(text):
        kind = _KINDS.get(match["type"]) or f"of type {match['type']}"
        return f"{match['value']!r} is not {kind}."
    if "is required but missing" in text and (match := re.search(r"attribute '([^']*)'", text)):
        return f"{text.split(':')[0]} has no {match[1]}."
    return text


def _instead(rest: str) -> str:
    match = _LIST.search(rest)
    return f" (expected: {match[1]})" if match else ""


def _quoted(path: str | None, root: etree._Element) -> str:
    elements: Any = root.getroottree().xpath(path, namespaces=_prefixes(root)) if path else []
    if not elements:
        return ""
    texts = [elements[0].text, *(child.tail for child in elements[0])]
    written = next((text.strip() for text in texts if text and text.strip()), "")
    return f" ({written[:40]!r})" if written else ""


def _prefixes(root: etree._Element) -> dict[str, str]:
    return {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
