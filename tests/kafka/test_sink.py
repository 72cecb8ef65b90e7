"""Packets into a topic of a real broker: byte for byte, all of them, or an error that says why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient
from kafka_broker import Broker
from reading import items, read_all

from bridge.alerts.packet import Document, Packet
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError, UsageError
from bridge.streams import open_sink, open_source
from bridge.streams.kafka.outbox import Outbox
from bridge.streams.kafka.settings import KafkaSettings
from bridge.streams.kafka.url import parse_url
from bridge.streams.kafka.window import MOST_BYTES, NEARBY_S, WINDOW_BYTES, Window

FINK = b'{"type": "record", "name": "fink", "fields": [{"name": "i", "type": "long"}]}'


def test_packets_pass_from_topic_to_topic_with_all_that_came_beside_them(
    kafka: Broker, topics: Any, shared_data: Path, lsst_distribution: Path
) -> None:
    here, there = topics.new("here"), topics.new("there")
    store = SchemaStore((("lsst", lsst_distribution),))
    ocf = min((shared_data / "alerts").glob("ztf-*.avro")).read_bytes()
    wire = min((shared_data / "alerts/lsst-v10.0-framed").glob("*.bin")).read_bytes()
    topics.fill(here, ocf, key=b"object", headers=[("_id", b"\x01\xff")], timestamp=1_700_000_000_000)
    topics.fill(here, wire, timestamp=1_700_000_000_001)
    topics.fill(here, b"\x54", key=FINK, timestamp=1_700_000_000_002)
    before = items(read_all(f"kafka://{kafka.bootstrap}/{here}", store=store))
    with open_sink(f"kafka://{kafka.bootstrap}/{there}") as sink:
        for item in before:
            assert isinstance(item, Packet)
            sink.write(item)
    after = items(read_all(f"kafka://{kafka.bootstrap}/{there}", store=store))
    assert [item.data for item in after] == [ocf, wire, b"\x54"]
    assert [item.origin.envelope for item in after] == [item.origin.envelope for item in before]


def test_records_of_one_file_become_messages_that_say_their_schema(
    kafka: Broker, topics: Any, shared_data: Path
) -> None:
    topic = topics.new()
    source = open_source(shared_data / "alerts/fink-ztf-2019-11.avro", store=SchemaStore())
    packets = [item for batch in source for item in batch if isinstance(item, Packet)]
    with open_sink(f"kafka://{kafka.bootstrap}/{topic}") as sink:
        for packet in packets:
            sink.write(packet)
    read = [
        item for item in items(read_all(f"kafka://{kafka.bootstrap}/{topic}")) if isinstance(item, Packet)
    ]
    assert [item.datum for item in read] == [packet.datum for packet in packets]
    assert {item.schema.fingerprint for item in read} == {packets[0].schema.fingerprint}


def test_messages_of_four_megabytes_pass_where_the_topic_takes_them(kafka: Broker, topics: Any) -> None:
    wide, narrow = topics.new("wide", max_message_bytes=str(5 << 20)), topics.new("narrow")
    large = b"<v>" + bytes(range(65, 91)) * 161_319 + b"</v>"
    topics.fill(narrow, b"<v/>")
    (document,) = items(read_all(f"kafka://{kafka.bootstrap}/{narrow}"))
    assert isinstance(document, Document)
    document = Document(large, "voevent", document.origin)
    with open_sink(f"kafka://{kafka.bootstrap}/{wide}") as sink:
        sink.write(document)  # type: ignore[arg-type]
    (read,) = items(read_all(f"kafka://{kafka.bootstrap}/{wide}"))
    assert read.data == large
    refused = pytest.raises(SourceError, match=f"topic {narrow}, refuses a message of this size")
    with refused, open_sink(f"kafka://{kafka.bootstrap}/{narrow}") as sink:
        sink.write(document)  # type: ignore[arg-type]


def test_a_topic_that_is_not_there_is_named_at_once(kafka: Broker) -> None:
    with pytest.raises(SourceError, match="has no topic nowhere, and does not make it"):
        open_sink(f"kafka://{kafka.bootstrap}/nowhere")
    assert "nowhere" not in AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics().topics


def test_no_more_is_under_way_than_one_request_can_hold(kafka: Broker, topics: Any) -> None:
    # Beyond that the client library spins, and takes the processor that the broker needs.
    topic = topics.new(partitions=4)
    outbox = Outbox(parse_url(f"kafka://{kafka.bootstrap}/{topic}"), KafkaSettings())
    bytes_at_most = 0
    for number in range(300):
        # A quicker answer than any before tells that the broker is nearer, and lowers the limit.
        limit_bytes = outbox.under_way.limit_bytes
        outbox.send(topic, number.to_bytes(20_000, "big"))
        assert outbox.under_way.bytes <= max(limit_bytes, outbox.under_way.limit_bytes)
        bytes_at_most = max(bytes_at_most, outbox.under_way.bytes)
    outbox.flush()
    assert bytes_at_most > 20_000
    assert outbox.under_way.bytes == 0
    assert outbox.delivered == 300


def test_more_may_be_under_way_to_a_broker_far_away() -> None:
    window = Window()
    assert window.has_room("a", 10 << 20), "one message may always be sent"
    window.sent("a", WINDOW_BYTES)
    assert not window.has_room("a", 1)
    window.confirmed_after(20 * NEARBY_S)
    assert window.has_room("a", 19 * WINDOW_BYTES)
    assert not window.has_room("a", 19 * WINDOW_BYTES + 1)
    window.confirmed_after(60.0)
    assert window.limit_bytes == 20 * WINDOW_BYTES, "the fastest tells the distance"
    window.confirmed_after(NEARBY_S / 10)
    assert not window.has_room("a", 1)
    window.settled("a", WINDOW_BYTES)
    assert window.has_room("a", 1)


def test_a_topic_that_is_full_leaves_others_their_room() -> None:
    window = Window()
    for number in range(MOST_BYTES // WINDOW_BYTES):
        assert window.has_room(f"topic-{number}", WINDOW_BYTES)
        window.sent(f"topic-{number}", WINDOW_BYTES)
        assert not window.has_room(f"topic-{number}", 1)
    assert not window.has_room("one-more", WINDOW_BYTES), "all together have a limit, too"


def test_packets_go_to_one_topic_named_in_full() -> None:
    for topics in ("a,b", "ztf_{yyyymmdd}", "gcn.*"):
        with pytest.raises(UsageError, match="sent to one topic"):
            open_sink(f"kafka://localhost/{topics}")
