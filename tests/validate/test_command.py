"""``voevent-bridge validate`` as people and programs use it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import fastavro
import pytest
from click.testing import CliRunner, Result
from fastavro.schema import parse_schema
from lxml import etree
from packets import GOOD, changed

from bridge.alerts.store import SchemaStore
from bridge.cli import main, root
from bridge.validate import RULES, check_inputs
from bridge.validate.summary import Summary
from bridge.voevent.avro import decode_record, schema_text
from bridge.voevent.model import VOEvent


@pytest.fixture
def packets(tmp_path: Path) -> Path:
    folder = tmp_path / "packets"
    folder.mkdir()
    (folder / "a-good.xml").write_text(GOOD)
    (folder / "b-warned.xml").write_bytes(changed(GOOD, ("<TD>r</TD>", "")))
    (folder / "c-wrong.xml").write_bytes(changed(GOOD, ("<Data>", "<Rows>"), ("</Data>", "</Rows>")))
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(root, ["validate", *args], catch_exceptions=False, standalone_mode=False)


def test_a_person_reads_what_is_wrong_where_and_what_to_do(packets: Path) -> None:
    result = run(str(packets))
    assert result.return_value == 1
    assert "b-warned.xml" in result.stdout
    assert (
        "line 8: It has 1 cells, and there are 2 Fields. [/voe:VOEvent/What/Table/Data/TR[2]]"
        in result.stdout
    )
    assert "Rows may not stand here" in result.stdout
    assert "a-good.xml" not in result.stdout
    assert f"Remedy: {RULES['table-width'].remedy}" in result.stdout
    assert "3 packets: 2 pass, 1 fail; 1 error, 1 warning" in result.stdout


def test_the_exit_status_says_whether_all_pass(packets: Path) -> None:
    assert run(str(packets / "a-good.xml")).return_value == 0
    assert run(str(packets / "b-warned.xml")).return_value == 0
    assert run(str(packets / "b-warned.xml"), "--strict").return_value == 1
    assert run(str(packets / "b-warned.xml"), "--strict", "--ignore", "table-width").return_value == 0


def test_json_has_all_findings(packets: Path) -> None:
    document = json.loads(run(str(packets), "--json").stdout)
    assert (document["packets"], document["failed"], document["error"], document["warning"]) == (3, 1, 1, 1)
    good, warned, wrong = document["results"]
    assert good["findings"] == []
    assert warned["findings"][0]["rule"] == "table-width"
    assert warned["findings"][0]["path"].endswith("TR[2]")
    assert wrong["ivorn"] == "ivo://example.org/stream#1"
    assert document["rules"]["schema"] == {"findings": 1, "packets": 1}


def test_sarif_points_at_lines(packets: Path, tmp_path: Path) -> None:
    run(str(packets), "--sarif", str(tmp_path / "out.sarif"))
    log = json.loads((tmp_path / "out.sarif").read_text())
    assert log["version"] == "2.1.0"
    (batch,) = log["runs"]
    rules = [rule["id"] for rule in batch["tool"]["driver"]["rules"]]
    assert [(each["ruleId"], each["level"]) for each in batch["results"]] == [
        ("table-width", "warning"),
        ("schema", "error"),
    ]
    for each in batch["results"]:
        assert rules[each["ruleIndex"]] == each["ruleId"]
    place = batch["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 8}
    assert place["artifactLocation"]["uri"].endswith("b-warned.xml")


def test_junit_has_a_case_for_each_packet(packets: Path, tmp_path: Path) -> None:
    run(str(packets), "--junit", str(tmp_path / "out.xml"), "--strict")
    suite = etree.parse(tmp_path / "out.xml").find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert [len(case) for case in suite] == [0, 1, 1]


def test_what_is_no_voevent_is_named_as_what_it_is(tmp_path: Path) -> None:
    (tmp_path / "notice.json").write_text('{"event": 1}')
    (tmp_path / "page.xml").write_text("<html/>")
    result = run(str(tmp_path), "--json")
    messages = [each["findings"][0]["message"] for each in json.loads(result.stdout)["results"]]
    assert messages == ["It is a JSON document.", "Its root is html, not VOEvent."]
    assert result.return_value == 1


def test_a_voevent_in_avro_or_json_is_judged_as_the_xml_that_it_is(tmp_path: Path) -> None:
    wrong = VOEvent.parse(changed(GOOD, ('value="7"', 'value="7.5"')))
    (tmp_path / "a.json").write_bytes(wrong.to_json())
    with (tmp_path / "b.avro").open("wb") as file:
        schema = parse_schema(json.loads(schema_text()))
        fastavro.writer(file, schema, [decode_record(wrong.to_avro())])
    (tmp_path / "c.json").write_bytes(wrong.to_json().replace(b'"decimals":1', b'"decimals":999'))
    result = run(str(tmp_path), "--json")
    found = [each["findings"][0] for each in json.loads(result.stdout)["results"]]
    assert [each["rule"] for each in found] == ["value-type", "value-type", "xml"]
    assert found[2]["message"] == "It cannot be read: a number asks for 999 decimals; 0 to 30 are possible."


def test_a_packet_cannot_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "bad.xml").write_bytes(changed(GOOD, ("#1", "#\N{RIGHT-TO-LEFT OVERRIDE}&#x9b;31m")))
    out = run(str(tmp_path / "bad.xml")).stdout
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in out
    assert "\x9b" not in out


def test_an_unknown_rule_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["validate", "--ignore", "no-such-rule", "x"])
    assert end.value.code == 2
    assert "There is no rule 'no-such-rule'" in capsys.readouterr().err


def test_a_missing_file_is_a_packet_that_fails_in_every_report(tmp_path: Path) -> None:
    (tmp_path / "good.xml").write_text(GOOD)
    missing, good, report = (str(tmp_path / name) for name in ("none.xml", "good.xml", "report.xml"))
    result = run(missing, good, "--json", "--junit", report)
    document = json.loads(result.stdout)
    assert (result.return_value, document["packets"], document["failed"]) == (1, 2, 1)
    assert "No such file or directory" in document["results"][0]["findings"][0]["message"]
    assert "No such file or directory" in Path(report).read_text()


@pytest.mark.no_cover
def test_the_page_counts_the_real_packets_as_the_command_does(shared_data: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "validate.md").read_text()
    rows = re.findall(r"^\| ([a-z-]+) \| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
    said = {rule: {"findings": number(one), "packets": number(other)} for rule, one, other in rows}
    summary = Summary()
    store = SchemaStore()
    for checked in check_inputs([str(shared_data / "voevents" / "sample-2014-2016.tar.gz")], store):
        summary.add(checked.verdict)
    assert summary.document()["rules"] == said
    assert f"{summary.packets - summary.failed:,} pass, {summary.failed} fail" in page


def number(text: str) -> int:
    return int(text.replace(",", ""))
