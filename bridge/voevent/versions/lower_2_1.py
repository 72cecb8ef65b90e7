"""2.1 to 2.0: what 2.0 has no place for goes into the nearest place that it has, or is named as lost."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from lxml import etree

from bridge.voevent.systems import EQUATORIAL, frame_of_system, scale_of_system
from bridge.voevent.versions.names import with_version
from bridge.voevent.versions.raise_1_1 import SYSTEMS_20
from bridge.voevent.versions.steps import Stepped, remove

__all__ = ["lower_2_1"]

# TT - TAI (IAU 1991, recommendation IV): how 2.0, which has no TAI, can say it without leap seconds.
_TT_AHEAD_OF_TAI = timedelta(seconds=32.184)
_PLACES = {"TOPOCENTER": "TOPO", "GEOCENTER": "GEO", "BARYCENTER": "BARY"}


def lower_2_1(root: etree._Element) -> Stepped:
    """A 2.1 packet as 2.0.

    Parameters
    ----------
    root
        Root of the packet; it is not changed.
    """
    step = Stepped(with_version(root, "2.0"))
    for contributor in list(step.root.iter("Contributor")):
        for name, value in contributor.items():
            step.note(contributor, f"Contributor@{name!s}={value!r} goes.", lost=True)
        contributor.attrib.clear()
        contributor.tag = "contributor"
    for system in list(step.root.iter("AstroCoordSystem")):
        _system(step, system)
    for coordinates in list(step.root.iter("AstroCoords")):
        _coordinates(step, coordinates)
    return step


def _system(step: Stepped, system: etree._Element) -> None:
    written = system.get("id")
    beside = system.getnext()
    while beside is not None and beside.tag != "AstroCoords":
        beside = beside.getnext()
    elements = [system, *([beside] if beside is not None else [])]
    if beside is not None:
        _positions_elsewhere(step, system, beside)
    if written not in SYSTEMS_20:
        named = _named(system)
        if named is not None and _scale(system) == "TAI" and beside is not None:
            _tai_as_tt(step, beside)
        for element, name in zip(elements, ("id", "coord_system_id"), strict=False):
            mark = element.get(name)
            if (mark is None and named is None) or mark in SYSTEMS_20:
                continue
            if named is None:
                step.note(element, f"{element.tag}@{name}={mark!r} goes: 2.0 has no such system.", lost=True)
                del element.attrib[name]
            else:
                step.note(element, f"{element.tag}@{name} becomes {named}.", lost=mark is not None)
                element.set(name, named)
    for frame in [child for child in system if child.tag in ("TimeFrame", "SpaceFrame")]:
        step.note(frame, f"{frame.tag} goes: 2.0 has only the system's name ({_said(frame)}).", lost=True)
        remove(frame)


def _named(system: etree._Element) -> str | None:
    """The name that 2.0 has for a system that 2.1 describes by its frames."""
    scale = _scale(system)
    frame = (system.findtext("SpaceFrame/SpaceRefFrame") or "").strip().upper()
    place = (
        system.findtext("SpaceFrame/ReferencePosition")
        or system.findtext("TimeFrame/ReferencePosition")
        or ""
    )
    written = (system.get("id") or "").strip()
    if scale == "TAI" and system.find("*") is None and written.startswith("TAI-"):
        name = f"TT-{written.removeprefix('TAI-')}"
    else:
        scale = "TT" if scale == "TAI" else scale
        name = f"{scale}-{frame}-{_PLACES.get(place.strip().upper(), '')}"
    return name if name in SYSTEMS_20 else None


def _scale(system: etree._Element) -> str:
    return scale_of_system(system.get("id"), system.findtext("TimeFrame/TimeScale")) or ""


def _tai_as_tt(step: Stepped, coordinates: etree._Element) -> None:
    for element in list(coordinates.iter("ISOTime", "ISOTimeStart", "ISOTimeStop")):
        written = (element.text or "").strip()
        try:
            moment = datetime.fromisoformat(written) + _TT_AHEAD_OF_TAI
        except (ValueError, OverflowError):
            step.note(element, f"{element.tag} {written!r} stays as it is, and was TAI.", lost=True)
            continue
        element.text = moment.isoformat()
        step.note(element, f"{element.tag} {written} (TAI) becomes {element.text} (TT).", lost=False)
    for scale in coordinates.iter("TimeScale"):
        if (scale.text or "").strip().upper() == "TAI":
            scale.text = "TT"


def _positions_elsewhere(step: Stepped, system: etree._Element, coordinates: etree._Element) -> None:
    """Positions that are no right ascension and declination go: without a system they would pass for one."""
    named = system.get("id") or coordinates.get("coord_system_id")
    frame = frame_of_system(named, system.findtext("SpaceFrame/SpaceRefFrame"))
    if frame in EQUATORIAL or named in SYSTEMS_20:
        return
    for position in coordinates.findall("Position2D") + coordinates.findall("Position3D"):
        said = f"2.0 has no frame {frame} ({_said(position)})"
        step.note(position, f"{position.tag} goes: {said}.", lost=True)
        remove(position)


def _coordinates(step: Stepped, coordinates: etree._Element) -> None:
    for name in coordinates.findall("PositionName"):
        step.note(name, f"PositionName goes ({_said(name)}).", lost=True)
        remove(name)
    for interval in coordinates.findall("Time/TimeInterval"):
        _interval(step, interval)
    for position in coordinates.findall("Position2D"):
        _radius(step, position)
    for error in coordinates.findall("Position3D/Error3"):
        step.note(error, f"Error3 goes: 2.0 has no error in three dimensions ({_said(error)}).", lost=True)
        remove(error)
    for element in coordinates.iter("C1", "C2", "C3", "Error2Radius"):
        for attribute in ("ucd", "pos_unit"):
            if attribute in element.attrib:
                message = f"{element.tag}@{attribute}={element.get(attribute)!r} goes."
                step.note(element, message, lost=True)
                del element.attrib[attribute]


def _interval(step: Stepped, interval: etree._Element) -> None:
    """Its middle, with half its length as error: the instant that says the same of the event."""
    time = interval.getparent()
    assert time is not None
    texts = [(interval.findtext(name) or "").strip() for name in ("ISOTimeStart", "ISOTimeStop")]
    try:
        start, stop = (datetime.fromisoformat(text) for text in texts)
        half = (stop - start) / 2
    except (ValueError, TypeError):
        known = next((text for text in texts if text), None)
        fate = f"{known} stays as the instant" if known else "no time is left"
        step.note(interval, f"TimeInterval {' to '.join(texts)} goes; {fate}.", lost=True)
        if known is None:
            remove(interval)
            return
        _instant(interval, known)
        return
    middle = (start + half).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    message = f"TimeInterval {texts[0]} to {texts[1]} becomes the instant {middle}"
    if time.find("Error") is None and half.total_seconds() >= 0:
        error = etree.Element("Error")
        error.text = f"{half.total_seconds():.10g}"
        error.tail, interval.tail = interval.tail, None
        interval.addnext(error)
        message += f" with error {error.text} s"
        if time.get("unit") != "s":
            time.set("unit", "s")
    step.note(interval, f"{message}.", lost=True)
    _instant(interval, middle)


def _instant(interval: etree._Element, iso: str) -> None:
    for child in list(interval):
        interval.remove(child)
    interval.tag, interval.text = "TimeInstant", None
    etree.SubElement(interval, "ISOTime").text = iso


def _radius(step: Stepped, position: etree._Element) -> None:
    """2.0 needs Error2Radius."""
    errors = position.find("Error2")
    radius = position.find("Error2Radius")
    if radius is None:
        parts = [] if errors is None else [_number(errors.findtext(name)) for name in ("C1", "C2")]
        known = [part for part in parts if part is not None]
        radius = etree.Element("Error2Radius")
        # NaN is a float to the XSD, and the one that says "unknown"; 0 would say "exact".
        radius.text = f"{max(known):.10g}" if known else "NaN"
        if errors is not None:
            message = f"Error2 ({_said(errors)}) becomes Error2Radius {radius.text}, the larger of its parts."
            step.note(errors, message, lost=True)
            radius.tail = errors.tail
            errors.addnext(radius)
            errors.tail = None
        else:
            message = "Position2D gets Error2Radius NaN (unknown), because 2.0 needs one."
            step.note(position, message, lost=False)
            position.append(radius)
    elif errors is not None:
        step.note(errors, f"Error2 goes; Error2Radius stays ({_said(errors)}).", lost=True)
    if errors is not None:
        remove(errors)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _said(element: etree._Element) -> str:
    texts = " ".join(" ".join(str(text) for text in element.itertext()).split())
    return texts[:80] or "empty"
