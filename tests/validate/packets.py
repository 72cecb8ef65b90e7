"""Packets to begin with: one of 2.0 with nothing to be said about, and one of 2.1 with all that 2.1 has."""

from __future__ import annotations

from lxml import etree

__all__ = ["GOOD", "RICH_21", "changed", "root_of"]

GOOD = """<?xml version='1.0' encoding='UTF-8'?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" ivorn="ivo://example.org/stream#1">
<Who><AuthorIVORN>ivo://example.org</AuthorIVORN><Date>2026-11-21T00:00:00</Date></Who>
<What>
<Param name="mag" value="18.5" unit="mag" ucd="phot.mag" dataType="float"/>
<Group name="identity"><Param name="field" value="7" dataType="int"/><Param name="name"><Value>SN</Value></Param></Group>
<Table name="history"><Field name="jd" unit="d" dataType="float"/><Field name="band"/>
<Data><TR><TD>2461365.5</TD><TD>g</TD></TR><TR><TD></TD><TD>r</TD></TR></Data></Table>
</What>
<WhereWhen><ObsDataLocation><ObservatoryLocation id="Palomar"/><ObservationLocation>
<AstroCoordSystem id="UTC-ICRS-TOPO"/><AstroCoords coord_system_id="UTC-ICRS-TOPO">
<Time unit="s"><TimeInstant><ISOTime>2026-11-20T23:59:59.5</ISOTime></TimeInstant><Error>30</Error></Time>
<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2><Value2><C1>12.5</C1><C2>-45.25</C2></Value2><Error2Radius>0.001</Error2Radius></Position2D>
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
<How><Reference uri="https://example.org/telescope"/></How>
<Why importance="0.5"><Inference probability="0.9"><Name>SN</Name></Inference></Why>
<Citations><EventIVORN cite="followup">ivo://example.org/stream#0</EventIVORN></Citations>
</voe:VOEvent>
"""  # noqa: E501

RICH_21 = """<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.1" version="2.1" role="test" ivorn="ivo://example.org/s?1">
<!-- everything that 2.0 has no place for -->
<Who><AuthorIVORN>ivo://example.org</AuthorIVORN><Date>2026-11-21T00:00:00Z</Date>
<Author><title>T</title><Contributor role="Researcher" altIdentifier="https://orcid.org/0" ivorn="ivo://example.org/p">A. Person</Contributor></Author></Who>
<What><Description>D</Description><Param name="a" value="1" dataType="int"><Description>x</Description></Param>
<Group name="g" type="t"><Param name="b" value="2"/></Group>
<Table name="t"><Field name="f"/><Data><TR><TD><![CDATA[1 < 2]]></TD></TR></Data></Table></What>
<WhereWhen id="here"><ObsDataLocation>
<ObservatoryLocation id="o"><AstroCoordSystem id="UTC-GEOD-TOPO"/><AstroCoords coord_system_id="UTC-GEOD-TOPO"><PositionName>Geneva</PositionName>
<Position3D unit="deg-deg-m"><Value3><C1>6.1</C1><C2>46.2</C2><C3>375</C3></Value3><Error3><C1>1</C1></Error3></Position3D></AstroCoords></ObservatoryLocation>
<ObservationLocation><AstroCoordSystem id="mine"><TimeFrame id="tf"><Name>n</Name><ReferencePosition>GEOCENTER</ReferencePosition><TimeScale>UTC</TimeScale></TimeFrame><SpaceFrame id="sf"><SpaceRefFrame>ICRS</SpaceRefFrame><ReferencePosition>GEOCENTER</ReferencePosition></SpaceFrame></AstroCoordSystem>
<AstroCoords coord_system_id="mine">
<Time unit="s"><TimeInterval><ISOTimeStart>2026-11-20T00:00:00</ISOTimeStart><ISOTimeStop>2026-11-20T00:01:00</ISOTimeStop></TimeInterval></Time>
<PositionName>M31</PositionName>
<Position2D unit="deg"><Value2><C1 ucd="pos.eq.ra" pos_unit="deg">10.68</C1><C2>41.27</C2></Value2><Error2><C1>0.5</C1><C2>0.25</C2></Error2></Position2D>
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
<Why><Concept>c</Concept></Why>
</v:VOEvent>
"""  # noqa: E501


def changed(text: str, *changes: tuple[str, str]) -> bytes:
    """A packet with some words replaced; each must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def root_of(xml: bytes | str) -> etree._Element:
    return etree.fromstring(xml.encode() if isinstance(xml, str) else xml)
