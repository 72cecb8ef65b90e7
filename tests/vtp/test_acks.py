"""Acknowledgements known by their bytes: the short way says what the parser says, or nothing."""

from __future__ import annotations

import time

import pytest
from comet.protocol import messages as comet_messages
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import PacketError
from bridge.vtp import parse_transport, write_transport
from bridge.vtp.acks import AckReader, plain_ack

NOW = 1_700_000_000.0
IVORN = "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_584155-860"
ME = "ivo://org.example/me"


def comets(ivorn: str, me: str | None = ME) -> bytes:
    return comet_messages.ack(me, ivorn).raw_bytes


def ours(ivorn: str, me: str | None = ME) -> bytes:
    return write_transport("ack", ivorn, NOW, response=me)


@pytest.mark.parametrize("write", [comets, ours])
@pytest.mark.parametrize("me", [None, ME])
def test_the_common_shapes_are_known_by_their_bytes(write, me) -> None:
    assert plain_ack(write(IVORN, me)) == IVORN


@pytest.mark.parametrize("ivorn", ["ivo://a/b?x=1&y=2#c", "ivo://a/é#c", "ivo://a/b#c d", "ivo://a/b#<c>"])
@pytest.mark.parametrize("write", [comets, ours])
def test_names_that_xml_writes_otherwise_are_left_to_the_parser(write, ivorn: str) -> None:
    assert plain_ack(write(ivorn)) is None
    assert parse_transport(write(ivorn)).origin == ivorn


def test_pygcns_shape_is_left_to_the_parser_and_means_the_same() -> None:
    client = pytest.importorskip("gcn.voeventclient", reason="pygcn is not installed")
    payload = client._form_response("ack", IVORN, ME, "2026-01-01T00:00:00.1")
    assert plain_ack(payload) is None
    assert parse_transport(payload).origin == IVORN


@pytest.mark.parametrize(
    "other",
    [
        write_transport("nak", IVORN, NOW, response=ME, result="no"),
        write_transport("ack", IVORN, NOW, response=ME, result="thanks"),
        comet_messages.nak(ME, IVORN).raw_bytes,
        comet_messages.iamaliveresponse(ME, "ivo://org.example/broker").raw_bytes,
        b"",
    ],
)
def test_other_messages_are_not_taken_for_plain_acks(other: bytes) -> None:
    assert plain_ack(other) is None
    reader = AckReader()
    assert reader.leading([ours(IVORN), other, ours(IVORN)]) == [IVORN]
    assert reader.leading([other]) == []


def test_an_ack_of_absurd_length_is_read_and_not_remembered() -> None:
    reader = AckReader()
    long = ours(IVORN, "ivo://" + "x" * 90_000)
    assert reader.leading([ours(IVORN), long, ours(IVORN)]) == [IVORN] * 3
    assert len(reader._head) + len(reader._tail) < 500


def agree(payload: bytes, found: str | None) -> None:
    """What the short way has found is what the parser finds."""
    if found is not None:
        message = parse_transport(payload)
        assert (message.role, message.origin, message.exact) == ("ack", found, True)


SEEDS = st.builds(
    lambda write, ivorn, me: write(ivorn, me),
    st.sampled_from([comets, ours]),
    st.text("ivo:/#az09 &<>'\"\t\n]é\x7f", min_size=1, max_size=12),
    st.none() | st.text("ivo:/#az& ]", min_size=1, max_size=8),
)
MARKUP = (
    "< > & &amp; ]]> <!--x--> <?x y?> <![CDATA[a]]> \" ' <Origin> </Origin> <Origin>x</Origin> <Meta/> "
    "<a:b/> role='nak' UTF-16 </trn:Transport> <TimeStamp/> xmlns:trn=\"x\" 1.1"
)
PIECES = st.sampled_from([b" ", b"\r\n", b"\xef\xbb\xbf", b"\xff", b"\0", *MARKUP.encode().split(b" ")])


@settings(max_examples=300)
@given(
    SEEDS,
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 40), PIECES | st.binary(max_size=3)), max_size=3),
)
def test_whatever_is_changed_in_an_ack_both_ways_agree(payload: bytes, changes) -> None:
    for at, gone, piece in changes:
        at %= len(payload) + 1
        payload = payload[:at] + piece + payload[at + gone :]
    agree(payload, plain_ack(payload))


@settings(max_examples=200)
@given(st.lists(SEEDS | st.tuples(SEEDS, st.integers(0, 700), PIECES).map(
    lambda parts: parts[0][: parts[1] % len(parts[0])] + parts[2] + parts[0][parts[1] % len(parts[0]) :]
), max_size=8))  # fmt: skip
def test_a_reader_that_remembers_the_last_shape_finds_what_the_pattern_finds(payloads: list[bytes]) -> None:
    reader, at = AckReader(), 0
    while at < len(payloads):
        found = reader.leading(payloads, at)
        assert found == [plain_ack(payload) for payload in payloads[at : at + len(found)]]
        at += len(found)
        if at < len(payloads):
            assert plain_ack(payloads[at]) is None
            at += 1


@given(st.binary(max_size=60))
def test_garbage_is_no_ack(payload: bytes) -> None:
    assert plain_ack(payload) is None
    with pytest.raises(PacketError):
        parse_transport(payload)


def test_an_ack_known_by_its_bytes_costs_a_small_part_of_one_that_is_parsed() -> None:
    acks = [comets(f"{IVORN}-{number}") for number in range(50)]

    def cpu_s(work) -> float:
        began = time.process_time()
        work()
        return time.process_time() - began

    reader = AckReader()
    parsed = min(cpu_s(lambda: [parse_transport(ack) for ack in acks]) for _ in range(7))
    known = min(cpu_s(lambda: [reader.leading(acks) for _ in range(10)]) for _ in range(7)) / 10
    assert reader.leading(acks) == [parse_transport(ack).origin for ack in acks]
    assert known * 5 < parsed
