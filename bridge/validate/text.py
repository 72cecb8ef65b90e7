"""Findings for a person at a terminal: packet by packet, then the rules with their remedies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.text import Text

from bridge.validate.finding import SEVERITIES, Finding, Severity
from bridge.validate.inputs import Checked
from bridge.validate.summary import Summary
from bridge.validate.validate import RULES
from bridge.wording import counted

__all__ = ["packet_lines", "summary_lines"]

_STYLES = {"error": "bold red", "warning": "yellow", "advice": "cyan"}


def packet_lines(checked: Checked, level: Severity) -> Iterator[Text]:
    """Lines about one packet; none where there is nothing of that level or graver.

    Many findings of one rule are one line, with the first of them.
    """
    shown = [
        finding
        for finding in checked.verdict.findings
        if SEVERITIES.index(finding.rule.severity) <= SEVERITIES.index(level)
    ]
    if not shown:
        return
    verdict = checked.verdict
    head = Text(_printable(checked.name), "bold")
    head.append(f"  {_printable(verdict.ivorn)}  {verdict.version}".rstrip(), "dim")
    yield head
    shown.sort(key=lambda finding: (SEVERITIES.index(finding.rule.severity), finding.rule.id))
    for _, group in groupby(shown, key=lambda finding: finding.rule.id):
        yield _line(list(group))


def _line(findings: list[Finding]) -> Text:
    first = findings[0]
    line = Text("  ")
    line.append(f"{first.rule.severity:8}", _STYLES[first.rule.severity])
    line.append(f"{first.rule.id:17}", "bold")
    line.append(f"line {first.line}: {_printable(first.message)}")
    if len(findings) > 1:
        line.append(f" And {len(findings) - 1} more.")
    if first.path:
        line.append(f" [{_printable(first.path)}]", "dim")
    return line


def summary_lines(summary: Summary, *, words_checked: bool, level: Severity) -> Iterator[Text]:
    """The counts, and for each rule that was broken why it matters and what to do."""
    if summary.findings:
        yield Text()
    for rule_id in summary.rules():
        rule = RULES[rule_id]
        line = Text(f"{summary.findings[rule_id]:8,} ")
        line.append(f"{rule.severity:8}", _STYLES[rule.severity])
        line.append(f"{rule.id:17}", "bold")
        line.append(f"in {counted(summary.affected[rule_id], 'packet')}. {rule.why} ")
        line.append(f"Remedy: {rule.remedy}", "dim")
        yield line
    yield Text()
    passed = summary.packets - summary.failed
    errors, warnings, advice = (summary.total(severity) for severity in SEVERITIES)
    verdict = Text(f"{counted(summary.packets, 'packet')}: ")
    verdict.append(f"{passed:,} pass", "green" if passed == summary.packets else "")
    verdict.append(", ")
    verdict.append(f"{summary.failed:,} fail", "bold red" if summary.failed else "")
    advised = f"{counted(advice, 'piece')} of advice"
    verdict.append(f"; {counted(errors, 'error')}, {counted(warnings, 'warning')}, {advised}.")
    if level != "advice" and advice:
        verdict.append(" --level advice shows these packet by packet.", "dim")
    yield verdict
    if not words_checked:
        yield Text("UCDs and units were not checked: that needs astropy (pip install astropy).", "yellow")


def _printable(text: str) -> str:
    """What a stranger's packet says must not steer the terminal."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
