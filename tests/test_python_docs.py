"""The examples of docs/python.md, run as they stand."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parent.parent / "docs" / "python.md"
EVENT = """<?xml version="1.0"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test"
    ivorn="ivo://example.org/survey#2026abc">
  <Who><AuthorIVORN>ivo://example.org</AuthorIVORN>
    <Author><contactEmail>someone@example.org</contactEmail></Author><Date>2026-03-01T04:05:06</Date></Who>
  <What><!-- of the difference image -->
    <Param name="magpsf" value="18.250" unit="mag" ucd="phot.mag"/>
    <Param name="band" value="r"/>
    <Group name="quality"><Param name="rb" value="0.93"/></Group>
    <Table name="light_curve"><Field name="mjd" unit="d"/><Field name="magpsf" unit="mag"/>
      <Data><TR><TD>61099.5</TD><TD>18.5</TD></TR><TR><TD>61100.5</TD><TD>18.25</TD></TR></Data></Table>
  </What>
  <WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOSURFACE"/><ObservationLocation>
    <AstroCoordSystem id="UTC-ICRS-TOPO"/><AstroCoords coord_system_id="UTC-ICRS-TOPO">
      <Time unit="s"><TimeInstant><ISOTime>2026-03-01T04:00:00.25</ISOTime></TimeInstant></Time>
      <Position2D unit="deg"><Value2><C1>150.1143</C1><C2>2.205</C2></Value2>
        <Error2Radius>0.000278</Error2Radius></Position2D>
    </AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
  <Citations><EventIVORN cite="followup">ivo://example.org/survey#2026aab</EventIVORN></Citations>
</voe:VOEvent>
"""


def test_the_examples_of_the_page_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("astropy")
    (tmp_path / "event.xml").write_text(EVENT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = PAGE.read_text(encoding="utf-8").replace("```", "")
    parsed = doctest.DocTestParser().get_doctest(text, {}, "python.md", str(PAGE), 0)
    assert len(parsed.examples) > 25
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.IGNORE_EXCEPTION_DETAIL | doctest.NORMALIZE_WHITESPACE)
    runner.run(parsed, out=told.append)
    assert runner.failures == 0, "".join(told)
