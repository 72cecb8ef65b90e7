"""Avro containers taken apart: equal to fastavro on real files, and damage costs only what it hit."""

from __future__ import annotations

import io
import json
import zlib
from itertools import groupby
from pathlib import Path
from typing import Any

import fastavro
import pytest
from avro_strategies import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.alerts import ocf_codecs, ocf_header
from bridge.alerts.ocf import read_ocf, single_packet, stream_ocf
from bridge.alerts.ocf_header import read_long, write_long
from bridge.alerts.ocf_write import frame_ocf, ocf_block
from bridge.alerts.ocf_write import ocf_header as container_header
from bridge.alerts.packet import Item, Origin, Packet, Refusal
from bridge.alerts.reader import ForwardReader
from bridge.alerts.schema import parse_schema
from bridge.errors import PacketError

HERE = Origin("test", 0)
CODECS = ["null", "deflate", "snappy", "zstandard", "bzip2", "xz"]
SYNC = bytes(range(16))
RECORD = {
    "type": "record",
    "name": "r",
    "fields": [{"name": "i", "type": "long"}, {"name": "s", "type": "string"}],
}

relaxed = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def container(schema: Any, codec: str, blocks: list[list[bytes]], sync: bytes = SYNC) -> bytes:
    """A container written by hand, so that block borders are the test's choice."""
    entries = {b"avro.schema": json.dumps(schema).encode(), b"avro.codec": codec.encode()}
    out = b"Obj\x01" + write_long(len(entries))
    for key, value in entries.items():
        out += write_long(len(key)) + key + write_long(len(value)) + value
    out += b"\0" + sync
    for block in blocks:
        payload = compress(b"".join(block), codec)
        out += write_long(len(block)) + write_long(len(payload)) + payload + sync
    return out


def compress(plain: bytes, codec: str) -> bytes:
    """fastavro's idea of a compressed block, taken from a container of one bytes value."""
    if codec == "null":
        return plain
    out = io.BytesIO()
    fixed = {"type": "fixed", "name": "f", "size": len(plain)}
    fastavro.writer(out, fixed, [plain], codec=codec, sync_marker=SYNC)
    data = out.getvalue()
    at = data.index(SYNC) + 16
    _, at = read_long(data, at)
    size, at = read_long(data, at)
    return data[at : at + size]


def small(count: int = 4, codec: str = "null", per_block: int = 1) -> bytes:
    datums = [write_long(i) + write_long(3) + b"abc" for i in range(count)]
    return container(RECORD, codec, [datums[i : i + per_block] for i in range(0, count, per_block)])


def decoded(item: Item) -> Any:
    assert isinstance(item, Packet), item
    stream = io.BytesIO(item.datum)
    value = fastavro.schemaless_reader(stream, item.schema.parsed)
    assert stream.tell() == item.stop - item.start
    return value


def in_pieces(data: bytes, size: int) -> ForwardReader:
    return ForwardReader(data[i : i + size] for i in range(0, len(data), size))


def test_every_record_of_every_real_file_equals_fastavros(shared_data: Path) -> None:
    files = sorted((shared_data / "alerts").glob("*.avro"))
    assert len(files) == 5
    for file in files:
        with file.open("rb") as stream:
            expected = list(fastavro.reader(stream))
        data = file.read_bytes()
        for items in (list(read_ocf(data, HERE)), list(stream_ocf(in_pieces(data, 4099), HERE))):
            assert repr([decoded(item) for item in items]) == repr(expected), file.name
            assert [item.origin.offset for item in items] == list(range(len(expected)))


def test_blocks_lie_where_fastavro_finds_them(shared_data: Path) -> None:
    file = shared_data / "alerts" / "fink-ztf-2019-11.avro"
    with file.open("rb") as stream:
        blocks = [block.num_records for block in fastavro.block_reader(stream)]
    packets = [item for item in read_ocf(file.read_bytes(), HERE) if isinstance(item, Packet)]
    # Packets of one block share its bytes.
    assert [len(list(group)) for _, group in groupby(packets, key=lambda p: id(p.data))] == blocks
    assert blocks == [2, 2, 2, 2, 2, 1]


def test_a_ztf_message_becomes_a_packet_without_a_copy(shared_data: Path) -> None:
    message = (shared_data / "alerts" / "ztf-ZTF19acihgng.avro").read_bytes()
    packet = single_packet(message, HERE)
    assert packet is not None
    assert packet.data is message
    assert packet.whole
    assert (packet.framing, packet.schema.name) == ("ocf", "ztf.alert")
    assert message[packet.stop :] == message[packet.start - 20 : packet.start - 4]


def test_a_header_is_parsed_once_although_each_file_has_its_own_sync_marker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parsed: list[object] = []
    monkeypatch.setattr(ocf_header, "_recent", ())
    monkeypatch.setattr(ocf_header, "parse_schema", lambda text: parsed.append(text) or parse_schema(text))
    for n in range(5):
        message = container(RECORD, "null", [[b"\x02\x02a"]], sync=bytes([n]) * 16)
        other = container({**RECORD, "doc": "another"}, "null", [[b"\x02\x02a"]], sync=bytes([n]) * 16)
        assert single_packet(message, HERE) is not None
        assert single_packet(other, HERE) is not None
    assert len(parsed) == 2


