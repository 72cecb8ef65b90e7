"""What ``--strict`` demands of a VOEvent, wherever it passes: validity, and the version that brokers take."""

from __future__ import annotations

from bridge.errors import PacketError
from bridge.validate import SEVERITIES, validate

__all__ = ["demand_valid"]


def demand_valid(xml: bytes) -> None:
    """Refuse a packet in which something is an error, or which is not of the version that brokers take.

    Raises
    ------
    PacketError
        With the gravest finding as its reason, and all of them in `PacketError.findings`.
    """
    verdict = validate(xml, words=False)
    if verdict.version in ("1.1", "2.1"):
        known = f"it is a VOEvent {verdict.version}; convert --to-version 2.0 makes one"
        raise PacketError(f"it is not a valid VOEvent 2.0 (line 1: {known})")
    findings = sorted(verdict.findings, key=lambda finding: SEVERITIES.index(finding.rule.severity))
    if not verdict.passes():
        first = findings[0]
        raise PacketError(
            f"it is not a valid VOEvent 2.0 (line {first.line}: {first.message.rstrip('.')})",
            findings=tuple(str(finding) for finding in findings),
        )
