"""A packet in another version, in as many steps as there are between the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lxml import etree

from bridge.errors import PacketError, UsageError
from bridge.voevent.parsing import ill_formed
from bridge.voevent.versions.lower_2_1 import lower_2_1
from bridge.voevent.versions.names import version_of
from bridge.voevent.versions.raise_1_1 import raise_1_1
from bridge.voevent.versions.raise_2_0 import raise_2_0
from bridge.voevent.versions.steps import Change, Stepped

__all__ = ["TARGETS", "Conversion", "to_version"]

TARGETS = ("2.0", "2.1")

_STEPS: dict[tuple[str, str], tuple[Callable[[etree._Element], Stepped], ...]] = {
    ("1.1", "2.0"): (raise_1_1,),
    ("1.1", "2.1"): (raise_1_1, raise_2_0),
    ("2.0", "2.1"): (raise_2_0,),
    ("2.1", "2.0"): (lower_2_1,),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """A packet in another version.

    Parameters
    ----------
    xml
        The packet; of one that had the version already, its own bytes.
    from_version
        The version that it had.
    changes
        What is not as it was, beside namespace and version.
    """

    xml: bytes
    from_version: str
    changes: tuple[Change, ...]

    @property
    def lost(self) -> tuple[Change, ...]:
        """The changes by which something is not said any more."""
        return tuple(change for change in self.changes if change.lost)


def to_version(xml: bytes, version: str) -> Conversion:
    """A packet in another version.

    Parameters
    ----------
    xml
        A VOEvent 1.1, 2.0 or 2.1. It need not be valid; what is wrong with it stays wrong.
    version
        ``2.0`` or ``2.1``.

    Raises
    ------
    PacketError
        If it is not XML, or not a VOEvent of a known version.
    UsageError
        If there is no such version to convert to.
    """
    if version not in TARGETS:
        raise UsageError(f"VOEvents are converted to version {' or '.join(TARGETS)}, not to {version!r}.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, strip_cdata=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise ill_formed(error) from None
    known = version_of(root)
    if known is None:
        raise PacketError("it is no VOEvent of version 1.1, 2.0 or 2.1")
    if known == version:
        return Conversion(xml, known, ())
    changes: list[Change] = []
    encoding: Any = root.getroottree().docinfo.encoding or "UTF-8"
    for step in _STEPS[known, version]:
        stepped = step(root)
        root = stepped.root
        changes += stepped.changes
    written: bytes = etree.tostring(root.getroottree(), encoding=encoding, xml_declaration=True)
    return Conversion(written, known, tuple(changes))
