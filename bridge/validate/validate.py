"""One packet against all rules: parse once, then let each group of rules look."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lxml import etree

from bridge.validate import rules_packet, rules_what, rules_where, rules_words
from bridge.validate.finding import SEVERITIES, Check, Context, Finding, Rule, Severity, found
from bridge.validate.structure import SCHEMA, check_structure
from bridge.voevent.parsing import words_of_lxml
from bridge.voevent.versions import version_of

__all__ = ["RULES", "Verdict", "validate"]

RULES: dict[str, Rule] = {
    rule.id: rule
    for rule in (SCHEMA, *rules_packet.RULES, *rules_what.RULES, *rules_where.RULES, *rules_words.RULES)
}
"""Every rule by its id."""

_CHECKS = (
    check_structure,
    rules_packet.check_packet,
    rules_what.check_what,
    rules_where.check_where,
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be said of one packet.

    Parameters
    ----------
    ivorn, version
        As far as they could be read; else empty.
    findings
        In the order of the packet's lines.
    """

    ivorn: str
    version: str
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """Number of findings of a severity."""
        return sum(finding.rule.severity == severity for finding in self.findings)

    def passes(self, *, strict: bool = False) -> bool:
        """Whether nothing is an error; with `strict` nothing a warning either."""
        return not any(self.count(severity) for severity in SEVERITIES[: 2 if strict else 1])


def validate(xml: bytes, *, ignore: Collection[str] = (), words: bool = True) -> Verdict:
    """Look at a packet with all rules.

    Parameters
    ----------
    xml
        The packet. Entities and network access are off.
    ignore
        Ids of rules that are not asked.
    words
        Whether UCDs and units are looked up, which astropy must be loaded for.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return Verdict(
            "", "", _kept([Finding(rules_packet.XML, line, "", f"{words_of_lxml(error)}.")], ignore)
        )
    version = version_of(root)
    if version is None:
        finding = found(rules_packet.VERSION, root, _no_version(root))
        return Verdict(root.get("ivorn", ""), "", _kept([finding], ignore))
    packet = Context(xml, root, version)
    findings: list[Finding] = []
    entity = next(root.iter(etree.Entity), None)
    checks: tuple[Check, ...] = _CHECKS
    if entity is not None:
        # What an entity stands for is not looked at, so the structure cannot be judged.
        findings.append(found(rules_packet.ENTITY, root, f"It uses {entity.text}."))
        checks = _CHECKS[1:]
    for check in checks:
        findings += check(packet)
    if words:
        findings += rules_words.check_words(packet)
    return Verdict(root.get("ivorn", ""), version, _kept(findings, ignore))


def _kept(findings: list[Finding], ignore: Collection[str]) -> tuple[Finding, ...]:
    kept = [finding for finding in findings if finding.rule.id not in ignore]
    return tuple(sorted(kept, key=lambda finding: finding.line))


def _no_version(root: etree._Element) -> str:
    name = etree.QName(root)
    if name.localname != "VOEvent":
        return f"Its root is {name.localname}, not VOEvent."
    return (
        f"Its namespace is {name.namespace or 'none'} and its version {root.get('version') or 'not given'}."
    )
