"""A VOEvent of version 1.1, 2.0 or 2.1: who, what, where and when, why, how, and what it cites."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bridge.alerts.packet import Document
from bridge.inspect.common import add_place, position_section
from bridge.inspect.embedded import embedded_cutouts
from bridge.inspect.epochs import mjd_of_iso
from bridge.inspect.history import add_history
from bridge.inspect.report import FactList, Position, Report, Section, Table
from bridge.inspect.tablecurve import curve_of_tables
from bridge.inspect.xmltree import Element, child, children, local_name, parse_voevent, text_of
from bridge.voevent.position import degrees_of_unit
from bridge.voevent.systems import EQUATORIAL, frame_of_system, scale_of_system

__all__ = ["report_voevent"]

ROLE_NOTES = {
    "test": "This is a test: it describes no real event.",
    "utility": "This is a utility message: it reports on a system, not on the sky.",
    "prediction": "This is a prediction: the event lies in the future of its author.",
}
CONTACTS = (
    ("title", "Title"),
    ("shortName", "Author"),
    ("contactName", "Contact"),
    ("contactEmail", "Mail"),
    ("contributor", "Contributor"),
)


def report_voevent(
    document: Document, *, index: int = 0, count: int | None = 1, with_cutouts: bool = True
) -> Report:
    """Report on a VOEvent.

    Parameters
    ----------
    document
        The XML.
    index, count
        Which one of how many in its file or archive, counted from 0.
    with_cutouts
        Whether embedded images are decoded: what is small in a packet may be large then.

    Raises
    ------
    PacketError
        If it is not well-formed XML, or not a VOEvent.
    """
    root = parse_voevent(document.data)
    ivorn = root.get("ivorn") or root.get("id")
    role = root.get("role") or "observation"
    place = child(root, "WhereWhen", "ObsDataLocation", "ObservationLocation")
    system = _system(place)
    iso = text_of(place, "AstroCoords", "Time", "TimeInstant", "ISOTime")
    position = _position(place, system)
    tables = tuple(_table(table) for table in children(child(root, "What"), "Table"))
    curve = curve_of_tables(tables, mjd_of_iso(iso) if iso else None)
    history = FactList()
    add_history(history, curve)
    sections = (
        _identity(root, document, ivorn, role, index, count),
        position_section(position) if position else Section("where", "Where", ()),
        _when(place, iso, system),
        _circumstances(root, system),
        history.section("history", "History"),
        _why(root),
        *_what(child(root, "What")),
        _how(root),
        _citations(root),
    )
    note = ROLE_NOTES.get(role)
    return Report(
        kind="voevent",
        survey=text_of(root, "Who", "AuthorIVORN") or "unknown author",
        title=f"VOEvent {ivorn or 'without IVORN'}",
        sections=tuple(section for section in sections if section.facts),
        position=position,
        light_curve=curve,
        cutouts=embedded_cutouts(child(root, "What")) if with_cutouts else (),
        tables=tables,
        notes=(note,) if note else (),
    )


def _identity(
    root: Element, document: Document, ivorn: str | None, role: str, index: int, count: int | None
) -> Section:
    facts = FactList()
    add_place(facts, document.origin, index, count)
    facts.add("ivorn", "IVORN", ivorn)
    facts.add("role", "Role", role)
    facts.add("version", "VOEvent version", root.get("version"))
    facts.add("bytes", "Size", len(document.data), f"{len(document.data):,} bytes")
    who = child(root, "Who")
    facts.add("author_ivorn", "Author's IVORN", text_of(who, "AuthorIVORN"))
    facts.add("date", "Written", text_of(who, "Date"))
    for name, label in CONTACTS:
        for element in children(child(who, "Author"), name):
            facts.add(name, label, text_of(element))
    facts.add("who_description", "Who", text_of(who, "Description"))
    facts.add("description", "Description", text_of(root, "Description"))
    return facts.section("identity", "VOEvent")


def _system(place: Element | None) -> str | None:
    system = child(place, "AstroCoordSystem")
    coordinates = child(place, "AstroCoords")
    return (None if system is None else system.get("id")) or (
        None if coordinates is None else coordinates.get("coord_system_id")
    )


def _position(place: Element | None, system: str | None) -> Position | None:
    coordinates = child(place, "AstroCoords")
    frame = frame_of_system(system, text_of(place, "AstroCoordSystem", "SpaceFrame", "SpaceRefFrame"))
    if frame not in EQUATORIAL:
        return None
    for kind, value in (("Position2D", "Value2"), ("Position3D", "Value3")):
        element = child(coordinates, kind)
        ra, dec = (_float(text_of(element, value, name)) for name in ("C1", "C2"))
        scale = degrees_of_unit(None if element is None else element.get("unit"))
        if ra is not None and dec is not None and scale is not None and abs(dec * scale) <= 90:
            error = _float(text_of(element, "Error2Radius"))
            radius = error * scale if error is not None and error > 0 else None
            return Position(ra * scale, dec * scale, radius, frame)
    return None


def _when(place: Element | None, iso: str | None, system: str | None) -> Section:
    facts = FactList()
    scale = scale_of_system(
        system,
        text_of(place, "AstroCoords", "Time", "TimeInstant", "TimeScale"),
        text_of(place, "AstroCoordSystem", "TimeFrame", "TimeScale"),
    )
    facts.add("time", "Time", iso, f"{iso} ({scale})" if scale else None)
    facts.add("time_scale", "", scale, "")
    mjd = mjd_of_iso(iso) if iso else None
    facts.add_number("mjd", "MJD", mjd, f"{{:.6f}} {scale or ''}")
    error = _float(text_of(place, "AstroCoords", "Time", "Error"))
    facts.add_number("time_error_s", "Error", error, "{:g} s")
    return facts.section("when", "When")


def _circumstances(root: Element, system: str | None) -> Section:
    facts = FactList()
    facts.add("system", "Coordinate system", system)
    data = child(root, "WhereWhen", "ObsDataLocation")
    observatory = child(data, "ObservatoryLocation")
    facts.add("observatory", "Observatory", None if observatory is None else observatory.get("id"))
    name = text_of(data, "ObservationLocation", "AstroCoords", "PositionName")
    facts.add("position_name", "Place", name)
    facts.add("description", "Where and when", text_of(root, "WhereWhen", "Description"))
    return facts.section("circumstances", "Circumstances")


def _why(root: Element) -> Section:
    facts = FactList()
    why = child(root, "Why")
    if why is None:
        return facts.section("why", "Why")
    facts.add("importance", "Importance", _float(why.get("importance")))
    facts.add("expires", "Expires", why.get("expires"))
    for name, label in (("Name", "Name"), ("Concept", "Concept"), ("Description", "Description")):
        for element in children(why, name):
            facts.add(name.lower(), label, text_of(element))
    for inference in children(why, "Inference"):
        probability = _float(inference.get("probability"))
        value = {
            "name": text_of(inference, "Name"),
            "concept": text_of(inference, "Concept"),
            "description": text_of(inference, "Description"),
            "relation": inference.get("relation"),
            "probability": probability,
        }
        words = [value["name"], value["concept"], value["description"], value["relation"]]
        shown = ", ".join(str(word) for word in words if word)
        if probability is not None:
            shown += f"{', ' if shown else ''}probability {probability:g}"
        facts.add("inferences", "Inference", value, shown or "empty")
    return facts.section("why", "Why")


def _what(what: Element | None) -> Iterator[Section]:
    """One section for the Params at the top of What, and one for each Group."""
    facts = FactList()
    facts.add("description", "Description", text_of(what, "Description"))
    for param in children(what, "Param"):
        _add_param(facts, param)
    _add_references(facts, what)
    yield facts.section("what", "What")
    for number, group in enumerate(children(what, "Group")):
        name = group.get("name") or group.get("type") or f"group {number}"
        facts = FactList()
        facts.add("description", "Description", text_of(group, "Description"))
        for param in children(group, "Param"):
            _add_param(facts, param)
        _add_references(facts, group)
        yield facts.section(f"group {name}", f"What: {name}")


def _add_param(facts: FactList, param: Element) -> None:
    name = param.get("name") or "without name"
    value = param.get("value")
    if value is None:
        value = text_of(param, "Value")
    unit, ucd = param.get("unit"), param.get("ucd")
    shown = value or "(no value)"
    if len(shown) > 300:
        shown = f"{len(shown):,} characters"
    about = text_of(param, "Description")
    facts.add(
        name,
        name,
        {"value": value, "unit": unit, "ucd": ucd, "data_type": param.get("dataType"), "description": about},
        f"{shown} {unit or ''}".rstrip() + (f"  ({about})" if about else ""),
    )


def _how(root: Element) -> Section:
    facts = FactList()
    for element in children(child(root, "How"), "Description"):
        facts.add("description", "Description", text_of(element))
    _add_references(facts, child(root, "How"))
    return facts.section("how", "How")


def _citations(root: Element) -> Section:
    facts = FactList()
    citations = child(root, "Citations")
    for element in children(citations, "EventIVORN"):
        cite = element.get("cite") or "cites"
        facts.add("events", cite, {"ivorn": text_of(element), "cite": cite}, text_of(element) or "")
    facts.add("description", "Description", text_of(citations, "Description"))
    _add_references(facts, root)
    return facts.section("citations", "Citations and references")


def _add_references(facts: FactList, element: Element | None) -> None:
    for reference in children(element, "Reference"):
        facts.add("references", "Reference", reference.get("uri"))


def _table(table: Element) -> Table:
    columns = []
    for number, field in enumerate(children(table, "Field")):
        name, unit = field.get("name") or f"column {number}", field.get("unit")
        columns.append(f"{name} [{unit}]" if unit else name)
    rows = tuple(
        tuple(text_of(cell) or "" for cell in row if local_name(cell) == "TD")
        for row in children(child(table, "Data"), "TR")
    )
    ucds = tuple(field.get("ucd") or "" for field in children(table, "Field"))
    return Table(table.get("name") or "", text_of(table, "Description") or "", tuple(columns), rows, ucds)


def _float(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and math.isfinite(value) else None
