"""Packets that are known at a glance: whatever is said of one is what the parser would have said."""

from __future__ import annotations

import random
import tarfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import PacketError
from bridge.voevent import glance as glance_module
from bridge.voevent.glance import glance
from bridge.voevent.headline import Headline, headline_of, read_headline
from bridge.voevent.parsing import parse_packet

PACKET = b"""<?xml version="1.0" encoding="UTF-8"?>
<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" role="test" ivorn="ivo://a.org/s#1">
 <Who><AuthorIVORN>ivo://a.org/who</AuthorIVORN></Who>
 <What><Param name="n" value="five"/><Group name="g"><Param name='n' value="1"/></Group></What>
 <WhereWhen><ObsDataLocation><ObservatoryLocation id="GEOLUN"/><ObservationLocation><AstroCoords>
  <Time><TimeInstant><ISOTime>2016-11-01T00:00:00</ISOTime></TimeInstant></Time>
  <Position2D unit="deg"><Value2><C1>12.5</C1><C2>-3</C2></Value2><Error2Radius>1</Error2Radius></Position2D>
 </AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>
</voe:VOEvent>
"""
KNOWN = PACKET.replace(b"'n'", b'"n"')


def parsed(packet: bytes) -> Headline | None:
    try:
        return headline_of(parse_packet(packet))
    except PacketError:
        return None


def agrees(packet: bytes) -> bool:
    """Whether a packet is known at a glance; then the parser has to say the same of it."""
    seen = glance(packet) is not None
    if seen:
        assert read_headline(packet) == parsed(packet), packet
    return seen


@cache
def real_packets(folder: Path) -> list[bytes]:
    with tarfile.open(folder / "voevents" / "sample-2014-2016.tar.gz") as archive:
        files = [archive.extractfile(member) for member in archive if member.isfile()]
        return [file.read() for file in files if file is not None]


def test_nearly_all_real_packets_are_known_and_none_is_misread(shared_data: Path) -> None:
    packets = real_packets(shared_data)
    assert sum(map(agrees, packets)) > 0.98 * len(packets)


def test_what_is_read_at_a_glance() -> None:
    assert glance(KNOWN) is not None
    assert read_headline(KNOWN) == Headline("ivo://a.org/s#1", "test", 12.5, -3.0, "2016-11-01T00:00:00")


def changed(before: bytes, after: bytes) -> bytes:
    assert before in KNOWN
    return KNOWN.replace(before, after)


UNUSUAL = {
    "single quotes": PACKET,
    "a comment": changed(b"<What>", b"<What><!-- <C1> -->"),
    "CDATA": changed(b"ivo://a.org/who", b"<![CDATA[ivo://a.org/who]]>"),
    "a reference": changed(b"five", b"5 &gt; 4"),
    "a bracket in a value": changed(b"five", b"5 > 4"),
    "beyond ASCII": changed(b"five", "5 µm".encode()),
    "another encoding": changed(b"UTF-8", b"UTF-16"),
    "a DOCTYPE": changed(b"?>\n", b"?>\n<!DOCTYPE a>\n"),
    "an instruction": changed(b"<What>", b"<What><?do this?>"),
    "a namespace below the root": changed(b"<What>", b'<What xmlns="http://b.org/x">'),
    "a strange namespace": changed(b"http://www.ivoa.net/xml/VOEvent/v2.0", b"no address"),
    "a doubled time": changed(b"</Time>", b"<ISOTime>2017-01-01T00:00:00</ISOTime></Time>"),
    "a position of an observatory": changed(b"ObservationLocation>", b"ObservatoryLocation>"),
    "a position without a place": changed(b"Position2D", b"Place"),
    "two positions": changed(b"</AstroCoords>", b'<Position2D unit="rad"/></AstroCoords>'),
    "an empty coordinate": changed(b"<C2>-3</C2>", b"<C2/>"),
    "attributes of a coordinate": changed(b"<C2>", b'<C2 ucd="pos">'),
    "a position in another frame": changed(
        b"<AstroCoords>", b'<AstroCoordSystem id="UTC-GEOD-TOPO"/><AstroCoords>'
    ),
    "a frame that coordinates name": changed(
        b"<AstroCoords>", b'<AstroCoords coord_system_id = "TAI-GALACTIC">'
    ),
    "a frame in an element": changed(
        b"<AstroCoords>",
        b"<AstroCoordSystem><SpaceFrame><SpaceRefFrame>ECLIPTIC</SpaceRefFrame></SpaceFrame></AstroCoordSystem>"
        b"<AstroCoords>",
    ),
    "a name that begins alike": changed(b"<Value2>", b"<C1a/><Value2>"),
    "another line end": changed(b"12.5", b"12.5\r\n"),
    "blanks in the identifier": changed(b"ivo://a.org/s#1", b" ivo://a.org/s#1"),
    "blanks in the role": changed(b'"test"', b'"te\nst"'),
    "a bare identifier": changed(b' ivorn="ivo://a.org/s#1"', b""),
    "no VOEvent": changed(b"voe:VOEvent", b"voe:Transport"),
    "attributes of two prefixes": changed(b'unit="deg"', b'unit="deg" voe:unit="rad" xsi:unit="hour"'),
    "an instruction at the end": KNOWN + b"<?done?>",
    "something before it": b" " + KNOWN,
    "much of it": changed(b"five", b"5" * 200_000),
}

