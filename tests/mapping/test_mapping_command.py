"""The command ``mapping``: what a user types and sees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.cli.mapping import command
from bridge.errors import UsageError
from bridge.resources import schemas_folder

SCHEMA = str(schemas_folder() / "ztf" / "4.02.avsc")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


def test_list_names_the_mappings() -> None:
    rows = json.loads(run("list", "--json").stdout)

    names = {kind: [row["name"] for row in rows if row["reads"] == kind] for kind in ("alerts", "documents")}
    assert names["alerts"] == ["fink-lsst", "fink-ztf", "lsst", "lsst-v7", "ztf", "generic"]
    assert names["documents"] == ["antares", "gcn-notice", "hermes", "igwn-gwalert", "lasair", "generic-json"]
    assert rows[-1]["name"] == "generic-json"
    assert "ztf" in run("list").stdout


def test_show_gives_the_file_or_the_code() -> None:
    assert 'title = "ZTF alert"' in run("show", "ztf").stdout
    assert "def translate(packet, date, cites):" in run("show", "ztf", "--schema", SCHEMA).stdout
    assert json.loads(run("show", "ztf", "--json").stdout)["mapping"] == "ztf"
    assert "candidate.jd" in json.loads(run("show", "ztf", "--schema", SCHEMA, "--json").stdout)["paths"]


def test_check_finds_nothing_wrong_with_the_packaged_mapping() -> None:
    result = run("check", "ztf", "--schema", SCHEMA)

    assert result.return_value == 0
    assert "errors: 0" in result.stderr


def test_check_names_each_fault_and_fails(tmp_path: Path) -> None:
    text = (
        run("show", "ztf")
        .stdout.replace("magpsf = {", "magpfs = {", 1)
        .replace('unit = "mag"', 'unit = "mags"', 1)
    )
    mine = tmp_path / "mine.toml"
    mine.write_text(text)
    result = run("check", str(mine), "--schema", SCHEMA, "--json")
    document = json.loads(result.stdout)

    assert result.return_value == 1
    assert document["errors"] == 2
    messages = " ".join(fault["message"] for fault in document["faults"])
    assert "'candidate.magpfs' is unknown" in messages
    assert "'candidate.magpsf'" in messages
    assert "'mags'" in messages


def test_new_drafts_a_mapping_that_passes_the_check_and_is_not_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    run("new", SCHEMA, "-o", str(mine))

    assert run("check", str(mine), "--schema", SCHEMA).return_value == 0
    assert isinstance(run("new", SCHEMA, "-o", str(mine)).exception, UsageError)
    assert "CHANGE" in run("new", SCHEMA).stdout


@pytest.mark.no_cover
def test_without_astropy_it_is_said_once_that_words_were_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.mapping.check.vocabulary_checkers", lambda: None)
    result = run("check")
    assert result.stdout.count("They were not checked: that needs astropy") == 1
    assert result.return_value == 0
    faults = json.loads(run("check", "--json").stdout)["faults"]
    assert [fault["where"] for fault in faults if fault["mapping"] == "all"] == ["UCDs and units"]
