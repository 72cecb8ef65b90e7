"""Each rule is broken by one small change to a packet about which there was nothing to say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packets import GOOD, RICH_21, changed

from bridge.validate import RULES, validate

LONG = "x" * 100_000
PARAM = '<Param name="z" value="1"/>'

# Rule, what is written instead of what, and words of the message.
BREACHES = [
    ("xml", [("<Who>", "<Who")], "."),
    ("xml", [("<?xml", " <?xml")], "start"),
    ("version", [("v2.0", "v3.0"), ('"2.0"', '"3.0"')], "version 3.0"),
    ("version", [('version="2.0"', 'version="2.1"')], "'2.1' and its namespace is of 2.0"),
    ("old-version", [("v2.0", "v1.1"), ('version="2.0"', 'version="1.1"')], "1.1"),
    ("new-version", [("v2.0", "v2.1"), ('version="2.0"', 'version="2.1"')], "2.1"),
    ("entity", [("<voe:", '<!DOCTYPE x [<!ENTITY e "text">]><voe:'), ("<TD>g", "<TD>&e;")], "&e;"),
    ("size", [("<TD>g", f"<TD>{LONG}")], "10"),
    ("schema", [("<Data>", "<Rows>"), ("</Data>", "</Rows>")], "Rows may not stand here."),
    ("schema", [('dataType="float"', 'datatype="float"')], "dataType is meant"),
    ("schema", [("<TR>", "// <TR>")], "There is text between the elements ('//')"),
    ("schema", [('role="test"', 'role="rumour"')], "'rumour' is not one of observation, prediction,"),
    ("schema", [("<C1>12.5", "<C1>nan")], "'nan' is not a number"),
    ("schema", [("<Error2Radius>0.001</Error2Radius>", "")], "lacks something (expected: "),
    ("schema", [("Date>2026-11-21T00:00:00", "Date>2026-11-21T23:59:60")], "not a date and time"),
    ("schema", [('uri="https://example.org/telescope"', "")], "has no uri"),
    ("role", [(' role="test"', "")], "no role"),
    ("ivorn", [("ivo://example.org/stream#1", "http://example.org/stream#1")], "http:"),
    ("ivorn", [("stream#1", "stream")], "names no event"),
    ("ivorn-portable", [("stream#1", "stream#a(1)")], "(1)"),
    ("author", [("<AuthorIVORN>ivo://example.org</AuthorIVORN>", "")], "neither"),
    ("date", [("00:00:00</Date>", "00:00:00+02:00</Date>")], "not UTC"),
    ("date", [("<Date>2026-11-21T00:00:00</Date>", "")], "no Date"),
    ("cited", [(">ivo://example.org/stream#0<", "><")], "empty"),
    ("cited", [(">ivo://example.org/stream#0<", ">yesterday's<")], "not an IVORN"),
    ("cited", [(">ivo://example.org/stream#0<", ">ivo://example.org/stream#1<")], "itself"),
    ("cite", [(' cite="followup"', "")], "cite"),
    ("reference", [("https://example.org/telescope", " ")], "empty uri"),
    ("name", [(' name="field"', "")], "no name"),
    ("name", [(' name="band"', "")], "Field"),
    ("name", [("<Group", f"<Group>{PARAM}</Group><Group"), ('<Group name="identity"', "<Group")], "Group"),
    ("name-repeated", [("<Group", '<Param name="mag" value="1"/><Group')], "'mag'"),
    ("name-repeated", [("<Table", f'<Group name="identity">{PARAM}</Group><Table')], "'identity'"),
    ("value-type", [('value="7"', 'value="7.5"')], "'7.5' is not an int"),
    ("value-type", [('value="18.5"', 'value=""')], "'' is not a float"),
    ("value-type", [("2461365.5", "yesterday")], "as 'jd' is"),
    ("value-missing", [("<Value>SN</Value>", "")], "'name' has no value"),
    ("value-twice", [('<Param name="name"', '<Param name="name" value="II"')], "'II' and Value says 'SN'"),
    ("table-width", [("<TD>r</TD>", "")], "1 cells, and there are 2"),
    ("data-type", [(' ucd="phot.mag" dataType="float"', "")], "'18.5' in mag"),
    ("ucd", [("phot.mag", "phot.brightness")], "phot.brightness"),
    ("unit", [('unit="mag"', 'unit="magnitudes"')], "magnitudes"),
    ("coordinate", [("12.5", "400")], "400, -45.25"),
    ("coordinate", [("-45.25", "-91")], "-91"),
    ("coordinate", [("-45.25", "-90.0000001")], "12.5, -90.0000001."),
    ("position-unknown", [("12.5", "0"), ("-45.25", "0"), ("0.001", "0")], "0, 0"),
    ("error-radius", [("0.001", "-1")], "-1"),
    ("error-radius", [("<Error>30", "<Error>NaN")], "NaN"),
    ("coord-system", [('<AstroCoordSystem id="UTC', '<AstroCoordSystem id="TT')], "TT-ICRS-TOPO"),
    ("time", [("2026-11-20T23:59:59.5", "2014-00-00T14:24:55.31")], "2014-00-00"),
    ("time", [("2026-11-20T23:59:59.5", "")], "empty"),
    ("time", [("2026-11-20T23:59:59.5", "2026-11-20T23:59:59.5-07:00")], "readers do not look at the zone"),
    ("importance", [('importance="0.5"', 'importance="5"')], "5"),
]  # fmt: skip


def test_about_a_good_packet_there_is_nothing_to_say() -> None:
    verdict = validate(GOOD.encode())
    assert verdict.findings == ()
    assert (verdict.ivorn, verdict.version) == ("ivo://example.org/stream#1", "2.0")
    assert verdict.passes(strict=True)


@pytest.mark.parametrize(
    ("rule", "changes", "words"), BREACHES, ids=[f"{b[0]}-{i}" for i, b in enumerate(BREACHES)]
)
def test_a_breach_is_found_and_named(rule: str, changes: list[tuple[str, str]], words: str) -> None:
    verdict = validate(changed(GOOD, *changes))
    found = [finding for finding in verdict.findings if finding.rule.id == rule]
    assert len(found) == 1, verdict.findings
    assert words in found[0].message
    # One fault is one finding: what follows from it is not reported again.
    graver = [
        each.rule.id for each in verdict.findings if each.rule.severity == "error" and each.rule.id != rule
    ]
    assert not graver
    assert verdict.passes() == (RULES[rule].severity != "error")


def test_every_rule_can_be_broken() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(RULES)


def test_a_finding_names_line_and_path() -> None:
    (finding,) = validate(changed(GOOD, ("<TD>r</TD>", ""))).findings
    assert finding.line == 8
    assert finding.path == "/voe:VOEvent/What/Table/Data/TR[2]"


def test_the_leap_second_of_an_event_is_a_time() -> None:
    assert validate(changed(GOOD, ("2026-11-20T23:59:59.5", "2016-12-31T23:59:60.5"))).findings == ()


def test_a_radius_that_is_not_known_is_said_to_be_nan() -> None:
    assert validate(changed(GOOD, ("0.001", "NaN"))).findings == ()


def test_what_lxml_says_to_programmers_is_left_out() -> None:
    deep = "<Group>" * 300 + "</Group>" * 300
    (finding,) = validate(changed(GOOD, ("<Table", f"{deep}<Table"))).findings
    assert finding.rule.id == "xml"
    assert finding.message.startswith("Excessive depth in document: 256, line ")


def test_a_packet_in_utf_16_is_judged_as_any_other() -> None:
    declared = GOOD.replace('encoding="UTF-8"', 'encoding="UTF-16"')
    assert validate(declared.encode("utf-16")).findings == ()


def test_rules_can_be_left_out() -> None:
    xml = changed(GOOD, ('value="7"', 'value="x"'), (' role="test"', ""))
    assert [each.rule.id for each in validate(xml).findings] == ["role", "value-type"]
    assert [each.rule.id for each in validate(xml, ignore={"role"}).findings] == ["value-type"]


def test_all_that_is_new_in_2_1_is_valid_there() -> None:
    assert {each.rule.id for each in validate(RICH_21.encode()).findings} == {"new-version", "ivorn-portable"}


def test_an_entity_bomb_is_refused_at_once() -> None:
    bomb = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 20}">' for i in range(1, 12))
    xml = changed(GOOD, ("<voe:", f'<!DOCTYPE x [<!ENTITY e0 "ha">{bomb}]><voe:'), ("<TD>g", "<TD>&e11;"))
    assert not validate(xml).passes()


def test_the_page_names_every_rule_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "validate.md").read_text()
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (\w+) \|", page, re.MULTILINE))
    assert rows == {rule.id: rule.severity for rule in RULES.values()}
    for rule in RULES.values():
        assert rule.why in page, rule.id
        assert rule.remedy in page, rule.id
