"""A first mapping is made of whatever shows what there is, and works before it is edited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bridge.alerts.packet import Document, Origin
from bridge.cli.mapping import command
from bridge.errors import SchemaError
from bridge.mapping import TranslateOptions
from bridge.mapping.check import check_documents
from bridge.mapping.documents import document_translator, notice_of_document, write_notice_scaffold
from bridge.mapping.documents.notice import Notice
from bridge.mapping.draft import draft_mapping
from bridge.mapping.load import parse_mapping
from bridge.mapping.model import Mapping

NOTICE = {
    "$schema": "https://example.org/schemas/v1.2/burst.schema.json",
    "alert_id": "B 7",
    "where": {"ra": 10.5, "dec": -3.25},
    "seen_time": "2026-01-02T03:04:05Z",
    "snr": 7.5,
    "bands": ["g", "r"],
}

NAMES = st.text(max_size=6) | st.sampled_from(
    ["id", "ra", "dec", "time", "mjd", "a.b", "x[0]", "$schema", "t'"]
)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def notice_of(content: dict[str, Any]) -> Notice:
    return notice_of_document(Document(json.dumps(content).encode(), "json", Origin("notice", 0)))


def drafted(notice: Notice) -> Mapping:
    return parse_mapping(write_notice_scaffold(notice), key="mine", filename="mine.toml")


def errors(mapping: Mapping, notice: Notice) -> list[str]:
    return [fault.message for fault in check_documents(mapping, [notice]) if fault.level == "error"]


def test_a_notice_gives_a_mapping_for_notices_like_it(tmp_path: Path) -> None:
    path, mine = tmp_path / "notice.json", tmp_path / "mine.toml"
    path.write_text(json.dumps(NOTICE))
    done = CliRunner().invoke(command, ["new", str(path), "-o", str(mine)])
    assert done.exit_code == 0
    assert "notices of this kind had 'generic-json' so far" in done.stderr
    text = mine.read_text()
    assert r"schema_url = 'https://example\.org/schemas/v[0-9.]+/burst\.schema\.json'" in text
    assert 'ra = "where.ra"' in text
    mapping = parse_mapping(text, key="mine", filename=str(mine))
    event = document_translator(mapping, TranslateOptions())(notice_of(NOTICE), date="2026-01-02T03:05:00")
    for part in (b"<C1>10.5</C1>", b"2026-01-02T03:04:05", b'value="7.5"', b"notices#B%207-", b"bands"):
        assert part in event.xml, part
    assert CliRunner().invoke(command, ["new", str(path)], standalone_mode=False).stdout == text
    assert CliRunner().invoke(command, ["new", str(path), "-o", "-"], standalone_mode=False).stdout == text


def test_real_notices_become_voevents_by_their_drafts(shared_data: Path) -> None:
    for path in sorted((shared_data / "notices").glob("*.json")):
        notice = notice_of_document(Document(path.read_bytes(), "json", Origin(str(path), 0)))
        mapping = drafted(notice)
        assert not [fault for fault in check_documents(mapping, [notice]) if fault.level == "error"], (
            path.name
        )
        assert mapping.place.ra or "ra" not in notice.content


def test_a_time_in_numbers_is_told_by_its_size_and_without_one_it_is_said() -> None:
    assert drafted(notice_of({"jd_start": 2_460_000.5})).instants[0].scale == "jd_utc"
    assert drafted(notice_of({"start_mjd": 60_000.5})).instants[0].scale == "mjd_utc"
    assert "nothing here looks like a time" in write_notice_scaffold(notice_of({"x": 1}))


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5))
def test_whatever_a_notice_holds_its_draft_can_be_read_and_finds_each_value(content: dict[str, Any]) -> None:
    notice = notice_of({**content, "id": 1})
    faults = check_documents(drafted(notice), [notice])
    assert not [fault.message for fault in faults if fault.message.startswith("None of the ")]


@pytest.mark.parametrize("content", ["<VOEvent/>", "hello", "[1, 2]", '{"type": "record"}', ""])
def test_what_shows_nothing_is_said_to(content: str, tmp_path: Path) -> None:
    path = tmp_path / "example"
    path.write_text(content)
    with pytest.raises(SchemaError):
        draft_mapping(path)
