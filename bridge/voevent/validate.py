"""Is this packet a valid VOEvent 2.0, and if not, what is wrong in which line.

The XSD is the one that Comet ships: what stock brokers judge by is what we judge by. It is read as a data
file, so nothing of Comet is imported.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from bridge.errors import SourceError

__all__ = ["Finding", "find_faults", "xsd_path"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a packet: the line (from 1) and a sentence."""

    line: int
    message: str


def xsd_path() -> Path:
    """Path of the VOEvent 2.0 XSD in the installed Comet distribution.

    Raises
    ------
    SourceError
        If Comet is not installed, or its schema folder is not complete.
    """
    spec = importlib.util.find_spec("comet")
    for root in spec.submodule_search_locations or () if spec else ():
        path = Path(root) / "schema" / "VOEvent-v2.0.xsd"
        if path.is_file():
            return path
    raise SourceError("The VOEvent 2.0 XSD comes with Comet, which is not installed: pip install comet.")


def find_faults(xml: bytes) -> list[Finding]:
    """Faults of a packet against the VOEvent 2.0 XSD, and the role that Comet asks for.

    Parameters
    ----------
    xml
        One packet. Entities and network access are off.

    Returns
    -------
    Findings in document order; an empty list means valid.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError as error:
        return [Finding(error.lineno or 1, f"It is not well-formed XML: {error.msg}.")]
    findings = []
    if root.get("role") is None:
        findings.append(Finding(1, "It has no role; Comet ignores packets without one."))
    entities = list(root.iter(etree.Entity))
    if entities:
        line = entities[0].sourceline or 1
        return [*findings, Finding(line, f"It uses the entity {entities[0].text}, which Comet refuses.")]
    schema = _schema()
    if not schema.validate(root):
        entries: Any = schema.error_log
        findings += [Finding(entry.line, entry.message) for entry in entries]
    return findings


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(xsd_path())))
