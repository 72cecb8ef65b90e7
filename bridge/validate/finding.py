"""What a validator says: one finding, and the rule that it is an instance of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from lxml import etree

__all__ = ["SEVERITIES", "Check", "Context", "Finding", "Rule", "Severity", "found"]

Severity = Literal["error", "warning", "advice"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "advice")


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that is asked of a packet.

    Parameters
    ----------
    id
        Short name, for ``--ignore`` and for machines.
    severity
        ``error``: stock brokers refuse or ignore the packet, or its standard's XSD does. ``warning``: the
        standard's text forbids it, or readers will misunderstand it. ``advice``: it could serve them better.
    why
        One sentence for people.
    remedy
        What to do.
    source
        Where the rule is from.
    """

    id: str
    severity: Severity
    why: str
    remedy: str
    source: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One place at which a packet breaks a rule.

    Parameters
    ----------
    rule
        The rule.
    line
        Line in the packet, from 1.
    path
        XPath of the element; empty where it concerns the packet as a whole.
    message
        What is wrong there, as a sentence.
    """

    rule: Rule
    line: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", {self.path}" if self.path else "")
        return f"{self.rule.severity} {self.rule.id}, {place}: {self.message}"


@dataclass(frozen=True)
class Context:
    """A packet as the rules see it.

    Parameters
    ----------
    xml
        Its bytes.
    root
        Its root element; entities are not expanded.
    version
        1.1, 2.0 or 2.1: by its namespace, or where it has none by its version attribute.
    """

    xml: bytes
    root: etree._Element
    version: str

    @cached_property
    def sections(self) -> dict[str, etree._Element]:
        """The root's children by local name; of a repeated one the first."""
        sections: dict[str, etree._Element] = {}
        for child in self.root.iterchildren("{*}*"):
            sections.setdefault(etree.QName(child).localname, child)
        return sections


Check = Callable[[Context], Iterator[Finding]]


def found(rule: Rule, element: etree._Element, message: str) -> Finding:
    """A finding at an element."""
    line: Any = element.sourceline
    return Finding(rule, line or 1, element.getroottree().getpath(element), message)
