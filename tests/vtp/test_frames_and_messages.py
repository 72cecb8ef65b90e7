"""Frames and Transport messages: any chopping, any garbage, and what stock clients really send."""

from __future__ import annotations

import itertools
import struct
from pathlib import Path

import comet
import pytest
from comet.protocol import messages as comet_messages
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from bridge.errors import PacketError
from bridge.vtp import FrameReader, Oversize, Transport, encode_frame, parse_transport, write_transport
from bridge.vtp.messages import write_ack

NOW = 1_700_000_000.0
XML_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=60
).filter(lambda text: text == text.strip())
SCHEMA = etree.XMLSchema(etree.parse(Path(comet.__file__).parent / "schema" / "transport-1.1.xsd"))


def chop(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in itertools.pairwise(edges)]


@given(st.lists(st.binary(max_size=200), max_size=8), st.lists(st.integers(0, 5000), max_size=12))
def test_messages_survive_any_chopping(payloads: list[bytes], cuts: list[int]) -> None:
    reader = FrameReader()
    found = [
        frame for part in chop(b"".join(map(encode_frame, payloads)), cuts) for frame in reader.feed(part)
    ]
    assert found == payloads
    assert reader.pending_bytes == 0


@given(st.lists(st.binary(max_size=64), max_size=10))
def test_a_stream_that_is_no_vtp_is_never_held_in_memory(parts: list[bytes]) -> None:
    reader = FrameReader(max_length=40)
    found = [frame for part in parts for frame in reader.feed(part)]
    assert reader.pending_bytes <= 44
    assert all(isinstance(frame, Oversize) or len(frame) <= 40 for frame in found)
    assert not any(isinstance(frame, Oversize) for frame in found[:-1])


def test_a_little_endian_length_is_refused_at_the_prefix() -> None:
    reader = FrameReader()
    assert reader.feed(struct.pack("<I", 200)) == [Oversize(200 << 24)]
    assert reader.feed(encode_frame(b"too late")) == []


def test_the_longest_message_that_comet_takes_passes_and_the_next_does_not() -> None:
    assert FrameReader().feed(encode_frame(b"x" * 99_999)) == [b"x" * 99_999]
    assert FrameReader().feed(encode_frame(b"x" * 100_000)) == [Oversize(100_000)]


@settings(max_examples=60)
@given(
    st.sampled_from(["iamalive", "authenticate", "ack", "nak"]),
    XML_TEXT,
    st.none() | XML_TEXT,
    st.lists(XML_TEXT, max_size=3),
    st.none() | XML_TEXT,
)
def test_what_we_write_reads_back_and_is_xml(role, origin, response, filters, result) -> None:
    payload = write_transport(role, origin, NOW, response=response, filters=filters, result=result)
    assert parse_transport(payload) == Transport(role, origin, response, tuple(filters), result)


@pytest.mark.parametrize("role", ["iamalive", "authenticate", "ack", "nak"])
@pytest.mark.parametrize("response", [None, "ivo://org.example/subscriber"])
def test_what_we_write_is_valid_against_comets_schema(role, response) -> None:
    for filters, result in (((), None), (("//Who[@a='1' and \"2\"<3]",), None), ((), "Event rejected: <&>")):
        payload = write_transport(
            role, "ivo://org.example/a?b=1&c#d", NOW, response=response, filters=filters, result=result
        )
        SCHEMA.assertValid(etree.fromstring(payload))


@given(XML_TEXT, XML_TEXT, st.floats(0, 2e9))
def test_an_acknowledgement_is_written_in_haste_as_it_is_otherwise(
    origin: str, response: str, now: float
) -> None:
    assert write_ack(origin, now, response) == write_transport("ack", origin, now, response=response)


def test_characters_that_xml_does_not_have_are_replaced() -> None:
    message = parse_transport(write_transport("nak", "ivo://a/b#c", NOW, result="bad \x00 byte \ud800"))
    assert message.result == "bad \ufffd byte \ufffd"


def test_time_is_utc() -> None:
    assert b"<TimeStamp>2023-11-14T22:13:20Z</TimeStamp>" in write_transport("iamalive", "ivo://a/b", NOW)


