"""The structure of a VOEvent 2.1, stated as a table and made into an XSD when it is first needed.

The proposed recommendation's own XSD cannot travel with this project, so its grammar is stated here in our
own form; the tests hold it against the official one, packet by packet. 2.0 is judged by the XSD that stock
brokers judge by (`bridge.voevent.xsd`).
"""

from __future__ import annotations

from functools import cache

from lxml import etree

__all__ = ["NAMESPACE_21", "schema_21"]

NAMESPACE_21 = "http://www.ivoa.net/xml/VOEvent/v2.1"

# A line is: type, how its children stand, children. "any" is any number in any order (none at all only where
# a child is marked "?"); "once" is each at most once in any order, needed where unmarked; "order" is each at
# most once in this order; "text" is a text with attributes. The type of a child stands behind it; without one
# it is the type of that name, or a string where there is none.
_CHILDREN = """
VOEvent              once   Who? What? WhereWhen? How? Why? Citations? Description? Reference?
Who                  once   AuthorIVORN:anyURI? Date:dateTime? Description? Reference? Author?
Author               any    title shortName logoURL:anyURI contactName contactEmail contactPhone contributor \
                            Contributor
What                 any    Param? Group? Table? Description? Reference?
Param                any    Description? Reference? Value?
Group                any    Param Description? Reference?
Table                any    Description? Reference? Param? Field? Data
Field                any    Description? Reference?
Data                 any    TR
TR                   any    TD
WhereWhen            any    ObsDataLocation Description? Reference?
ObsDataLocation      once   ObservatoryLocation ObservationLocation
ObservatoryLocation  once   AstroCoordSystem? AstroCoords?
ObservationLocation  once   AstroCoordSystem AstroCoords
AstroCoordSystem     order  TimeFrame? SpaceFrame?
TimeFrame            order  Name? ReferencePosition? TimeScale?
SpaceFrame           order  Name? SpaceRefFrame? CoordFlavor? ReferencePosition?
AstroCoords          order  Time? PositionName? Position2D? Position3D?
Time                 order  TimeInstant?|TimeInterval? Error:float?
TimeInstant          order  ISOTime? TimeOffset:float? TimeScale?
TimeInterval         order  ISOTimeStart? ISOTimeStop?
Position2D           once   Name1? Name2? Value2 Error2Radius:Coordinate? Error2?
Position3D           once   Name1? Name2? Name3? Value3 Error3?
Value2               once   C1:Coordinate C2:Coordinate
Value3               once   C1:Coordinate C2:Coordinate C3:Coordinate
Error2               once   C1:Coordinate? C2:Coordinate?
Error3               once   C1:Coordinate? C2:Coordinate? C3:Coordinate?
How                  any    Description Reference
Why                  any    Name Concept Inference Description Reference
Inference            any    Name Concept Description Reference
Citations            order  EventIVORN+ Description?
Reference            order
EventIVORN           text   string
Contributor          text   string
Coordinate           text   float
"""

_ATTRIBUTES = """
VOEvent              version:version! ivorn:anyURI! role:role
Param                name ucd value unit dataType:dataType utype
Group                name type
Table                name type
Field                name ucd unit dataType:dataType utype
WhereWhen            id:ID
ObservatoryLocation  id
AstroCoordSystem     id:ID
TimeFrame            id:ID
SpaceFrame           id:ID
AstroCoords          coord_system_id
Time                 unit
Position2D           unit
Position3D           unit
Coordinate           ucd pos_unit
Why                  importance:float expires:dateTime
Inference            probability:probability relation
EventIVORN           cite:cite
Contributor          altIdentifier:anyURI role:contributorRole ivorn:anyURI
Reference            uri:anyURI! type mimetype meaning:anyURI
"""

_CHOICES = {
    "version": "2.1",
    "role": "observation prediction utility test",
    "dataType": "string float int",
    "cite": "followup supersedes retraction",
    # From the DataCite metadata schema 4.5, as the proposed recommendation takes it.
    "contributorRole": "ContactPerson DataCollector DataCurator DataManager Distributor Editor "
    "HostingInstitution Producer ProjectLeader ProjectManager ProjectMember RegistrationAgency "
    "RegistrationAuthority RelatedPerson Researcher ResearchGroup RightsHolder Sponsor Supervisor "
    "WorkPackageLeader Other",
}
_SIMPLE = frozenset({"string", "float", "anyURI", "dateTime", "ID"})


@cache
def schema_21() -> etree.XMLSchema:
    """The grammar as a compiled schema."""
    return etree.XMLSchema(etree.fromstring(_as_xsd()))


def _as_xsd() -> bytes:
    types = dict(_row(line) for line in _CHILDREN.strip().splitlines())
    attributes = dict(_row(line) for line in _ATTRIBUTES.strip().splitlines())
    out = [
        f'<xs:schema xmlns="{NAMESPACE_21}" xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' targetNamespace="{NAMESPACE_21}" elementFormDefault="unqualified">',
        '<xs:element name="VOEvent" type="VOEvent"/>',
    ]
    for name, (how, *children) in types.items():
        own = "".join(_attribute(word) for word in attributes.get(name, ()))
        out.append(f'<xs:complexType name="{name}">{_content(how, children, types, own)}</xs:complexType>')
    for name, words in _CHOICES.items():
        base = "token" if name == "version" else "string"
        values = "".join(f'<xs:enumeration value="{word}"/>' for word in words.split())
        out.append(_restricted(name, base, values))
    limits = '<xs:minInclusive value="0"/><xs:maxInclusive value="1"/>'
    out += [_restricted("probability", "float", limits), "</xs:schema>"]
    return "".join(out).encode()


def _row(line: str) -> tuple[str, list[str]]:
    name, *words = line.split()
    return name, words


def _content(how: str, children: list[str], types: dict[str, list[str]], own: str) -> str:
    if how == "text":
        extended = f'<xs:extension base="{_qualified(children[0])}">{own}</xs:extension>'
        return f"<xs:simpleContent>{extended}</xs:simpleContent>"
    group, times = {
        "any": ("choice", ' maxOccurs="unbounded"'),
        "once": ("all", ""),
        "order": ("sequence", ""),
    }[how]
    inner = "".join(_alternatives(word, types) for word in children)
    return f"<xs:{group}{times}>{inner}</xs:{group}>{own}"


def _alternatives(word: str, types: dict[str, list[str]]) -> str:
    if "|" not in word:
        return _child(word, types)
    return f"<xs:choice>{''.join(_child(each, types) for each in word.split('|'))}</xs:choice>"


def _child(word: str, types: dict[str, list[str]]) -> str:
    times = {"?": ' minOccurs="0"', "+": ' maxOccurs="unbounded"'}.get(word[-1], "")
    name, _, kind = word.rstrip("?+").partition(":")
    kind = kind or (name if name in types else "string")
    return f'<xs:element name="{name}" type="{_qualified(kind)}"{times}/>'


def _attribute(word: str) -> str:
    name, _, kind = word.rstrip("!").partition(":")
    use = ' use="required"' if word.endswith("!") else ""
    return f'<xs:attribute name="{name}" type="{_qualified(kind or "string")}"{use}/>'


def _qualified(kind: str) -> str:
    return f"xs:{kind}" if kind in _SIMPLE else kind


def _restricted(name: str, base: str, facets: str) -> str:
    restricted = f'<xs:restriction base="xs:{base}">{facets}</xs:restriction>'
    return f'<xs:simpleType name="{name}">{restricted}</xs:simpleType>'
