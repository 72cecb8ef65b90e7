"""The documents on mappings tell the truth: tables as mappings and schemas have them, a valid example."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bridge.alerts.schema import parse_schema
from bridge.mapping import load_mapping
from bridge.mapping.convert import CONVERSIONS
from bridge.mapping.load import parse_mapping
from bridge.mapping.times import SCALES
from bridge.resources import schemas_folder

DOCS = Path(__file__).resolve().parents[2] / "docs"
ALERTS = (DOCS / "alert-to-voevent.md").read_text(encoding="utf-8")
MAPPINGS = (DOCS / "mappings.md").read_text(encoding="utf-8")


def chapter(title: str) -> str:
    return ALERTS.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(text: str, head: str) -> dict[str, str]:
    """First and second column of the table under a heading line."""
    rows = text.split(f"| {head} |")[1].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]
    return {row[0].strip("` "): row[1].rstrip(" |") for row in cells}


@pytest.mark.parametrize(
    ("title", "files"),
    [("ZTF", ["ztf/3.3.avsc", "ztf/4.02.avsc"]), ("Rubin/LSST", ["lsst/10.0.avsc", "lsst/11.1.avsc"])],
)
def test_every_part_of_an_alert_is_in_the_table(title: str, files: list[str]) -> None:
    parts = set()
    for name in files:
        schema = parse_schema((schemas_folder() / name).read_text(encoding="utf-8"))
        parts |= set(schema.root.fields)

    assert set(table(chapter(title), "part of the alert")) == parts


@pytest.mark.parametrize(("title", "key"), [("ZTF", "ztf"), ("Rubin/LSST", "lsst")])
def test_groups_and_reasons_are_those_of_the_mapping(title: str, key: str) -> None:
    mapping = load_mapping(key)
    text = chapter(title)

    assert table(text, "Group") == {group.name: group.about for group in mapping.groups}
    assert table(text, "not in the packet") == mapping.left_out
    named = set(re.findall(r"(?:Group|Table|Tables|and) `([a-z_0-9]+)`", text))
    assert named <= {g.name for g in mapping.groups} | {t.name for t in mapping.tables}


def test_the_example_is_a_mapping() -> None:
    text = MAPPINGS.split("```toml\n")[1].split("```")[0]

    assert parse_mapping(text, key="example").title == "Alerts of the Example survey"


def test_all_conversions_and_scales_are_named() -> None:
    assert table(MAPPINGS, "`convert`") == {name: item.about for name, item in CONVERSIONS.items()}
    assert all(f"`{name}`" in MAPPINGS for name in SCALES)
