"""Filters on notices: the language of alerts, on documents without a schema."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from gw_alerts import KINDS, gw_alert, in_avro, in_json
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.packet import Document, Origin, Refusal
from bridge.filters import parse_filter
from bridge.pipeline import Pipeline, Plan
from bridge.pipeline.notice_filters import NoticeFilters
from bridge.voevent.event import Event

CONTENT = {
    "id": ["1", "2"],
    "far": 1e-9,
    "count": 7,
    "name": "GRB 1",
    "good": True,
    "none": None,
    "deep": {"a": {"b": 2.5}, "list": [1, 2.5, None]},
    "rows": [{"mag": 18.5}, {"mag": 17, "band": "r"}, {}],
    "odd": [1, "x"],
    "huge": 2**70,
    "lone": "\ud800",
}


def passes(*texts: str) -> bool:
    return NoticeFilters([parse_filter(text) for text in texts])(CONTENT)


@pytest.mark.parametrize(
    "text",
    [
        "far < 1e-8",
        "count = 7 AND name LIKE 'GRB%'",
        "good",
        "deep.a.b BETWEEN 2 AND 3",
        "none IS NULL AND missing IS NULL AND deep IS NOT NULL AND odd IS NOT NULL",
        "missing > 1 OR far < 1",
        "max(deep.list) = 2.5",
        "min(rows.mag) = 17 AND count(rows.mag) = 2",
        "first(rows.band) = 'r'",
        "len(id) = 2",
        "huge > 1e20",
        "lone = '?'",
        "cone(deep.a.b, far, 2.5, 0, 1)",
        "CASE WHEN none > 1 THEN FALSE ELSE TRUE END AND count > 1",
    ],
)
def test_a_notice_that_meets_a_condition_passes(text: str) -> None:
    assert passes(text)
    assert not passes(f"NOT ({text})")


@pytest.mark.parametrize(
    "text",
    ["far > 1", "missing > 1 AND far < 1", "none = 1 OR far > 1", "min(none) > 1 AND good"],
)
def test_what_is_not_true_or_null_is_dropped(text: str) -> None:
    assert not passes(text)


def test_a_filter_for_others_is_passed_by() -> None:
    assert passes("candidate.rb > 0.65")
    assert passes("candidate.rb > 0.65", "far < 1")
    assert not passes("candidate.rb > 0.65", "far > 1")


def test_a_notice_that_could_have_a_field_and_has_it_not_is_dropped(shared_data: Path) -> None:
    def kept(where: str) -> set[str]:
        go = Pipeline(Plan(where=(where,)))
        files = sorted((shared_data / "notices").glob("*.json"))
        outcomes = {
            file.name: go(Document(file.read_bytes(), "json", Origin(file.name, 0))) for file in files
        }
        return {name.split("-")[0] for name, outcome in outcomes.items() if isinstance(outcome, Event)}

    assert kept("far < 1e-6") == {"icecube"}
    assert kept("alert_type = 'retraction' OR mission = 'Fermi'") == {"maxi", "fermi"}
    assert kept("min(data.photometry.mag) < 17.8") == {"boom"}
    assert len(kept("candidate.rb > 0.65")) == 8


def test_a_value_used_as_what_it_is_not_costs_the_notice_with_its_name() -> None:
    pipeline = Pipeline(Plan(where=("name > 5",)))
    refusal = pipeline(Document(json.dumps(CONTENT).encode(), "json", Origin("x", 0)))
    assert isinstance(refusal, Refusal)
    assert "'name'" in refusal.reason
    assert "VARCHAR" in refusal.reason


def test_a_function_in_python_gets_the_whole_notice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_notice_filter.py").write_text("def bright(notice):\n    return notice['count'] > 5\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert passes("python:own_notice_filter:bright")


@settings(max_examples=30, deadline=None)
@given(
    st.floats(allow_nan=False) | st.integers() | st.none(), st.floats(allow_nan=False, allow_infinity=False)
)
def test_a_comparison_is_that_of_the_numbers(value: Any, limit: float) -> None:
    kept = NoticeFilters([parse_filter(f"x < {limit!r}")])({"x": value})
    assert kept == (value is not None and value < limit)


def test_only_significant_waves_go_out_in_either_format_and_retractions_with_them() -> None:
    plan = Plan(where=("event.far < 1e-10 AND event.significant", "alert_type = 'RETRACTION'"))
    for form in (in_json, in_avro):
        go = Pipeline(plan)
        kept = [isinstance(go(form(gw_alert(kind))), Event) for kind in KINDS]
        assert kept == [True] * 5
        assert go(form(gw_alert("INITIAL", superevent="S1", far=1e-6))) is None
        assert go(form(gw_alert("INITIAL", superevent="S1", significant=False))) is None


def test_infinity_is_a_number() -> None:
    assert NoticeFilters([parse_filter("x > 1e308")])({"x": math.inf})