def test_only_the_latest_headers_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocf_header, "_recent", ())
    for n in range(40):
        single_packet(container({**RECORD, "doc": str(n)}, "null", [[b"\x02\x02a"]]), HERE)
    assert len(ocf_header._recent) == ocf_header.REMEMBERED


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_and_block_size_gives_what_fastavro_wrote(codec: str) -> None:
    records = [{"i": i * 1_000_003, "s": "x" * (i % 70)} for i in range(200)]
    for interval in (1, 100, 16000):
        out = io.BytesIO()
        fastavro.writer(out, RECORD, records, codec=codec, sync_interval=interval)
        assert [decoded(item) for item in read_ocf(out.getvalue(), HERE)] == records


@given(
    st.lists(cases(), min_size=1, max_size=3), st.sampled_from(CODECS), st.integers(1, 3), st.integers(1, 99)
)
@relaxed
def test_random_schemas_records_codecs_and_blocks_come_back_byte_for_byte(
    drawn: list[Any], codec: str, per_block: int, piece: int
) -> None:
    case = drawn[0]
    datums = [case.datum] * len(drawn)
    data = container(
        case.schema.json, codec, [datums[i : i + per_block] for i in range(0, len(datums), per_block)]
    )
    for items in (list(read_ocf(data, HERE)), list(stream_ocf(in_pieces(data, piece), HERE))):
        assert [item.datum for item in items if isinstance(item, Packet)] == datums
        assert len(items) == len(datums)
    assert sum(1 for _ in fastavro.reader(io.BytesIO(data))) == len(datums)


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy"])
@pytest.mark.parametrize("per_block", [1, 2])
def test_a_file_cut_anywhere_gives_its_whole_blocks_and_one_refusal(codec: str, per_block: int) -> None:
    data = small(4, codec, per_block)
    whole = [item.datum for item in read_ocf(data, HERE)]
    header = data.index(SYNC) + 16
    borders = {header + i + 16 for i in range(len(data)) if data[header:].startswith(SYNC, i)} | {header}
    for cut in range(len(data)):
        items = list(read_ocf(data[:cut], HERE))
        packets = [item.datum for item in items if isinstance(item, Packet)]
        refusals = [item for item in items if isinstance(item, Refusal)]
        assert packets == whole[: len(packets)]
        assert len(refusals) == (0 if cut in borders else 1), cut
        assert [item.origin.offset for item in items] == list(range(len(items)))


@pytest.mark.parametrize("codec", ["null", "deflate", "snappy", "zstandard"])
def test_one_wrong_byte_never_raises_and_leaves_the_other_blocks_alone(codec: str) -> None:
    data = small(4, codec)
    header = data.index(SYNC) + 16
    for at in range(len(data)):
        damaged = data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1 :]
        items = list(read_ocf(damaged, HERE))
        packets = [item for item in items if isinstance(item, Packet)]
        if at >= header:
            # A wrong sync marker may take the block behind it along, where no other marker is left between.
            assert len(packets) >= 2, at


def test_reading_goes_on_behind_a_damaged_block() -> None:
    data = bytearray(small(4, "snappy"))
    second = data.index(SYNC, data.index(SYNC) + 16) + 16
    data[second + 3] ^= 0xFF
    items = list(read_ocf(bytes(data), HERE))
    assert [type(item).__name__ for item in items] == ["Packet", "Refusal", "Packet", "Packet"]
    assert isinstance(items[1], Refusal)
    assert "Block 2" in items[1].reason
    assert "snappy" in items[1].reason
    assert [decoded(items[i])["i"] for i in (0, 2, 3)] == [0, 2, 3]


def test_a_block_whose_length_is_nonsense_costs_only_itself() -> None:
    datum = write_long(7) + write_long(3) + b"abc"
    good = b"\x02" + write_long(len(datum)) + datum + SYNC
    for nonsense in (write_long(1 << 40), write_long(-5), b"\xff" * 11, write_long(1000)):
        data = container(RECORD, "null", [[datum]]) + b"\x02" + nonsense + datum + SYNC + good
        items = list(read_ocf(data, HERE))
        assert [type(item).__name__ for item in items] == ["Packet", "Refusal", "Packet"], nonsense


def test_records_must_fill_their_block_exactly() -> None:
    datum = write_long(7) + write_long(3) + b"abc"
    for block in ([datum, datum + b"\0"], [datum, datum[:-1]], [datum, b""]):
        items = list(read_ocf(container(RECORD, "null", [block, [datum]]), HERE))
        assert [type(item).__name__ for item in items] == ["Refusal", "Packet"]


def test_a_block_cannot_claim_a_billion_records_of_nothing() -> None:
    empty = {"type": "record", "name": "nothing", "fields": []}
    fine = container(empty, "null", [[b""] * 50])
    assert len(list(read_ocf(fine, HERE))) == 50
    header = fine[: fine.index(SYNC) + 16]
    items = list(read_ocf(header + write_long(10**9) + b"\0" + SYNC, HERE))
    assert [type(item).__name__ for item in items] == ["Refusal"]


