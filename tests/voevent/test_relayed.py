"""Packets that are passed on: by shape or not, their headline is what the parser finds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import PacketError
from bridge.voevent.familiar import FamiliarPackets
from bridge.voevent.headline import Headline
from bridge.voevent.relayed import headline_of_relayed
from tests.voevent.test_glance import BROKEN, KNOWN, UNUSUAL, changed, damaged, parsed, real_packets


def relayed(packet: bytes, familiar: FamiliarPackets) -> Headline | None:
    try:
        return headline_of_relayed(packet, familiar)
    except PacketError:
        return None


def knowing(*packets: bytes) -> FamiliarPackets:
    familiar = FamiliarPackets()
    for packet in packets * 2:
        relayed(packet, familiar)
    return familiar


FAMILIAR = knowing(KNOWN)
ALL = {**UNUSUAL, **BROKEN}


def test_a_packet_that_no_schema_takes_is_known_by_its_shape() -> None:
    packet = changed(b"<What>", b"<Whatever><a/></Whatever><What>")
    familiar = knowing(packet)
    other = packet.replace(b"12.5", b"-12.75").replace(b"s#1", b"s#other")
    assert familiar.headline_of(other) == parsed(other)
    assert familiar.headline_of(other) == Headline(
        "ivo://a.org/s#other", "test", -12.75, -3.0, "2016-11-01T00:00:00"
    )


@pytest.mark.parametrize("packet", ALL.values(), ids=ALL)
def test_what_is_unusual_or_broken_is_read_as_ever(packet: bytes) -> None:
    for familiar in (FAMILIAR, knowing(packet)):
        assert relayed(packet, familiar) == parsed(packet)


def test_nearly_all_real_packets_are_known_by_their_shape(shared_data: Path) -> None:
    familiar, known = FamiliarPackets(), 0
    packets = real_packets(shared_data)
    for packet in packets:
        known += familiar.headline_of(packet) is not None
        assert relayed(packet, familiar) == parsed(packet)
    assert known > 0.9 * len(packets)


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_whatever_happens_to_a_packet_it_is_not_misread(chance: random.Random) -> None:
    packet = damaged(KNOWN, chance)
    for _ in range(3):
        assert relayed(packet, FAMILIAR) == parsed(packet)


def test_packets_that_are_all_different_are_looked_at_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def markup_of(packet: bytes) -> bytes:
        asked.append(packet)
        return packet

    monkeypatch.setattr("bridge.voevent.familiar.markup_of", markup_of)
    familiar = FamiliarPackets()
    for number in range(1_000):
        relayed(changed(b"<What>", b"<What>" + b"<a/>" * number), familiar)
    assert len(asked) < 150
