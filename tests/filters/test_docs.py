"""The documentation lists the functions that there are, and its examples compile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.alerts.schema import Schema
from bridge.alerts.store import open_store
from bridge.errors import ExpressionError
from bridge.filters import Filter, load_filters
from bridge.filters.functions import FUNCTIONS
from bridge.filters.sqltext import MAX_DEPTH, MAX_LENGTH

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")
SECTION = TEXT.split("## Functions")[1].split("\n## ")[0]
ROWS = [line.split("|")[1:4] for line in SECTION.splitlines() if line.startswith("| `")]


def schemas() -> list[Schema]:
    store = open_store()
    return [store.by_name(name) for name in ("ztf/4.02", "ztf/3.3", "lsst/10.0", "voevent/1.0")]


def test_documented_functions_are_those_that_there_are() -> None:
    documented = {name for row in ROWS for name in re.findall(r"`(\w+)\(", row[0])}
    assert documented == set(FUNCTIONS)
    assert len(ROWS) == len(FUNCTIONS)


def test_documented_arguments_are_accepted() -> None:
    for names, _, _ in ROWS:
        for name, arguments in re.findall(r"`(\w+)\(([^)]*)\)`", names):
            assert FUNCTIONS[name].accepts(len(arguments.replace(", ...", "").split(",")))


@pytest.mark.usefixtures("lsst_distribution")
@pytest.mark.no_cover
def test_examples_compile_on_a_survey_s_schema() -> None:
    examples = [re.search(r"`(.+)`", row[2]) for row in ROWS]
    texts = [match[1] for match in examples if match] + re.findall(r"```sql\n(.+?)```", TEXT, re.DOTALL)
    assert len(texts) == len(ROWS) + 2
    known = schemas()
    for text in texts:
        refusals = []
        for schema in known:
            try:
                Filter(text).compile(schema)
            except ExpressionError as refusal:
                refusals.append(str(refusal))
        assert len(refusals) < len(known), refusals


@pytest.mark.no_cover
def test_documented_places_of_a_voevent_can_be_filtered() -> None:
    table = TEXT.split("\n## VOEvents")[1].split("\n## ")[0]
    paths = [
        text for line in table.splitlines() if line.startswith("| ") for text in re.findall(r"`(.+?)`", line)
    ]
    assert len(paths) == 8
    schema = open_store().by_name("voevent/1.0")
    for path in paths:
        Filter(path if re.search(r"[<>=]|LIKE", path) else f"{path} = 1").compile(schema)


def test_documented_file_of_filters_is_one(tmp_path: Path) -> None:
    match = re.search(r"```toml\n(.+?)```", TEXT, re.DOTALL)
    assert match
    path = tmp_path / "filters.toml"
    path.write_text(match[1].replace("my_filters:interesting", "math:sqrt"))
    assert load_filters(path).names == ("bright-transient", "mine")


def test_documented_limits_are_those_in_force() -> None:
    assert f"{MAX_LENGTH:,} characters and {MAX_DEPTH} levels" in TEXT
