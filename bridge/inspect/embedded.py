"""Cutouts that a VOEvent carries inside: Params named like an alert's cutouts, FITS in base64."""

from __future__ import annotations

import base64
import binascii

from bridge.inspect.common import collect_cutouts
from bridge.inspect.report import Cutout
from bridge.inspect.xmltree import Element, local_name, text_of

__all__ = ["embedded_cutouts"]


def embedded_cutouts(what: Element | None) -> tuple[Cutout, ...]:
    """Cutouts in the Params of a VOEvent's What, in Groups or not.

    Parameters
    ----------
    what
        The What element, or None.

    Returns
    -------
    tuple of Cutout
        Science, template, difference, as far as they are there; Params that are not base64 are no cutouts.
    """
    found: dict[str, bytes] = {}
    for element in what.iter() if what is not None else ():
        name = element.get("name") or ""
        if local_name(element) != "Param" or not name.lower().startswith("cutout"):
            continue
        text = element.get("value") or text_of(element, "Value")
        try:
            found[name] = base64.b64decode("".join((text or "").split()), validate=True)
        except (binascii.Error, ValueError):
            continue
    return collect_cutouts(found, None)