BROKEN = {
    "no end": KNOWN[: -len("</voe:VOEvent>\n")],
    "two roots": KNOWN + b"<a></a>",
    "an empty root behind it": KNOWN + b"<a/>",
    "text behind it": KNOWN + b"a",
    "two of it": KNOWN + KNOWN[KNOWN.index(b"<voe") :],
    "an end too many": KNOWN + b"</voe:VOEvent>",
    "crossed tags": changed(b"</C1>", b"</C2>"),
    "an open tag": changed(b"<What>", b"<What"),
    "an open root": changed(b'ivorn="ivo://a.org/s#1">', b'ivorn="ivo://a.org/s#1"'),
    "an open quotation": changed(b'"deg"', b'"deg'),
    "a doubled attribute": changed(b'unit="deg"', b'unit="deg" unit="rad"'),
    "a doubled identifier": changed(b'role="test"', b'role="test" ivorn="ivo://a.org/s#2"'),
    "attributes that touch": changed(b'name="n" value', b'name="n"value'),
    "a bare ampersand": changed(b"five", b"5 & 4"),
    "a control character": changed(b"five", b"5\0004"),
    "the end of CDATA": changed(b"ivo://a.org/who", b"ivo://a.org/who]]>"),
    "a prefix that nobody declared": changed(b"<Group", b"<x:Group").replace(b"</Group", b"</x:Group"),
    "such a prefix of an empty element": changed(b"<ObservatoryLocation", b"<x:ObservatoryLocation"),
    "such a prefix of an attribute": changed(b'unit="deg"', b'x:unit="deg"'),
    "a name with a digit first": changed(b"<Group", b"<1Group").replace(b"</Group", b"</1Group"),
    "an attribute of an end tag": changed(b"</What>", b'</What a="">'),
    "nothing": b"",
    "a word": b"hello",
    "a bracket": b"<",
}


