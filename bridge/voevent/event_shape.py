"""By what a VOEvent is known: the root of its XML, the name of its Avro schema."""

from __future__ import annotations

__all__ = ["NAMESPACE", "XSI", "XSI_NAMESPACE", "is_voevent_schema", "root_attributes"]

NAMESPACE = "http://www.ivoa.net/xml/VOEvent/v"
"""Namespace of VOEvent, before the version (VOEvent 2.0, section 2)."""

XSI_NAMESPACE = "http://www.w3.org/2001/XMLSchema-instance"
XSI = f"{{{XSI_NAMESPACE}}}schemaLocation"


def root_attributes(version: str | None, schema_location: str | None) -> tuple[str, dict[str, str]]:
    """Name and namespace declarations of the root where the layout says nothing else.

    Parameters
    ----------
    version
        Of the packet; 2.0 where it has none.
    schema_location
        Whether the root says it.

    Returns
    -------
    The name with its prefix, and the declarations: attribute and URI.
    """
    declared = {"xmlns:voe": f"{NAMESPACE}{version or '2.0'}"}
    if schema_location is not None:
        declared["xmlns:xsi"] = XSI_NAMESPACE
    return "voe:VOEvent", declared


def is_voevent_schema(name: str) -> bool:
    """Whether an Avro schema of this full name is some version of that of VOEvent."""
    return name.startswith("org.voevent_bridge.voevent.") and name.endswith(".VOEvent")