@pytest.mark.parametrize("codec", ["deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_a_decompression_bomb_is_refused(codec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    payload = compress(bytes(100_000), codec)
    monkeypatch.setattr(ocf_codecs, "BLOCK_LIMIT", 10_000)
    with pytest.raises(PacketError, match="grows beyond"):
        ocf_codecs.decompress_block(payload, codec)


@pytest.mark.parametrize("codec", ["deflate", "snappy", "zstandard", "bzip2", "xz"])
def test_damaged_compressed_data_are_a_packet_error(codec: str) -> None:
    payload = compress(bytes(range(256)) * 40, codec)
    cuts = [payload[:2], payload[: len(payload) // 2], b"", b"garbage, not compressed at all"]
    for bad in cuts:
        try:
            plain = ocf_codecs.decompress_block(bad, codec)
        except PacketError as error:
            assert codec in error.reason  # noqa: PT017 - some codecs give a short result, which is judged below
        else:
            assert len(plain) < 256 * 40


def test_snappy_is_held_to_its_checksum() -> None:
    payload = compress(b"light curve " * 20, "snappy")
    assert zlib.crc32(b"light curve " * 20) == int.from_bytes(payload[-4:], "big")
    with pytest.raises(PacketError, match="CRC32"):
        ocf_codecs.decompress_block(payload[:-1] + bytes([payload[-1] ^ 1]), "snappy")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "inside its header"),
        (b"Obj", "inside its header"),
        (b"Obj\x01", "inside its header"),
        (b"Obk\x01" + bytes(40), "not an Avro container"),
        (container(RECORD, "null", []).replace(b"null", b"lzo!"), "'lzo!'"),
        (container(RECORD, "null", []).replace(b"avro.schema", b"avro.scheme"), "no 'avro.schema'"),
        (container({"type": "wrong"}, "null", []), "schema cannot be used"),
        (b"Obj\x01\x02\x01", "negative length"),
        (b"Obj\x01" + b"\xff" * 12, "64 bits"),
    ],
)
def test_a_header_that_cannot_be_used_is_one_refusal_with_the_reason(data: bytes, reason: str) -> None:
    items = list(read_ocf(data, HERE))
    assert len(items) == 1
    assert isinstance(items[0], Refusal)
    assert reason in items[0].reason


def test_a_header_map_may_come_in_sized_blocks() -> None:
    plain = container(RECORD, "null", [[b"\x02\x02a"]])
    body = plain[5 : plain.index(SYNC) - 1]
    sized = b"Obj\x01" + write_long(-2) + write_long(len(body)) + body + plain[plain.index(SYNC) - 1 :]
    assert [decoded(item) for item in read_ocf(sized, HERE)] == [{"i": 1, "s": "a"}]


def test_a_header_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.alerts.ocf.HEADER_LIMIT", 100_000)
    endless = b"Obj\x01\x02" + write_long(1 << 40) + bytes(1 << 20)
    (item,) = stream_ocf(in_pieces(endless, 5000), HERE)
    assert isinstance(item, Refusal)
    assert "longer than" in item.reason


@given(st.binary(max_size=200), st.booleans())
@relaxed
def test_garbage_never_raises(garbage: bytes, after_header: bool) -> None:
    data = small(1) + garbage if after_header else b"Obj\x01" + garbage
    items = list(read_ocf(data, HERE))
    assert all(isinstance(item, (Packet, Refusal)) for item in items)
    assert len(items) >= 1


def test_records_of_one_message_can_share_its_offset() -> None:
    items = list(read_ocf(small(3), Origin("topic/0", 41, "m"), step=0))
    assert [item.origin for item in items] == [Origin("topic/0", 41, "m")] * 3


def test_a_record_of_many_gets_a_container_of_its_own(shared_data: Path) -> None:
    file = shared_data / "alerts" / "fink-ztf-2019-11.avro"
    packets = list(read_ocf(file.read_bytes(), HERE))
    for packet in packets:
        assert isinstance(packet, Packet)
        framed = frame_ocf(packet)
        reader = fastavro.reader(io.BytesIO(framed))
        assert repr(list(reader)) == repr([decoded(packet)])
        again = single_packet(framed, HERE)
        assert again is not None
        assert (again.datum, again.schema) == (packet.datum, packet.schema)
        assert frame_ocf(again) is framed


def test_appended_blocks_are_one_container() -> None:
    packets = [item for item in read_ocf(small(5, "deflate", 2), HERE) if isinstance(item, Packet)]
    written = container_header(packets[0].schema) + b"".join(ocf_block(packet) for packet in packets)
    assert [record["i"] for record in fastavro.reader(io.BytesIO(written))] == [0, 1, 2, 3, 4]


@given(st.integers(-(2**63), 2**63 - 1))
def test_longs_round_trip(value: int) -> None:
    assert read_long(write_long(value), 0) == (value, len(write_long(value)))
