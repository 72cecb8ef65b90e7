"""The constant pieces of XML between which values are put: rendered once when a translator is compiled."""

from __future__ import annotations

from bridge.mapping.content import Value
from bridge.mapping.model import Mapping, Place
from bridge.voevent.xmltext import escape

__all__ = [
    "COORDINATE_SYSTEM_2D",
    "ROOT_HEAD",
    "described",
    "element",
    "field_element",
    "how_element",
    "param_pieces",
    "place_pieces",
    "position_element",
    "reference",
    "time_element",
    "where_when",
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
# No XML can hold it, so it marks the places of values.
MARK = b"\0"


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


def place_pieces(place: Place) -> tuple[bytes, ...]:
    """WhereWhen, before the time, between time and C1, C1 and C2, C2 and error, and after the error."""
    inner = time_element(MARK) + position_element(MARK, MARK, MARK)
    return tuple(where_when(place, inner).split(MARK))


def time_element(when: bytes) -> bytes:
    """Time, of an ISO time."""
    return b'\n<Time unit="s"><TimeInstant><ISOTime>%b</ISOTime></TimeInstant></Time>' % when


def position_element(ra: bytes, dec: bytes, radius: bytes) -> bytes:
    """Position2D, of the texts of both coordinates and the error radius."""
    return (
        b'\n<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2><Value2><C1>%b</C1><C2>%b</C2></Value2>'
        b"<Error2Radius>%b</Error2Radius></Position2D>" % (ra, dec, radius)
    )


def where_when(place: Place, inner: bytes) -> bytes:
    """WhereWhen around what stands in AstroCoords."""
    system = place.system.encode()
    return (
        b"\n<WhereWhen>\n<ObsDataLocation>%b\n<ObservationLocation>"
        b'<AstroCoordSystem id="%b"/><AstroCoords coord_system_id="%b">%b'
        b"\n</AstroCoords></ObservationLocation>\n</ObsDataLocation>%b</WhereWhen>"
        % (_observatory(place), system, system, inner, described(place.about))
    )


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
