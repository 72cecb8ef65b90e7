"""Notices at the command line: shown, listed, checked, converted, refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from calling import Outcome, call
from gw_alerts import gw_alert, in_avro, sky_map

from bridge.alerts.ocf_write import frame_ocf
from bridge.alerts.store import SchemaStore
from bridge.inspect.document import report_value
from bridge.inspect.reading import inspect_path

Run = Callable[..., Outcome]


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Run:
    return lambda *words: call(capsysbinary, *words)


def test_inspect_shows_each_of_gcn_s_notices(shared_data: Path) -> None:
    for path in sorted((shared_data / "notices").glob("*.json")):
        report = inspect_path(str(path), store=SchemaStore())
        content = json.loads(path.read_bytes())
        assert report.kind == "notice"
        assert report.title.startswith("GCN notice in the unified schema: ")
        assert (report.position is not None) == ("ra" in content or "data" in content)
        assert "mapping gcn-notice" in report.notes[-1]
        said = json.dumps(report_value(report))
        texts = [value for value in content.values() if isinstance(value, str)]
        assert [text for text in texts if text not in said] == []


def test_inspect_shows_a_gravitational_wave_in_either_format(tmp_path: Path, run: Run) -> None:
    (tmp_path / "alert.json").write_text(json.dumps(gw_alert("INITIAL")))
    packet = in_avro(gw_alert("INITIAL"))
    (tmp_path / "alert.avro").write_bytes(frame_ocf(packet))
    shown = [run("inspect", tmp_path / name) for name in ("alert.json", "alert.avro")]
    for outcome in shown:
        assert outcome.status == 0
        text = outcome.out.decode()
        assert "Gravitational-wave alert of LIGO, Virgo and KAGRA: MS181101ab" in text
        assert "This is a test" in text
        assert "HasRemnant" in text


def test_inspect_says_why_a_document_cannot_be_shown(tmp_path: Path, run: Run) -> None:
    (tmp_path / "x.json").write_text("{}")
    outcome = run("inspect", tmp_path / "x.json")
    assert (outcome.status, outcome.out) == (1, b"")
    assert "x.json cannot be shown: it has no position by any name" in outcome.err


def test_convert_saves_sky_maps_and_keeps_what_it_refuses(tmp_path: Path, run: Run) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "a.json").write_text(json.dumps(gw_alert("INITIAL")))
    (source / "b.json").write_text("[1]")
    (source / "c.avro").write_bytes(frame_ocf(in_avro(gw_alert("UPDATE"))))
    outcome: Outcome = run(
        *("convert", source, "-o", tmp_path / "out", "--cutouts", tmp_path / "maps", "--json"),
        *("--cutouts-url", "https://example.org/m", "--dead-letters", tmp_path / "dead"),
    )
    assert outcome.status == 1
    assert (json.loads(outcome.out)["written"], json.loads(outcome.out)["refused"]) == (2, 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "gwnet_LVC+MS181101ab-1-Initial.xml",
        "gwnet_LVC+MS181101ab-2-Update.xml",
    ]
    assert [path.read_bytes() == sky_map() for path in (tmp_path / "maps").iterdir()] == [True, True]
    (letter,) = (tmp_path / "dead").glob("*.json")
    assert "it is an array in JSON" in letter.read_text()


def test_a_sky_map_s_url_without_a_folder_is_a_wrong_option(tmp_path: Path, run: Run) -> None:
    (tmp_path / "a.json").write_text("{}")
    outcome = run("convert", tmp_path / "a.json", "--cutouts", "embed", "--cutouts-url", "https://x.org/m")
    assert outcome.status == 2
    assert "go with a folder" in outcome.err.replace("\n", " ")


def test_mapping_list_says_what_a_mapping_reads_and_claims(run: Run) -> None:
    rows = {row["name"]: row for row in json.loads(run("mapping", "list", "--json").out)}
    assert rows["igwn-gwalert"]["reads"] == "documents"
    assert rows["ztf"]["reads"] == "alerts"
    assert b"igwn" in run("mapping", "list").out


def test_mapping_check_tries_notices(tmp_path: Path, shared_data: Path, run: Run) -> None:
    path = shared_data / "notices" / "boom-alert.json"
    outcome = run("mapping", "check", "gcn-notice", "--notice", path, "--json")
    assert (outcome.status, json.loads(outcome.out)["errors"]) == (0, 0)
    assert run("mapping", "check", "lasair", "--notice", path).status == 1
    (tmp_path / "no.json").write_text("{")
    wrong = run("mapping", "check", "--notice", tmp_path / "no.json")
    assert (wrong.status, "it is not JSON" in wrong.err) == (2, True)
    missing = run("mapping", "check", "--notice", tmp_path / "none.json")
    assert (missing.status, "cannot be read" in missing.err) == (2, True)


def test_a_mapping_for_documents_has_no_compiled_translator_to_show(shared_data: Path, run: Run) -> None:
    alert = next((shared_data / "alerts").glob("ztf-*.avro"))
    outcome = run("mapping", "show", "gcn-notice", "--schema", alert)
    assert outcome.status == 2
    assert "reads notices as a whole" in outcome.err.replace("\n", " ")
    assert run("mapping", "show", "gcn-notice").out.startswith(b"# GCN's unified JSON notices")
