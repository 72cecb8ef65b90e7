"""The run that the documentation shows is one that the command made, and the README says the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from benchmarks.encodings import markdown
from benchmarks.encodings.report import FIGURES, short_table

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((PROJECT / "docs/benchmarks.json").read_bytes())
    return loaded


def test_published_result_is_as_its_schema_describes(published: dict[str, Any]) -> None:
    schema = json.loads((PROJECT / "benchmarks/encodings/result.schema.json").read_bytes())
    jsonschema.validate(published, schema)


def test_page_is_what_the_command_makes_of_the_result(published: dict[str, Any]) -> None:
    assert (PROJECT / "docs/benchmarks.md").read_text(encoding="utf-8") == markdown(published)
    assert all((PROJECT / f"docs/figures/{key}.svg").is_file() for key in FIGURES)


def test_readme_has_the_verdicts_of_the_page(published: dict[str, Any]) -> None:
    assert "\n".join(short_table(published)) in (PROJECT / "README.md").read_text(encoding="utf-8")


def test_published_run_is_of_real_alerts_with_nothing_left_out(published: dict[str, Any]) -> None:
    assert published["left_out"] == []
    assert all("real" in content["origin"] for content in published["contents"])
