"""The VOEvent 2.0 XSD: the one that Comet ships, because what stock brokers judge by is what we judge by.

It is read as a data file, so nothing of Comet is imported.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from lxml import etree

from bridge.errors import SourceError

__all__ = ["schema_20", "xsd_path"]


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


@cache
def schema_20() -> etree.XMLSchema:
    """The XSD, compiled."""
    return etree.XMLSchema(etree.parse(str(xsd_path())))