def test_comets_answers_are_understood() -> None:
    mine, theirs = "ivo://org.example/comet", "ivo://org.example/broker"
    assert parse_transport(comet_messages.iamaliveresponse(mine, theirs).raw_bytes) == Transport(
        "iamalive", theirs, mine
    )
    assert parse_transport(comet_messages.ack(None, "ivo://a/b#c").raw_bytes) == Transport(
        "ack", "ivo://a/b#c"
    )
    assert parse_transport(comet_messages.nak(mine, "ivo://a/b#c", "no").raw_bytes).result == "no"
    answer = comet_messages.authenticateresponse(mine, theirs, ["//Who", "//What[@a<3]"]).raw_bytes
    assert parse_transport(answer).filters == ("//Who", "//What[@a<3]")


def test_comets_old_form_of_filters_is_understood() -> None:
    payload = (
        b'<Transport role="authenticate" version="1.0"><Origin>ivo://a/b</Origin><Response>ivo://c/d</Response>'
        b"<TimeStamp>2026-01-01T00:00:00Z</TimeStamp><Meta>"
        b'<filter type="xpath">//Who</filter><!-- x --></Meta></Transport>'
    )
    assert parse_transport(payload).filters == ("//Who",)


@pytest.mark.parametrize("ivorn", ["ivo://a/b#c", "ivo://a/b?x=1&y=2#c", "ivo://a/b#c<d", "ivo://a/é#&"])
def test_pygcns_acks_are_understood_even_when_they_are_no_xml(ivorn: str) -> None:
    client = pytest.importorskip("gcn.voeventclient", reason="pygcn is not installed")
    payload = client._form_response(
        "ack", ivorn, "ivo://python_voeventclient/anonymous", "2026-01-01T00:00:00.1"
    )
    message = parse_transport(payload)
    assert (message.role, message.origin) == ("ack", ivorn)
    assert message.response == "ivo://python_voeventclient/anonymous"


BOMB = b'<!DOCTYPE a [<!ENTITY x "y">]><Transport role="ack"><Origin>&x;</Origin></Transport>'


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not XML"),
        (b"GET / HTTP/1.1\r\n", "not XML"),
        (b'<VOEvent role="test" ivorn="ivo://a/b#c"/>', "a VOEvent where"),
        (b'<Transport role="observation"/>', "unknown role 'observation'"),
        (b"<Transport/>", "unknown role 'None'"),
        (BOMB, "document type"),
        (b'<Transport role="ack"><Origin>', "not XML"),
        (b'<Transport role="hello"><Origin>a&b</Origin></Transport>', "not XML"),
    ],
)
def test_other_messages_are_refused_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(PacketError, match=reason):
        parse_transport(payload)


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f'<Transport role="ack">{text}'.encode())
)
def test_garbage_is_refused_and_nothing_else(payload: bytes) -> None:
    try:
        message = parse_transport(payload)
    except PacketError:
        return
    assert message.role in ("iamalive", "authenticate", "ack", "nak")


def test_a_message_of_hundreds_of_elements_is_read_in_part_and_one_of_thousands_not_at_all() -> None:
    """Each element that is looked at costs a microsecond or two of everybody's time."""
    head = b'<T:Transport xmlns:T="x" role="authenticate"><Origin>ivo://a/b</Origin>'
    param = b'<Param name="xpath-filter" value="//A"/>'
    message = parse_transport(head + b"<Meta>" + param * 400 + b"</Meta></T:Transport>")
    assert (message.origin, len(message.filters)) == ("ivo://a/b", 200)
    message = parse_transport(head + b"<a/>" * 400 + b"<Meta>" + param + b"</Meta></T:Transport>")
    assert (message.origin, message.filters) == ("ivo://a/b", ())
    with pytest.raises(PacketError, match="a message of 20004 tags; more than 500 are not read"):
        parse_transport(head + b"<a/>" * 20_000 + b"</T:Transport>")


def test_a_character_reference_beyond_all_numbers_is_refused_like_other_noise() -> None:
    """Python refuses to read so many digits, with an error that nobody expects of text."""
    origin = b"<Origin>ivo://a/b#&#" + b"1" * 5_000 + b";</Origin>"
    with pytest.raises(PacketError, match="not XML"):
        parse_transport(b'<trn:Transport role="ack">' + origin + b"</trn:Transport>")
