"""Events as astropy, VOTable readers and voevent-parse know them: the same values on both sides."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from bridge.errors import PacketError, UsageError
from bridge.voevent.model import VOEvent

astropy = pytest.importorskip("astropy")

PACKET = b"""<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
 ivorn="ivo://e.g/s#7"><Who><Date>2026-01-02T03:04:05</Date></Who><What>
<Param name="n" value="12" unit="s"><Description>how many</Description></Param><Param value="a &lt; b"/>
<Group name="g"><Param name="flux" value="1.25" ucd="phot.flux"/></Group><Table name="curve">
<Field name="mjd" unit="d" ucd="time.epoch"/><Field name="mag" unit="mag"/><Field name="band"/>
<Field unit="furlong"/><Data><TR><TD>61000.5</TD><TD>18.25</TD><TD>g</TD><TD>1</TD></TR>
<TR><TD>61001.5</TD><TD/><TD>r</TD><TD>2</TD></TR></Data></Table></What>
<WhereWhen><ObsDataLocation><ObservatoryLocation id="x"/><ObservationLocation>
<AstroCoordSystem id="UTC-FK5-GEO"/><AstroCoords coord_system_id="UTC-FK5-GEO">
<Time unit="s"><TimeInstant><ISOTime>2026-01-02T03:04:00.25</ISOTime></TimeInstant></Time>
<Position2D unit="deg"><Value2><C1>284.53</C1><C2>-60.65</C2></Value2><Error2Radius>0.1</Error2Radius>
</Position2D></AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen></voe:VOEvent>"""


def test_the_position_is_a_sky_coord() -> None:
    coord = VOEvent.parse(PACKET).sky_coord()

    assert (coord.ra.deg, coord.dec.deg, coord.frame.name) == (284.53, -60.65, "fk5")
    assert VOEvent.parse(PACKET.replace(b"UTC-FK5", b"UTC-ICRS")).sky_coord().frame.name == "icrs"
    with pytest.raises(PacketError, match="no position"):
        VOEvent("ivo://a.b/c#1").sky_coord()


def test_the_time_has_its_scale() -> None:
    utc = VOEvent.parse(PACKET).astropy_time()
    assert (utc.isot, utc.scale) == ("2026-01-02T03:04:00.250", "utc")

    tdb = VOEvent.parse(PACKET.replace(b"UTC-FK5-GEO", b"TDB-ICRS-BARY")).astropy_time()
    assert (tdb.isot, tdb.scale) == ("2026-01-02T03:04:00.250", "tdb")

    # GPS is 18 s ahead of UTC since 2017 (IERS Bulletin C).
    gps = VOEvent.parse(PACKET.replace(b"UTC-FK5-GEO", b"GPS-FK5-TOPO")).astropy_time()
    assert (utc - gps).to_value("s") == pytest.approx(18, abs=1e-6)


def test_an_offset_is_added_in_its_unit() -> None:
    late = PACKET.replace(b'Time unit="s"', b'Time unit="min"').replace(
        b"</ISOTime>", b"</ISOTime><TimeOffset>2</TimeOffset>"
    )
    assert VOEvent.parse(late).astropy_time().isot == "2026-01-02T03:06:00.250"
    with pytest.raises(PacketError, match="no unit of time"):
        VOEvent.parse(late.replace(b'"min"', b'"apples"')).astropy_time()


@pytest.mark.parametrize("time", [b"--", b"yesterday"])
def test_a_time_that_is_none_is_refused(time: bytes) -> None:
    with pytest.raises(PacketError, match="not ISO 8601"):
        VOEvent.parse(PACKET.replace(b"2026-01-02T03:04:00.25", time)).astropy_time()
    with pytest.raises(PacketError, match="no time"):
        VOEvent("ivo://a.b/c#1").astropy_time()


def test_a_light_curve_is_a_table_with_units_and_gaps() -> None:
    table = VOEvent.parse(PACKET).tables["curve"].to_astropy()

    assert table.colnames == ["mjd", "mag", "band", "col4"]
    assert list(table["mjd"]) == [61000.5, 61001.5]
    assert (str(table["mjd"].unit), table["mjd"].meta["ucd"]) == ("d", "time.epoch")
    assert table["mag"].mask.tolist() == [False, True]
    assert table["band"].tolist() == ["g", "r"]
    assert str(table["col4"].unit) == "furlong"


def test_a_votable_reader_finds_params_groups_and_tables() -> None:
    from astropy.io.votable import parse

    votable = parse(io.BytesIO(VOEvent.parse(PACKET).to_votable()))
    (resource,) = votable.resources
    assert [(param.name, param.value) for param in resource.params] == [("n", 12), ("param2", "a < b")]
    assert resource.params[0].description == "how many"
    assert [param.value for param in resource.groups[0].entries] == [1.25]
    table = resource.tables[0].to_table()
    assert list(table["mjd"]) == [61000.5, 61001.5]
    assert list(table["band"]) == ["g", "r"]


def test_what_is_declared_a_string_stays_one_elsewhere() -> None:
    from astropy.io.votable import parse

    xml = (
        b'<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.0" ivorn="ivo://a.b/c#1"><What>'
        b'<Param name="id" value="0858800020" dataType="string"/><Param name="n" value="0012"/>'
        b'<Table name="t"><Field name="run" dataType="string"/><Field name="mag"/><Data>'
        b"<TR><TD>007</TD><TD>18.50</TD></TR><TR><TD/><TD>19</TD></TR></Data></Table></What></v:VOEvent>"
    )
    event = VOEvent.parse(xml)
    (resource,) = parse(io.BytesIO(event.to_votable())).resources
    assert [param.value for param in resource.params] == ["0858800020", 12]
    for table in (resource.tables[0].to_table(), event.tables["t"].to_astropy()):
        assert [str(cell) for cell in table["run"].filled("")] == ["007", ""]
        assert list(table["mag"]) == [18.5, 19]


def test_real_packets_are_votables(real_voevents: list[bytes]) -> None:
    from lxml import etree

    for xml in real_voevents[::40]:
        event = VOEvent.parse(xml)
        root = etree.fromstring(event.to_votable())
        inside = sum(len(thing.params) for thing in (*event.groups.all, *event.tables.all))
        assert len(root.findall(".//{*}PARAM")) == len(event.params.all) + inside


def test_voevent_parse_reads_what_we_write_and_we_what_it_makes() -> None:
    voeventparse = pytest.importorskip("voeventparse")
    event = VOEvent.parse(PACKET)
    packet = event.to_voeventparse()

    assert packet.attrib["ivorn"] == "ivo://e.g/s#7"
    assert voeventparse.get_event_position(packet).ra == 284.53
    again = VOEvent.from_voeventparse(packet)
    assert replace(again, layout=None) == replace(event, layout=None)

    made = voeventparse.Voevent(stream="e.g/stream", stream_id="1", role="test")
    made.What.append(voeventparse.Param("mag", value=18.5, unit="mag"))
    assert VOEvent.from_voeventparse(made).params["mag"].value == 18.5


@pytest.mark.parametrize("missing", ["astropy.coordinates", "voeventparse"])
def test_what_is_not_installed_is_named(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    event = VOEvent.parse(PACKET)
    with pytest.raises(UsageError, match="pip install"):
        (event.sky_coord if missing.startswith("astropy") else event.to_voeventparse)()
