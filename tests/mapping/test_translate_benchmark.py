"""The translate benchmark: the peer's packets hold what ours hold, and the report has its numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("voeventparse", reason="the peer is not installed: pip install voevent-parse")

from benchmarks.peer_translate import differences
from benchmarks.translate import measure, report


def test_voevent_parse_builds_the_same_content_from_every_real_alert(
    shared_data: Path, lsst_distribution: Path
) -> None:
    result = measure(shared_data, rounds=1)
    text = report(result)

    assert [len(survey["alerts"]) for survey in result["surveys"]] == [3, 7]
    assert all(survey["ratio"] > 1 for survey in result["surveys"])
    assert "voevent-parse" in text
    assert len(text.splitlines()) == 3 + 1 + 10 + 2


def test_a_shifted_cell_is_seen() -> None:
    packet = (
        b'<a ivorn="i" role="test"><Who/><What><Table name="t">'
        b"<Data><TR><TD>1.0</TD><TD>2</TD></TR></Data></Table>"
        b"</What><WhereWhen><ObsDataLocation><ObservationLocation><Position2D><C1>1</C1><C2>2</C2>"
        b"<Error2Radius>3</Error2Radius></Position2D><ISOTime>2026-01-01T00:00:00</ISOTime>"
        b"</ObservationLocation></ObsDataLocation></WhereWhen></a>"
    )

    assert differences(packet, packet.replace(b"1.0<", b"1<")) == []
    assert differences(packet, packet.replace(b"<TD>2<", b"<TD>3<")) != []
    assert differences(packet, packet.replace(b"<TD>2</TD>", b"")) != []
