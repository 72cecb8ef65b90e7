"""Findings for machines: our own JSON, SARIF 2.1.0 for code hosts, JUnit XML for test reports."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from lxml import etree

from bridge.validate.finding import Finding
from bridge.validate.inputs import Checked
from bridge.validate.summary import Summary
from bridge.validate.validate import RULES

__all__ = ["as_junit", "as_plain", "as_sarif"]

# Characters that XML 1.0 cannot hold.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEVELS = {"error": "error", "warning": "warning", "advice": "note"}


def as_plain(checked: Checked) -> dict[str, Any]:
    """One packet as plain data for JSON."""
    return {
        "file": _text(checked.origin.partition),
        "index": checked.origin.offset,
        "member": _text(checked.origin.member),
        "ivorn": _text(checked.verdict.ivorn),
        "version": checked.verdict.version,
        "findings": [
            {
                "rule": finding.rule.id,
                "severity": finding.rule.severity,
                "line": finding.line,
                "path": finding.path,
                "message": _text(finding.message),
                "remedy": finding.rule.remedy,
            }
            for finding in checked.verdict.findings
        ],
    }


def as_sarif(packets: Sequence[Checked], version: str) -> dict[str, Any]:
    """All findings as a SARIF 2.1.0 log (OASIS, 2020): one run, one result a finding.

    Parameters
    ----------
    packets
        What was checked.
    version
        Version of this program.
    """
    rules = sorted({finding.rule.id for checked in packets for finding in checked.verdict.findings})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "voevent-bridge",
                        "version": version,
                        "rules": [_sarif_rule(rule) for rule in rules],
                    }
                },
                "results": [
                    _sarif_result(checked, finding, rules)
                    for checked in packets
                    for finding in checked.verdict.findings
                ],
            }
        ],
    }


def _sarif_rule(rule_id: str) -> dict[str, Any]:
    rule = RULES[rule_id]
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.why},
        "help": {"text": f"{rule.remedy} ({rule.source})"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _sarif_result(checked: Checked, finding: Finding, rules: list[str]) -> dict[str, Any]:
    origin = checked.origin
    inside = f" In {origin.member}." if origin.member else ""
    place: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(origin.partition, safe="/:", errors="surrogateescape")},
            # A member of an archive has lines of its own, and the archive none.
            **({} if origin.member else {"region": {"startLine": finding.line}}),
        }
    }
    names = [name for name in (origin.member, finding.path) if name]
    if names:
        place["logicalLocations"] = [{"fullyQualifiedName": _text(" ".join(names))}]
    return {
        "ruleId": finding.rule.id,
        "ruleIndex": rules.index(finding.rule.id),
        "level": _LEVELS[finding.rule.severity],
        "message": {"text": _text(f"{finding.message}{inside} Remedy: {finding.rule.remedy}")},
        "locations": [place],
    }


def as_junit(packets: Sequence[Checked], summary: Summary) -> bytes:
    """All packets as JUnit XML: a test case each, failed where the packet does not pass."""
    attributes = {
        "name": "voevent-bridge validate",
        "tests": str(summary.packets),
        "failures": str(summary.failed),
    }
    root = etree.Element("testsuites", attributes)
    suite = etree.SubElement(root, "testsuite", attributes)
    for checked in packets:
        verdict = checked.verdict
        name = verdict.ivorn or checked.origin.member or f"packet {checked.origin.offset}"
        case = etree.SubElement(
            suite, "testcase", {"classname": _xml_text(checked.name), "name": _xml_text(name)}
        )
        lines = [str(finding) for finding in verdict.findings]
        if not verdict.passes(strict=summary.strict):
            grave = next(line for line in lines if not line.startswith("advice"))
            failure = etree.SubElement(case, "failure", {"message": _xml_text(grave)})
            failure.text = _xml_text("\n".join(lines))
        elif lines:
            etree.SubElement(case, "system-out").text = _xml_text("\n".join(lines))
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _text(text: str) -> str:
    """Bytes of file names that are not UTF-8 are written as escapes, so that JSON can hold them."""
    return text.encode(errors="backslashreplace").decode()


def _xml_text(text: str) -> str:
    return _NOT_XML.sub("?", text)
