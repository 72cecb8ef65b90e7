"""From version to version: valid on the other side, nothing dropped in silence, and back again the same."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from lxml import etree
from packets import GOOD, RICH_21, changed, root_of

from bridge.errors import PacketError, UsageError
from bridge.validate import validate
from bridge.voevent.model import VOEvent
from bridge.voevent.versions import raise_1_1, to_version
from bridge.voevent.xsd import schema_20
from bridge.voevent.xsd_21 import schema_21

OLD = """<?xml version="1.0" encoding="ISO-8859-1"?>
<!-- from the archive of é -->
<voe:VOEvent ivorn="ivo://example.org/stream#1" role="test" version="1.1"
  xmlns:voe="http://www.ivoa.net/xml/VOEvent/v1.1" xmlns:xlink="http://www.w3.org/1999/xlink"
  xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xsi:schemaLocation="http://www.ivoa.net/xml/VOEvent/v1.1 http://www.ivoa.net/xml/VOEvent/VOEvent-v1.1.xsd">
<What><Param name="a" value="1"/><!-- kept --><Description><![CDATA[1 < 2 é]]></Description></What>
<WhereWhen><ObsDataLocation xmlns="http://www.ivoa.net/xml/STC/stc-v1.30.xsd" xmlns:xlink="http://www.w3.org/1999/xlink">
<ObservatoryLocation id="GEO" xlink:type="simple" xlink:href="ivo://STClib/Observatories#GEO"/>
<ObservationLocation><AstroCoordSystem id="FK5-UTC-GEO"/><AstroCoords coord_system_id="FK5-UTC-GEO">
<Time unit="s"><TimeInstant><ISOTime>2011-01-01T00:00:00</ISOTime></TimeInstant></Time>
<Position2D unit="deg"><Value2><C1 pos_unit="deg">1</C1><C2 pos_unit="deg">2</C2></Value2><Error2Radius>0.1</Error2Radius></Position2D>
</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
</voe:VOEvent>
<!-- the end -->
"""  # noqa: E501


def canonical(xml: bytes) -> bytes:
    return etree.tostring(root_of(xml), method="c14n")


def test_a_1_1_packet_becomes_a_valid_2_0_and_keeps_what_it_says() -> None:
    conversion = to_version(OLD.encode("latin-1"), "2.0")
    root = root_of(conversion.xml)
    assert schema_20().validate(root), schema_20().error_log
    assert conversion.from_version == "1.1"
    text = conversion.xml.decode("latin-1")
    for kept in (
        "<!-- from the archive of é -->", "<!-- kept -->", "<![CDATA[1 < 2 é]]>", "<!-- the end -->",
        "ISO-8859-1", "http://www.ivoa.net/xml/VOEvent/VOEvent-v2.0.xsd",
    ):  # fmt: skip
        assert kept in text
    assert root.findtext(".//C1") == "1"
    assert root.find(".//AstroCoordSystem[@id='UTC-FK5-GEO']") is not None


def test_what_2_0_cannot_hold_of_1_1_is_named() -> None:
    conversion = to_version(OLD.encode("latin-1"), "2.0")
    lost = [change.message for change in conversion.lost]
    assert lost == [
        "ObservatoryLocation loses its link (xlink:type='simple').",
        "ObservatoryLocation loses its link (xlink:href='ivo://STClib/Observatories#GEO').",
        "C1 loses pos_unit='deg'.",
        "C2 loses pos_unit='deg'.",
    ]
    kept = [change.message for change in conversion.changes if not change.lost]
    assert kept == [
        "AstroCoordSystem@id: FK5-UTC-GEO is written UTC-FK5-GEO.",
        "AstroCoords@coord_system_id: FK5-UTC-GEO is written UTC-FK5-GEO.",
    ]


def test_1_1_goes_to_2_1_through_2_0() -> None:
    assert schema_21().validate(root_of(to_version(OLD.encode("latin-1"), "2.1").xml))


def test_2_0_goes_to_2_1_and_back_the_same() -> None:
    there = to_version(GOOD.encode(), "2.1")
    assert schema_21().validate(root_of(there.xml))
    assert there.changes == ()
    back = to_version(there.xml, "2.0")
    assert back.changes == ()
    assert canonical(back.xml) == canonical(GOOD.encode())


def test_2_1_s_stricter_order_is_kept() -> None:
    xml = changed(
        GOOD,
        ("<Time unit", "<Position3D><Value3><C1>1</C1><C2>2</C2><C3>3</C3></Value3></Position3D><Time unit"),
        ("<TimeInstant><ISOTime>", "<Error>1</Error><TimeInstant><TimeScale>UTC</TimeScale><ISOTime>"),
        ('<ObservatoryLocation id="Palomar"/>',
         '<ObservatoryLocation id="P"><AstroCoordSystem id="UTC-ICRS-TOPO"/></ObservatoryLocation>'),
    )  # fmt: skip
    assert schema_20().validate(root_of(xml))
    conversion = to_version(xml, "2.1")
    assert schema_21().validate(root_of(conversion.xml)), schema_21().error_log
    assert [change.message for change in conversion.changes] == [
        "AstroCoords: Position3D, Time, Position2D are put in 2.1's order.",
        "A second Error in one Time goes: 2.1 has one.",
        "Time: Error, TimeInstant are put in 2.1's order.",
        "TimeInstant: TimeScale, ISOTime are put in 2.1's order.",
        "AstroCoordSystem@id='UTC-ICRS-TOPO' goes: it is there already.",
    ]
    assert root_of(conversion.xml).find(".//ObservationLocation/AstroCoordSystem[@id]") is not None


def test_what_2_0_cannot_hold_of_2_1_finds_the_nearest_place_or_is_named() -> None:
    conversion = to_version(RICH_21.encode(), "2.0")
    root = root_of(conversion.xml)
    assert schema_20().validate(root), schema_20().error_log
    said = [change.message for change in conversion.lost]
    for words in (
        "Contributor@role='Researcher' goes.",
        "AstroCoordSystem@id becomes UTC-ICRS-GEO.",
        "TimeFrame goes: 2.0 has only the system's name (n GEOCENTER UTC).",
        "PositionName goes (M31).",
        "TimeInterval 2026-11-20T00:00:00 to 2026-11-20T00:01:00 becomes the instant "
        "2026-11-20T00:00:30.000 with error 30 s.",
        "C1@ucd='pos.eq.ra' goes.",
        "Error2 (0.5 0.25) becomes Error2Radius 0.5, the larger of its parts.",
        "Error3 goes: 2.0 has no error in three dimensions (1).",
    ):
        assert words in said, said
    assert root.findtext(".//ISOTime") == "2026-11-20T00:00:30.000"
    assert root.findtext(".//Time/Error") == "30"
    assert root.findtext(".//Error2Radius") == "0.5"
    assert root.findtext("Who/Author/contributor") == "A. Person"
    (path,) = (change.path for change in conversion.changes if "M31" in change.message)
    assert path == "/v:VOEvent/WhereWhen/ObsDataLocation/ObservationLocation/AstroCoords/PositionName"
    assert "2.1" not in conversion.xml.decode().split("<Who>")[0]


def test_a_position_without_error_gets_one_that_says_unknown() -> None:
    xml = changed(to_version(GOOD.encode(), "2.1").xml.decode(), ("<Error2Radius>0.001</Error2Radius>", ""))
    assert schema_21().validate(root_of(xml))
    conversion = to_version(xml, "2.0")
    assert schema_20().validate(root_of(conversion.xml))
    assert root_of(conversion.xml).findtext(".//Error2Radius") == "NaN"
    assert [change.message for change in conversion.changes] == [
        "Position2D gets Error2Radius NaN (unknown), because 2.0 needs one."
    ]


@pytest.mark.parametrize(
    ("interval", "iso"),
    [
        ("<ISOTimeStart>2026-11-20</ISOTimeStart>", "2026-11-20"),
        ("<ISOTimeStart>some day</ISOTimeStart><ISOTimeStop>2026-11-20</ISOTimeStop>", "some day"),
        ("", None),
    ],
)
def test_an_interval_that_is_none_is_named_too(interval: str, iso: str | None) -> None:
    inside = RICH_21.split("<TimeInterval>")[1].split("</TimeInterval>")[0]
    conversion = to_version(changed(RICH_21, (inside, interval)), "2.0")
    assert schema_20().validate(root_of(conversion.xml)), schema_20().error_log
    assert root_of(conversion.xml).findtext(".//ObservationLocation//ISOTime") == iso
    assert any(change.message.startswith("TimeInterval") for change in conversion.lost)


IN_TAI = [
    [("<TimeScale>UTC<", "<TimeScale>TAI<")],
    [
        ('id="mine"><TimeFrame id="tf"><Name>n</Name>', 'id="TAI-ICRS-GEO"><!--'),
        ("</SpaceFrame></AstroCoordSystem>", "--></AstroCoordSystem>"),
        ('coord_system_id="mine"', 'coord_system_id="TAI-ICRS-GEO"'),
    ],
]


@pytest.mark.parametrize("changes", IN_TAI, ids=["in elements", "in the name"])
def test_a_time_in_tai_is_the_same_moment_in_tt(changes: list[tuple[str, str]]) -> None:
    instant = "<TimeInstant><ISOTime>2026-11-20T23:59:30.5</ISOTime></TimeInstant>"
    interval = RICH_21[RICH_21.index("<TimeInterval>") : RICH_21.index("</Time>")]
    xml = changed(RICH_21, *changes, (interval, instant))
    conversion = to_version(xml, "2.0")
    root = root_of(conversion.xml)
    assert schema_20().validate(root), schema_20().error_log
    assert root.find(".//ObservationLocation/AstroCoordSystem").get("id") == "TT-ICRS-GEO"
    assert root.findtext(".//ISOTime") == "2026-11-21T00:00:02.684000"
    told = "ISOTime 2026-11-20T23:59:30.5 (TAI) becomes 2026-11-21T00:00:02.684000 (TT)."
    assert told in [change.message for change in conversion.changes]
    before, after = (VOEvent.parse(each).astropy_time() for each in (xml, conversion.xml))
    assert abs((before - after).sec) < 1e-6


def test_a_position_in_a_frame_that_2_0_has_not_goes_and_passes_for_no_other() -> None:
    xml = changed(RICH_21, ("<SpaceRefFrame>ICRS<", "<SpaceRefFrame>GALACTIC<"))
    assert VOEvent.parse(xml).position is None
    conversion = to_version(xml, "2.0")
    root = root_of(conversion.xml)
    assert schema_20().validate(root), schema_20().error_log
    assert root.find(".//Position2D") is None
    assert root.findtext(".//ObservatoryLocation//Value3/C1") == "6.1"
    assert "Position2D goes: 2.0 has no frame GALACTIC (10.68 41.27 0.5 0.25)." in [
        change.message for change in conversion.lost
    ]


def test_a_packet_of_the_version_is_given_back_byte_for_byte() -> None:
    assert to_version(GOOD.encode(), "2.0").xml == GOOD.encode()


def test_a_packet_without_namespace_is_of_the_version_that_it_says() -> None:
    bare = GOOD.replace("voe:VOEvent", "VOEvent").replace(
        ' xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"', ""
    )
    conversion = to_version(bare.replace('version="2.0"', 'version="1.1"').encode(), "2.0")
    assert validate(conversion.xml).passes()


@pytest.mark.parametrize("xml", [b"<html/>", b"no xml", b'<VOEvent version="3.0"/>', b""])
def test_what_is_no_voevent_is_refused(xml: bytes) -> None:
    with pytest.raises(PacketError):
        to_version(xml, "2.0")


def test_there_are_two_versions_to_convert_to() -> None:
    with pytest.raises(UsageError, match=r"2\.0 or 2\.1"):
        to_version(GOOD.encode(), "1.1")


@pytest.mark.no_cover
def test_every_real_packet_keeps_or_gains_validity(shared_data: Path) -> None:
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        packets = [archive.extractfile(member).read() for member in archive if member.isfile()]  # type: ignore[union-attr]
    assert len(packets) == 3421
    invalid = {"2.0": 0, "2.1": 0}
    for number, xml in enumerate(packets):
        was = schema_20().validate(root_of(xml))
        for version, schema in (("2.0", schema_20()), ("2.1", schema_21())):
            conversion = to_version(xml, version)
            valid = schema.validate(root_of(conversion.xml))
            assert valid or not was
            invalid[version] += not valid
            if version == "2.1" and not conversion.changes and number % 10 == 0:
                assert canonical(to_version(conversion.xml, "2.0").xml) == canonical(xml)
    # 21 have text inside a Group; those of 1.1 are valid afterwards.
    assert invalid == {"2.0": 21, "2.1": 21}


def test_a_strangers_packet_is_raised_without_a_path_to_each_of_its_thousand_changes() -> None:
    """As a receiver does, which wants to know whether it is valid and not what it lost."""
    links = b'<Reference xlink:href="a" uri="b"/>' * 1000
    packet = (
        b'<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v1.1" version="1.1" role="test" '
        b'xmlns:xlink="http://www.w3.org/1999/xlink" ivorn="ivo://a/b#1">' + links + b"</v:VOEvent>"
    )
    root = etree.fromstring(packet)
    told, untold = raise_1_1(root), raise_1_1(root, telling=False)
    assert (len(told.changes), untold.changes) == (1000, [])
    assert told.changes[999].path.endswith("/Reference[1000]")
    assert etree.tostring(untold.root) == etree.tostring(told.root)
