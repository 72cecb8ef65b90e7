"""Findings counted: by severity, and by rule."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bridge.validate.finding import SEVERITIES
from bridge.validate.validate import RULES, Verdict

__all__ = ["Summary"]


class Summary:
    """Counts what comes by.

    Parameters
    ----------
    strict
        Whether a warning fails a packet.

    Attributes
    ----------
    packets, failed
        Packets seen, and those that did not pass.
    findings, affected
        By the id of a rule: its findings, and the packets that have any.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.packets = 0
        self.failed = 0
        self.findings: Counter[str] = Counter()
        self.affected: Counter[str] = Counter()

    def add(self, verdict: Verdict) -> None:
        """Count a packet."""
        self.packets += 1
        self.failed += not verdict.passes(strict=self.strict)
        ids = [finding.rule.id for finding in verdict.findings]
        self.findings.update(ids)
        self.affected.update(set(ids))

    def total(self, severity: str) -> int:
        """Findings of a severity."""
        return sum(n for rule, n in self.findings.items() if RULES[rule].severity == severity)

    def rules(self) -> list[str]:
        """Ids of the rules that were broken: the gravest first, then the most frequent."""
        return sorted(
            self.findings,
            key=lambda rule: (SEVERITIES.index(RULES[rule].severity), -self.findings[rule], rule),
        )

    def document(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "packets": self.packets,
            "failed": self.failed,
            "strict": self.strict,
            **{severity: self.total(severity) for severity in SEVERITIES},
            "rules": {
                rule: {"findings": self.findings[rule], "packets": self.affected[rule]}
                for rule in self.rules()
            },
        }