@pytest.mark.parametrize("packet", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_is_left_to_the_parser(packet: bytes) -> None:
    assert not agrees(packet)


@pytest.mark.parametrize("packet", BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_not_taken(packet: bytes) -> None:
    assert parsed(packet) is None
    assert glance(packet) is None


@pytest.mark.parametrize(
    "packet",
    [
        changed(b' encoding="UTF-8"', b""),
        KNOWN[KNOWN.index(b"<voe") :],
        changed(b"<Param", b"<voe:Param"),
        changed(b"deg", b"rad"),
        changed(
            b"<AstroCoords>",
            b'<AstroCoordSystem id="UTC-FK5-GEO"/><AstroCoords coord_system_id="UTC-FK5-GEO">',
        ),
        changed(b"<What>", b'<What   a = "b"\n>'),
        changed(b"</What>", b"</What >"),
        changed(b"<Value2>", b"<Value3>").replace(b"</Value2>", b"</Value3>"),
        changed(b"12.5", b" nowhere "),
        KNOWN + b"\n \t",
    ],
)
def test_what_differs_a_little_is_known_too(packet: bytes) -> None:
    assert agrees(packet)


def test_little_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = glance_module._PIECES
    monkeypatch.setattr(pieces, "_most", 50)
    for number in range(200):
        assert agrees(changed(b"12.5", b"%d" % number))
    assert agrees(changed(b"<Who>", b"<Who>" + b" " * 2_000))
    assert len(pieces) <= 50
    assert max(map(len, pieces)) <= 1_000


SCRAPS = [
    *(
        b"<",
        b">",
        b"/",
        b'"',
        b"'",
        b"&",
        b"&amp;",
        b"&#10;",
        b"<!--",
        b"-->",
        b"<![CDATA[",
        b"]]>",
        b"<?pi ?>",
    ),
    *(b" ", b"\n", b"\r", b"=", b"]", b"--", b":", b"x:", b"\0", b"\xc3\xa9", b"<!DOCTYPE a>", b"unit="),
    *(
        b' a="b"',
        b' a:b="c"',
        b' xmlns:a="http://a/b"',
        b' xmlns="http://c/d"',
        b'xml:id="a"',
        b' unit="deg"',
    ),
    *(b"<C1>5</C1>", b"<C1/>", b"<a/>", b"<a>", b"</a>", b"<voe:VOEvent>", b"</voe:VOEvent>", b"<ISOTime>"),
    *(b"</ISOTime>", b'<Position2D unit="rad"/>', b'<Position2D unit="rad">', b"</Position2D>", b"<Value2>"),
    *(b"</Value2>", b"<Value3>", b"<ObservatoryLocation>", b"</ObservatoryLocation>", b"<WhereWhen>"),
    *(b'<AstroCoordSystem id="UTC-GEOD-TOPO"/>', b'<AstroCoordSystem id="UTC-ICRS-TOPO"/>'),
    *(b' coord_system_id="GALACTIC"', b"<SpaceRefFrame>GALACTIC</SpaceRefFrame>"),
    *(b"</WhereWhen>", b' ivorn="ivo://x/y#z"', b' role="test"'),
]
PLACES = (b"<", b">", b'"', b" ", b"C1", b"ISOTime", b"Position2D", b"VOEvent", b"</")


def damaged(packet: bytes, chance: random.Random) -> bytes:
    """A packet with something put in, taken out or doubled, mostly near markup."""
    changed = bytearray(packet)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        at = max(0, changed.find(chance.choice(PLACES), chance.randrange(len(changed) + 1)))
        at += chance.choice((0, 0, 1, 1, 2))
        how = chance.random()
        if how < 0.5:
            changed[at:at] = chance.choice(SCRAPS)
        elif how < 0.6:
            del changed[at : at + chance.choice((1, 1, 2, 5, 20))]
        elif how < 0.8:
            changed[at : at + chance.choice((1, 2, 5))] = chance.choice(SCRAPS)
        else:
            start = changed.find(b"<", chance.randrange(len(changed) + 1))
            changed[at:at] = changed[start : changed.find(b">", start) + 1]
    return bytes(changed)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_happens_to_a_packet_it_is_not_misread(chance: random.Random) -> None:
    agrees(damaged(KNOWN, chance))


def test_whatever_happens_to_real_packets_they_are_not_misread(shared_data: Path) -> None:
    chance = random.Random(20161101)
    packets = sorted(real_packets(shared_data), key=len)[:1_000:5]
    assert sum(agrees(damaged(packet, chance)) for packet in packets * 10) > 20


NAMES = st.sampled_from(
    ["a", "voe:a", "x:a", "xml:a", "C1", "C2", "Value2", "Value3", "ISOTime", "Position2D", "1a"]
)
ATTRIBUTES = st.lists(
    st.tuples(
        st.sampled_from(["unit", "a", "x:a", "voe:a", "xml:lang", "xmlns:x"]),
        st.sampled_from(["", "deg", ">"]),
    ),
    max_size=3,
)
TEXTS = st.sampled_from(["", "", "12", " 12\n", "]]>", "a > b", "\r"])


def element(children: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def write(name: str, attributes: list[tuple[str, str]], inside: list[str], text: str) -> str:
        head = name + "".join(f' {key}="{value}"' for key, value in attributes)
        content = text + "".join(inside)
        return f"<{head}>{content}</{name}>" if content else f"<{head}/>"

    return st.builds(write, NAMES, ATTRIBUTES, st.lists(children, max_size=4), TEXTS)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.recursive(TEXTS, element, max_leaves=12), max_size=3),
    st.from_regex(rb"(?:https?|ivo|urn)://[A-Za-z0-9_./#:-]{0,20}", fullmatch=True),
    st.booleans(),
)
def test_whatever_a_packet_is_made_of_it_is_not_misread(
    inside: list[str], uri: bytes, is_known: bool
) -> None:
    where = b"<WhereWhen>%b</WhereWhen>" % "".join(inside).encode()
    packet = KNOWN[: KNOWN.index(b"<WhereWhen>")] + where + b"</voe:VOEvent>"
    if not is_known:
        packet = packet.replace(b' role="test"', b' xmlns:x="%b" role="test"' % uri)
    agrees(packet)
    # And once more, when it has been seen.
    agrees(packet)
