"""Validation of VOEvents 1.1, 2.0, 2.1: the XSD's verdict, and rules beyond it, each with its remedy."""

from __future__ import annotations

from bridge.validate.finding import SEVERITIES, Finding, Rule, Severity
from bridge.validate.inputs import Checked, check_inputs
from bridge.validate.validate import RULES, Verdict, validate

__all__ = [
    "RULES",
    "SEVERITIES",
    "Checked",
    "Finding",
    "Rule",
    "Severity",
    "Verdict",
    "check_inputs",
    "validate",
]
