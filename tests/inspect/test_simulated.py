"""Every schema version that the simulator writes is understood by a survey's own view."""

from __future__ import annotations

import pytest

from bridge.inspect.alert import report_alert
from bridge.inspect.terminal import render_report
from bridge.simulate.run import simulate


@pytest.mark.parametrize(
    ("survey", "version"), [("ztf", "3.3"), ("ztf", "4.02"), ("lsst", "10.0"), ("lsst", "11.1")]
)
def test_simulated_alerts_are_shown_in_full(survey: str, version: str) -> None:
    visits = simulate(survey, version=version, visits=2, alerts=8, backlog=6)  # type: ignore[arg-type]
    shown = 0
    for visit in visits:
        for alert in visit:
            report = report_alert(alert.packet)
            assert report.notes == ()
            assert str(alert.identifier) in report.title
            assert all(cutout.image is not None for cutout in report.cutouts)
            assert report.light_curve is not None
            assert report.light_curve.current is not None
            facts = {fact.key: fact.value for fact in report.sections[0].facts}
            assert facts["schema_version"] == version
            assert report.title in render_report(report)
            shown += 1
    assert shown == 16
