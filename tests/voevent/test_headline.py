"""The headline of a relayed packet: found in one walk, and the same as by asking for each fact."""

from __future__ import annotations

import math
import tarfile
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import PacketError
from bridge.voevent.headline import read_headline


def asked_one_by_one(xml: bytes) -> tuple:
    root = etree.fromstring(xml)

    def number(tag: str) -> float | None:
        text = root.findtext(f".//{{*}}Value2/{{*}}{tag}") or root.findtext(f".//{{*}}Value3/{{*}}{tag}")
        try:
            value = float(text or "")
        except ValueError:
            return None
        return value if math.isfinite(value) else None

    return number("C1"), number("C2"), (root.findtext(".//{*}ISOTime") or "").strip()


def facts(xml: bytes) -> tuple:
    headline = read_headline(xml)
    return headline.ra_deg, headline.dec_deg, headline.observed_at


def test_real_packets_tell_the_same(shared_data: Path) -> None:
    with tarfile.open(shared_data / "voevents" / "sample-2014-2016.tar.gz") as archive:
        packets = [archive.extractfile(member).read() for member in archive if member.isfile()]
    assert len(packets) > 3_000
    found = [facts(packet) for packet in packets]
    assert found == [asked_one_by_one(packet) for packet in packets]
    assert sum(ra is not None for ra, _, _ in found) > 1_000


PIECES = """
<C1>1.5</C1> <C2>-2</C2> <C1/> <C1>nan</C1> <C2>x</C2> <ISOTime>\t2026\t</ISOTime> <ISOTime/> <!--C1-->
<n:C1>7</n:C1> <?C1\t9?> text <C1><C2>3</C2></C1>
"""
LEAVES = st.sampled_from(PIECES.split(" "))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.builds(
        lambda tag, parts: f"<{tag}>{''.join(parts)}</{tag}>",
        st.sampled_from(["Value2", "Value3", "n:Value2", "Position2D", "C1"]),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


@given(st.lists(TREES, max_size=4))
def test_odd_packets_tell_the_same(parts: list[str]) -> None:
    xml = f'<v:VOEvent xmlns:v="v" xmlns:n="n" ivorn="ivo://a/b#c">{"".join(parts)}</v:VOEvent>'.encode()
    assert facts(xml) == asked_one_by_one(xml)


def test_elements_in_an_entity_are_not_looked_at() -> None:
    document = b"""<!DOCTYPE v [
    <!ENTITY c "<C1>5</C1>"><!ENTITY p "<Value2><C1>7</C1></Value2><ISOTime>2</ISOTime>">
    ]><VOEvent ivorn="ivo://a/b#c"><Value2>&c;</Value2>&p;<Value3>&c;<C1>9</C1></Value3></VOEvent>"""
    assert facts(document) == (9.0, None, "")


def test_threads_do_not_share_a_parser() -> None:
    good, bad = b'<VOEvent ivorn="ivo://a/b#c"/>', b'<VOEvent ivorn="ivo://a/b#c">'
    wrong: list[BaseException] = []

    def work() -> None:
        try:
            for _ in range(300):
                assert read_headline(good).ivorn == "ivo://a/b#c"
                with pytest.raises(PacketError):
                    read_headline(bad)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


@pytest.mark.parametrize("more", ["", "<Value3><C1>1</C1></Value3>"])
def test_where_the_telescope_is_does_not_pass_for_where_the_event_was(more: str) -> None:
    place = "<AstroCoords><Time><ISOTime>{}</ISOTime></Time><Position3D>{}</Position3D></AstroCoords>"
    site = place.format("2020-01-01T00:00:00", f"<Value3><C1>-70.75</C1><C2>-30.24</C2></Value3>{more}")
    seen = place.format("2026-01-01T00:00:00", "")
    xml = (
        '<VOEvent ivorn="ivo://org.example/s#1"><WhereWhen>'
        f"<ObservatoryLocation>{site}</ObservatoryLocation><ObservationLocation>{seen}</ObservationLocation>"
        "</WhereWhen></VOEvent>"
    )
    headline = read_headline(xml.encode())
    assert (headline.ra_deg, headline.dec_deg, headline.observed_at) == (None, None, "2026-01-01T00:00:00")
