"""What a message is taken for: by its first bytes and its schema's identity, never by trying."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.alerts.framing import MESSAGE_LIMIT, items_from_message
from bridge.alerts.packet import Document, Item, Origin, Packet, Refusal
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore, open_store

HERE = Origin("topic/0", 7, "m")
SCHEMA = parse_schema({"type": "record", "name": "r", "fields": [{"name": "i", "type": "long"}]})
EMPTY = SchemaStore()


def only(data: bytes, store: SchemaStore = EMPTY, *, bare: bool = False) -> Item:
    (item,) = items_from_message(data, HERE, store, SCHEMA if bare else None)
    assert item.origin == HERE
    return item


def store_with(tmp_path: Path, *ids: int) -> SchemaStore:
    for schema_id in ids:
        (tmp_path / f"{schema_id}.avsc").write_text(SCHEMA.text)
    return SchemaStore((("test", tmp_path),))


def test_real_wire_format_packets_get_the_schema_of_their_id(
    shared_data: Path, lsst_distribution: Path
) -> None:
    store = open_store(environ={"HOME": "/nonexistent"})
    files = sorted((shared_data / "alerts" / "lsst-v10.0-framed").glob("*.bin"))
    assert len(files) == 7
    for file in files:
        item = only(file.read_bytes(), store)
        assert isinstance(item, Packet)
        assert (item.framing, item.whole, item.start) == ("confluent", True, 5)
        assert item.schema.name == "lsst.v10_0.alert"
        record = fastavro.schemaless_reader(io.BytesIO(item.datum), item.schema.parsed)
        assert isinstance(record, dict)
        assert str(record["diaSourceId"]) == file.stem


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_xml_is_taken_in_the_encodings_that_every_xml_reader_takes(encoding: str) -> None:
    data = '<?xml version="1.0"?><voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0"/>'.encode(
        encoding
    )
    item = only(data, bare=True)
    assert isinstance(item, Document)
    assert (item.kind, item.data) == ("voevent", data)


def test_a_datum_that_begins_like_utf16_is_a_datum_still() -> None:
    item = only(b"\xff\xfe<\0" + b"\x00" * 20, bare=True)
    assert isinstance(item, Packet)


def test_xml_with_zero_bytes_behind_it_is_refused_for_these() -> None:
    item = only(b"<a/>\0\0")
    assert isinstance(item, Refusal)
    assert item.reason.startswith("The message begins as XML or JSON do, but has a zero byte (byte 4)")


def test_an_unknown_id_is_refused_with_its_meaning_and_a_remedy() -> None:
    item = only(b"\x00\x00\x00\x03\x84rest")
    assert isinstance(item, Refusal)
    assert "900" in item.reason
    assert "v9.0" in item.reason
    for remedy in ("--schemas DIR|URL", "schemas fetch 900", "schemas add FILE", "lsst-alert-packet"):
        assert remedy in item.reason
    assert item.data == b"\x00\x00\x00\x03\x84rest"


def test_a_known_id_wins_over_the_schema_for_bare_messages(tmp_path: Path) -> None:
    store = store_with(tmp_path, 7)
    wired = only(b"\x00\x00\x00\x00\x07\x02", store, bare=True)
    bare = only(b"\x00\x00\x00\x00\x08\x02", store, bare=True)
    assert isinstance(wired, Packet)
    assert isinstance(bare, Packet)
    assert (wired.framing, wired.start, bare.framing, bare.start) == ("confluent", 5, "bare", 0)


@pytest.mark.parametrize("lead", [b"", b"\xef\xbb\xbf", b" \r\n\t", b"\xef\xbb\xbf\n", b" " * 300])
def test_xml_and_json_are_documents_as_they_came(lead: bytes) -> None:
    for body, kind in ((b"<?xml version='1.0'?><v/>", "voevent"), (b'{"a": 1}', "json"), (b"[1]", "json")):
        item = only(lead + body)
        assert item == Document(lead + body, kind, HERE)  # type: ignore[arg-type]


def test_a_bare_datum_that_begins_like_text_is_still_a_datum() -> None:
    for datum in (b"<\x00", b"{\x00\x01", b"[\x00"):
        item = only(datum, bare=True)
        assert isinstance(item, Packet)
        assert item.framing == "bare"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"Dear all, the archive has moved.", "no Avro container"),
        (b"\x00\x01", "no Avro container"),
        (bytes(257).replace(b"\0", b"n") + b"ustar" + bytes(300), "tar archive inside"),
        (gzip.compress(gzip.compress(b"<v/>", mtime=0), mtime=0), "compressed data again"),
        (gzip.compress(b"<v/>" * 1000, mtime=0)[:-20], "cannot be read"),
        (b"\x1f\x8b\x08garbage", "cannot be read"),
    ],
)
def test_what_is_no_alert_is_refused_with_a_reason(data: bytes, words: str) -> None:
    item = only(data)
    assert isinstance(item, Refusal)
    assert words in item.reason
    assert item.data == data


def test_gzip_is_unwrapped_and_then_not_whole(shared_data: Path, tmp_path: Path) -> None:
    message = (shared_data / "alerts" / "ztf-ZTF19acihgng.avro").read_bytes()
    item = only(gzip.compress(message))
    assert isinstance(item, Packet)
    assert item.data == message
    assert not item.whole
    wired = only(gzip.compress(b"\x00\x00\x00\x00\x07\x02"), store_with(tmp_path, 7))
    assert isinstance(wired, Packet)
    assert (wired.start, wired.whole, wired.framing) == (5, False, "confluent")


def test_a_cut_gzip_of_many_records_gives_those_that_are_whole(shared_data: Path) -> None:
    packed = gzip.compress((shared_data / "alerts" / "fink-ztf-2019-11.avro").read_bytes(), 1)
    items = list(items_from_message(packed[: len(packed) // 2], HERE, EMPTY))
    assert [type(item).__name__ for item in items[:-2]] == ["Packet"] * (len(items) - 2)
    assert len(items) > 4
    last = items[-1]
    assert isinstance(last, Refusal)
    assert "cannot be read to their end" in last.reason
    assert [item.origin.offset for item in items] == [7 + i for i in range(len(items))]


def test_a_gzip_bomb_is_refused() -> None:
    item = only(gzip.compress(bytes(MESSAGE_LIMIT + 1), 1))
    assert isinstance(item, Refusal)
    assert "more than 64 MB" in item.reason


@given(st.binary(max_size=64), st.booleans())
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_items_and_no_exception(data: bytes, bare: bool) -> None:
    for item in items_from_message(data, HERE, EMPTY, SCHEMA if bare else None):
        assert isinstance(item, (Packet, Document, Refusal))
        assert isinstance(item, Refusal) is False or item.reason
