"""Scale and frame: one answer for the model, the relay's headline and inspect."""

from __future__ import annotations

import pytest

from bridge.alerts.packet import Document, Origin
from bridge.inspect.voevent import report_voevent
from bridge.voevent.headline import read_headline
from bridge.voevent.model import VOEvent
from bridge.voevent.systems import frame_of_system, scale_of_system


@pytest.mark.parametrize(
    ("identifier", "scale", "frame"),
    [
        ("UTC-FK5-GEO", "UTC", "FK5"),
        ("FK5-UTC-GEO", "UTC", "FK5"),
        ("tai-icrs-topo", "TAI", "ICRS"),
        ("UTC-GEOD-TOPO", "UTC", "GEOD"),
        ("TDB_GALACTIC", "TDB", "GALACTIC"),
        ("my-system", None, "ICRS"),
        (None, None, "ICRS"),
    ],
)
def test_an_identifier_tells_scale_and_frame(identifier: str | None, scale: str | None, frame: str) -> None:
    assert (scale_of_system(identifier), frame_of_system(identifier)) == (scale, frame)


def test_what_elements_say_goes_before_the_identifier() -> None:
    assert scale_of_system("UTC-ICRS-TOPO", None, " tai ") == "TAI"
    assert scale_of_system("UTC-ICRS-TOPO", "TT", "TAI") == "TT"
    assert frame_of_system("UTC-ICRS-TOPO", "ecliptic") == "ECLIPTIC"
    assert frame_of_system("UTC-FK5-TOPO", "UNKNOWN") == "FK5"


SYSTEMS = [
    ('<AstroCoordSystem id="UTC-ICRS-TOPO"/>', "", "UTC", True),
    ('<AstroCoordSystem id="UTC-ICRS-TOPO"/>', "<TimeScale>TAI</TimeScale>", "TAI", True),
    ('<AstroCoordSystem id="UTC-GEOD-TOPO"/>', "", "UTC", False),
    (
        '<AstroCoordSystem id="s"><TimeFrame><TimeScale>TCB</TimeScale></TimeFrame>'
        "<SpaceFrame><SpaceRefFrame>GALACTIC</SpaceRefFrame></SpaceFrame></AstroCoordSystem>",
        "", "TCB", False,
    ),
    ("", "", None, True),
]  # fmt: skip


@pytest.mark.parametrize(("system", "inner", "scale", "on_sky"), SYSTEMS)
def test_all_readers_agree(system: str, inner: str, scale: str | None, on_sky: bool) -> None:
    xml = (
        '<v:VOEvent xmlns:v="http://www.ivoa.net/xml/VOEvent/v2.1" ivorn="ivo://a.org/s#1" version="2.1">'
        f"<WhereWhen><ObsDataLocation><ObservationLocation>{system}<AstroCoords><Time><TimeInstant>"
        f"<ISOTime>2026-01-01T00:00:00</ISOTime>{inner}</TimeInstant></Time><Position2D><Value2>"
        "<C1>10.5</C1><C2>-3.25</C2></Value2></Position2D></AstroCoords></ObservationLocation>"
        "</ObsDataLocation></WhereWhen></v:VOEvent>"
    ).encode()
    event, headline = VOEvent.parse(xml), read_headline(xml)
    report = report_voevent(Document(xml, "voevent", Origin("made.xml", 0)))

    assert event.time_scale == scale
    assert event.astropy_time().scale == (scale or "UTC").lower()
    assert f"{scale or ''}" in repr(event)
    places = [
        None if event.position is None else event.position.ra_deg,
        headline.ra_deg,
        None if report.position is None else report.position.ra_deg,
    ]
    assert places == [10.5 if on_sky else None] * 3
