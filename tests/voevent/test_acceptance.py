"""What a broker takes from authors: what stock Comet's validators let through, each refusal in words."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.acceptance import examine
from bridge.voevent.xsd import xsd_path
from tests.validate.packets import GOOD as GOOD_20
from tests.validate.packets import RICH_21
from tests.vtp.peers import synthetic_event

SCHEMA = etree.XMLSchema(etree.parse(str(xsd_path())))
"""Comet holds events against it in a thread of its own; that is all that is left out here."""

IVORN, GOOD = synthetic_event(1)


def comets_verdict(data: bytes) -> bool:
    """What released Comet's own validators say, its event database aside."""
    from comet.utility import ParseError, xml_document
    from comet.validator import CheckIVOID

    try:
        document = xml_document(data)
    except ParseError:
        return False
    if document.element.get("role") not in ("observation", "prediction", "utility", "test"):
        return False
    if "ivorn" not in document.element.attrib:
        return False
    try:
        SCHEMA.assertValid(document.element)
        CheckIVOID()(document)
    except Exception:
        return False
    return True


def with_entity(data: bytes) -> bytes:
    start, end = data.split(b"?>\n", 1)
    return start + b'?>\n<!DOCTYPE a [<!ENTITY e "x">]>' + end.replace(b"\xc3", b"&e;\xc3")


def ours(data: bytes) -> bool:
    try:
        examine(data)
    except PacketError:
        return False
    return True


def test_every_real_event_is_judged_as_comet_judges_it(shared_data: Path) -> None:
    refused = 0
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        for number, member in enumerate(members):
            handle = archive.extractfile(member)
            assert handle is not None
            data = handle.read()
            taken = ours(data)
            refused += not taken
            # Comet's way is slow: each of those refused, and every tenth of the others.
            if not taken or number % 10 == 0:
                assert taken == comets_verdict(data), member.name
    assert (len(members), refused) == (3421, 27)


@pytest.mark.parametrize(
    ("ivorn", "taken"),
    [
        ("ivo://org.example/a#1", True),
        ("ivo://org.example/a#x%20y", True),
        ("ivo://org.example/é#1", True),
        ("ivo://ab/a#1", False),
        ("IVO://org.example/a#1", False),
        ("http://org.example/a#1", False),
        ("ivo://org.example/a+b#1", False),
        ("ivo://org.example/a//b#1", False),
        ("ivo://org.example/a#1[", False),
        ("ivo://org.example/a#", False),
        ("ivo://org.example/a?1", True),
    ],
)
def test_identifiers_are_judged_as_comet_judges_them(ivorn: str, taken: bool) -> None:
    data = GOOD.replace(IVORN.encode(), ivorn.encode())
    assert ours(data) is comets_verdict(data) is taken


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:-20], "not well-formed XML"),
        (lambda _: b"", "not well-formed XML"),
        (lambda data: data.replace(b' role="test"', b""), "it has no role"),
        (lambda data: data.replace(b'"test"', b'"nonsense"'), "its role is 'nonsense'"),
        (lambda data: data.replace(b"ivorn", b"id"), "no ivorn"),
        (lambda data: data.replace(b"#1", b"#1 2"), "not an identifier that brokers can read"),
        (lambda data: data.replace(b'"2.0"', b'"2.1"'), "version '2.1', and this broker takes 2.0"),
        (lambda data: data.replace(b"v2.0", b"v1.1"), "not that of VOEvent 2.0"),
        (lambda data: data.replace(b"Param", b"Parameter"), "line 2: Element 'Parameter'"),
        (lambda _: b"<a/>", "its root is a"),
        (lambda data: with_entity(data), "uses an entity"),
    ],
)  # fmt: skip
def test_a_refusal_says_what_is_wrong(change, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        examine(change(GOOD))


@pytest.mark.parametrize("version", ["1.1", "2.1"])
def test_other_versions_are_taken_where_that_was_asked_for(version: str) -> None:
    data = GOOD.replace(b"v2.0", f"v{version}".encode()).replace(b'"2.0"', f'"{version}"'.encode())
    assert examine(data, (version,)).ivorn == IVORN
    with pytest.raises(PacketError, match=r"this broker takes 2\.0"):
        examine(data)
    with pytest.raises(PacketError, match="has no role"):
        examine(data.replace(b' role="test"', b""), (version,))


def test_the_2_1_examples_of_the_standard_are_taken(shared_data: Path) -> None:
    for path in (shared_data / "voevents").glob("voevent-2.1-example-*.xml"):
        assert examine(path.read_bytes(), ("2.0", "2.1")).ivorn


AS_1_1 = (
    GOOD_20.replace("v2.0", "v1.1")
    .replace('"2.0"', '"1.1"')
    .replace("<ObsDataLocation>", '<ObsDataLocation xmlns="http://www.ivoa.net/xml/STC/stc-v1.30.xsd">')
)


def test_each_1_1_packet_of_the_archive_is_taken(shared_data: Path) -> None:
    taken = 0
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member)
            data = handle.read() if handle is not None else b""
            if b"VOEvent/v1.1" in data[:2000] and b'version="1.1"' in data[:2000]:
                taken += bool(examine(data, ("1.1",)))
    assert taken == 6


@pytest.mark.parametrize(
    ("version", "packet", "change", "element"),
    [
        ("1.1", AS_1_1, ("<C1>12.5</C1>", "<C1>noon</C1>"), "C1"),
        ("1.1", AS_1_1, ("<Who>", "<Whom/><Who>"), "Whom"),
        ("2.1", RICH_21, ("<C1>6.1</C1>", "<C1>noon</C1>"), "C1"),
        ("2.1", RICH_21, ('role="Researcher"', 'role="Friend"'), "Contributor"),
        ("2.1", RICH_21, ("<Why>", "<Whim/><Why>"), "Whim"),
    ],
)
def test_other_versions_are_held_against_schemas_of_their_own(
    version: str, packet: str, change: tuple[str, str], element: str
) -> None:
    assert examine(packet.encode(), (version,)).ivorn
    broken = packet.replace(*change, 1)
    line = broken[: broken.index(change[1])].count("\n") + 1
    with pytest.raises(PacketError, match=f"valid VOEvent {version}: line {line}: Element '{element}'"):
        examine(broken.encode(), (version,))


def test_a_broker_for_2_0_alone_never_loads_the_grammars_of_others() -> None:
    program = (
        "import sys; from bridge.voevent.acceptance import examine; examine(sys.stdin.buffer.read());"
        "print({'bridge.voevent.xsd_21', 'bridge.voevent.versions'} & {*sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=GOOD, capture_output=True, check=True, timeout=60
    )
    assert done.stdout.strip() == b"set()"
