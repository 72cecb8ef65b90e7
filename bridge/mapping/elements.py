"""The constant pieces of XML between which values are put: rendered once when a translator is compiled."""

from __future__ import annotations

from bridge.mapping.model import Mapping, Place, Value
from bridge.voevent.xmltext import escape

__all__ = [
    "COORDINATE_SYSTEM_2D",
    "POSITION_TAIL",
    "ROOT_HEAD",
    "TIME_HEAD",
    "TIME_TAIL",
    "described",
    "element",
    "field_element",
    "how_element",
    "param_pieces",
    "place_pieces",
    "reference",
    "who_pieces",
]

ROOT_HEAD = (
    b"<?xml version='1.0' encoding='UTF-8'?>\n"
    b'<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"'
    b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    b' xsi:schemaLocation="http://www.ivoa.net/xml/VOEvent/v2.0 http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd"'
    b' version="2.0" role="'
)
COORDINATE_SYSTEM_2D = "UTC-GEOD-TOPO"
TIME_HEAD = b'<Time unit="s"><TimeInstant><ISOTime>'
TIME_TAIL = b"</ISOTime></TimeInstant></Time>"
POSITION_TAIL = b"</Error2Radius></Position2D>"


def element(name: str, text: str) -> bytes:
    """An element with a text, or nothing for an empty text."""
    return b"<%b>%b</%b>" % (name.encode(), escape(text), name.encode()) if text else b""


def described(text: str) -> bytes:
    """A Description, or nothing."""
    return element("Description", text)


def reference(uri: bytes, about: str = "") -> bytes:
    """A Reference; what lies there goes into @type, the one attribute that holds free text."""
    kind = b' type="%b"' % escape(about) if about else b""
    return b'<Reference uri="%b"%b/>' % (uri, kind)


def _attributes(value: Value, data_type: str) -> bytes:
    out = b'name="%b"' % escape(value.name)
    if value.ucd:
        out += b' ucd="%b"' % escape(value.ucd)
    if value.unit:
        out += b' unit="%b"' % escape(value.unit)
    return out + b' dataType="%b"' % data_type.encode()


def param_pieces(value: Value, data_type: str) -> tuple[bytes, bytes]:
    """What comes before and after the value of a Param."""
    tail = b'">%b</Param>' % described(value.about) if value.about else b'"/>'
    return b"\n<Param " + _attributes(value, data_type) + b' value="', tail


def field_element(value: Value, data_type: str) -> bytes:
    """A column's Field."""
    head = b"\n<Field " + _attributes(value, data_type)
    return head + b">%b</Field>" % described(value.about) if value.about else head + b"/>"


def who_pieces(mapping: Mapping, author: str) -> tuple[bytes, bytes]:
    """Who, before and after the date."""
    who = mapping.who
    people = (
        element("title", who.title)
        + element("shortName", who.short_name)
        + element("contactName", who.contact_name)
        + element("contactEmail", who.contact_email)
        + b"".join(element("contributor", name) for name in who.contributors)
    )
    link = reference(escape(who.reference)) if who.reference else b""
    head = b"\n<Who>\n<AuthorIVORN>%b</AuthorIVORN>\n<Date>" % escape(author)
    author_element = b"\n<Author>%b</Author>" % people if people else b""
    return head, b"</Date>%b\n%b%b</Who>" % (author_element, described(who.about), link)


def place_pieces(place: Place) -> tuple[bytes, bytes, bytes, bytes, bytes]:
    """WhereWhen, before the time, between time and C1, C1 and C2, C2 and error, and after the error."""
    system = place.system.encode()
    frame = b'<AstroCoordSystem id="%b"/>' % system
    names = (b"RA", b"Dec")
    before = (
        b"\n<WhereWhen>\n<ObsDataLocation>%b\n<ObservationLocation>%b"
        b'<AstroCoords coord_system_id="%b">\n%b' % (_observatory(place), frame, system, TIME_HEAD)
    )
    middle = TIME_TAIL + b'\n<Position2D unit="deg"><Name1>%b</Name1><Name2>%b</Name2><Value2><C1>' % names
    tail = (
        POSITION_TAIL
        + b"\n</AstroCoords></ObservationLocation>\n</ObsDataLocation>%b</WhereWhen>" % described(place.about)
    )
    return before, middle, b"</C1><C2>", b"</C2></Value2><Error2Radius>", tail


def _observatory(place: Place) -> bytes:
    site = place.observatory
    if site is None:
        return b"\n<ObservatoryLocation/>"
    head = b'\n<ObservatoryLocation id="%b"' % escape(site.name)
    if site.longitude_deg is None or site.latitude_deg is None or site.altitude_m is None:
        return head + b"/>"
    return head + (
        b'><AstroCoordSystem id="UTC-GEOD-TOPO"/><AstroCoords coord_system_id="UTC-GEOD-TOPO">'
        b'<Position3D unit="deg-deg-m"><Name1>longitude</Name1><Name2>latitude</Name2>'
        b"<Name3>elevation</Name3>"
        b"<Value3><C1>%b</C1><C2>%b</C2><C3>%b</C3></Value3></Position3D></AstroCoords></ObservatoryLocation>"
        % (str(site.longitude_deg).encode(), str(site.latitude_deg).encode(), str(site.altitude_m).encode())
    )


def how_element(mapping: Mapping) -> bytes:
    """How, or nothing: it must not be empty."""
    inner = described(mapping.how) + b"".join(
        reference(escape(item.uri), item.about) for item in mapping.how_references
    )
    return b"\n<How>%b</How>" % inner if inner else b""
