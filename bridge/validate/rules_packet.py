"""Rules about the packet as a whole: XML, version, what brokers take, identity, author, citations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from bridge.validate.finding import Context, Finding, Rule, found
from bridge.voevent.ids import is_acceptable, is_safe, names_an_event

__all__ = ["ENTITY", "MOST_BYTES", "RULES", "VERSION", "XML", "check_packet"]

MOST_BYTES = 99_999

_CITED = re.compile(r"ivo://[^\s/#?]+(/[^\s#?]*)?([#?]\S+)?\Z", re.IGNORECASE)

XML = Rule(
    "xml",
    "error",
    "The packet is not well-formed XML.",
    "Write it with an XML library; the XML declaration, where there is one, begins at the first byte.",
    "XML 1.0",
)
VERSION = Rule(
    "version",
    "error",
    "The packet is not a VOEvent, or of no version that is known: 1.1, 2.0, 2.1.",
    'Root {http://www.ivoa.net/xml/VOEvent/v2.0}VOEvent with version="2.0".',
    "VOEvent 2.0",
)
OLD_VERSION = Rule(
    "old-version",
    "warning",
    "Brokers refuse packets of version 1.1.",
    "voevent-bridge convert --to-version 2.0",
    "Comet 3.1.0's receiver",
)
NEW_VERSION = Rule(
    "new-version",
    "advice",
    "Brokers of today check for 2.0 and refuse packets of version 2.1.",
    "voevent-bridge convert --to-version 2.0 for subscribers of today.",
    "Comet 3.1.0's receiver",
)
ENTITY = Rule(
    "entity",
    "error",
    "Brokers refuse packets that use entities, because these can be made to fill a reader's memory.",
    "Write the characters themselves.",
    "Comet 3.1.0",
)
SIZE = Rule(
    "size",
    "error",
    "A stock Comet closes the connection at 100,000 bytes, and at each reconnection again.",
    "Leave out images and old rows, and refer to them by Reference.",
    "Comet 3.1.0 (Twisted's MAX_LENGTH)",
)
ROLE = Rule(
    "role",
    "error",
    "A packet without a role is an observation by the standard, and is ignored by Comet.",
    'Write role="observation", also where it is the default.',
    "VOEvent 2.0; Comet 3.1.0",
)
IVORN = Rule(
    "ivorn",
    "error",
    "Brokers refuse this identifier.",
    "ivo://authority/stream#local: lower-case ivo, an authority of three or more characters, a local part.",
    "IVOA Identifiers 2.0; Comet 3.1.0",
)
PORTABLE = Rule(
    "ivorn-portable",
    "advice",
    "The identifier has characters that some brokers, archives or file systems treat in ways of their own.",
    "Lower-case authority; letters, digits, . _ / - in the stream; those and : + in the local part.",
    "IVOA Identifiers 2.0; what all public archives hold",
)
AUTHOR = Rule(
    "author",
    "warning",
    "Nobody is named who answers for the packet.",
    "Who/AuthorIVORN or Who/Author.",
    "VOEvent 2.0",
)
DATE = Rule(
    "date",
    "warning",
    "Who/Date, by which readers order and expire packets, is missing or not in UTC.",
    "Who/Date as YYYY-MM-DDThh:mm:ss, UTC.",
    "VOEvent 2.0",
)
CITED = Rule(
    "cited",
    "warning",
    "A citation leads nowhere.",
    "EventIVORN holds the IVORN of another packet.",
    "VOEvent 2.0",
)
CITE = Rule(
    "cite",
    "advice",
    "A citation does not say whether it follows up, supersedes or retracts.",
    'cite="followup", "supersedes" or "retraction".',
    "VOEvent 2.0",
)
REFERENCE = Rule(
    "reference",
    "warning",
    "A Reference has no address that a reader could open.",
    'uri="https://...".',
    "VOEvent 2.0",
)

RULES = (
    XML, VERSION, OLD_VERSION, NEW_VERSION, ENTITY, SIZE, ROLE, IVORN, PORTABLE, AUTHOR, DATE, CITED, CITE,
    REFERENCE,
)  # fmt: skip


def check_packet(packet: Context) -> Iterator[Finding]:
    """Findings about the packet as a whole."""
    root = packet.root
    if packet.version == "1.1":
        yield found(OLD_VERSION, root, "It is a VOEvent 1.1.")
    if packet.version == "2.1":
        yield found(NEW_VERSION, root, "It is a VOEvent 2.1.")
    if root.get("version", packet.version) != packet.version:
        yield found(
            VERSION, root, f"Its version is {root.get('version')!r} and its namespace is of {packet.version}."
        )
    if len(packet.xml) > MOST_BYTES:
        yield found(SIZE, root, f"It has {len(packet.xml):,} bytes.")
    if root.get("role") is None:
        yield found(ROLE, root, "It has no role.")
    yield from _identity(packet)
    yield from _author(packet)
    yield from _citations(packet)
    for element in root.iter("{*}Reference"):
        if not (element.get("uri") or "").strip():
            yield found(
                REFERENCE, element, "It has an empty uri." if "uri" in element.attrib else "It has no uri."
            )


def _identity(packet: Context) -> Iterator[Finding]:
    ivorn = packet.root.get("ivorn")
    if ivorn is None:
        yield found(IVORN, packet.root, "It has no ivorn.")
    elif not is_acceptable(ivorn):
        yield found(IVORN, packet.root, f"Its ivorn is {ivorn!r}.")
    elif not names_an_event(ivorn):
        yield found(IVORN, packet.root, f"Its ivorn {ivorn!r} has no local part: it names no event.")
    elif not is_safe(ivorn):
        yield found(PORTABLE, packet.root, f"Its ivorn is {ivorn!r}.")


def _author(packet: Context) -> Iterator[Finding]:
    who = packet.sections.get("Who")
    if who is None:
        yield found(AUTHOR, packet.root, "It has no Who.")
        return
    if not (who.findtext("{*}AuthorIVORN") or "").strip() and who.find("{*}Author") is None:
        yield found(AUTHOR, who, "Who has neither AuthorIVORN nor Author.")
    date = who.find("{*}Date")
    if date is None:
        yield found(DATE, who, "Who has no Date.")
        return
    try:
        offset = datetime.fromisoformat((date.text or "").strip()).utcoffset()
    except ValueError:
        return  # The XSD says so.
    if offset:
        yield found(DATE, date, f"It is {date.text!r}, which is not UTC.")


def _citations(packet: Context) -> Iterator[Finding]:
    own = (packet.root.get("ivorn") or "").strip()
    for element in packet.root.iter("{*}EventIVORN"):
        cited = (element.text or "").strip()
        if not cited:
            yield found(CITED, element, "It is empty.")
        elif _CITED.match(cited) is None:
            yield found(CITED, element, f"{cited!r} is not an IVORN.")
        elif cited == own:
            yield found(CITED, element, "The packet cites itself.")
        if element.get("cite") is None:
            yield found(CITE, element, "It has no cite attribute.")
