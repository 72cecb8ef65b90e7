"""Reading topics of a real broker: nothing lost, nothing twice, wherever a run ends and the next begins."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import NewPartitions
from kafka_broker import Broker
from processes import wait_for
from reading import Following, items, positions, reached, read_all, settings, texts

from bridge.alerts.packet import Document, Packet, Refusal
from bridge.alerts.schema import parse_schema
from bridge.alerts.store import SchemaStore
from bridge.errors import SourceError
from bridge.simulate import simulate


def xml(*numbers: int) -> list[bytes]:
    return [f"<v>{number}</v>".encode() for number in numbers]


def expected(*numbers: int) -> list[str]:
    return [value.decode() for value in xml(*numbers)]


def test_a_topic_is_read_to_its_end_and_the_next_run_goes_on_behind_it(kafka: Broker, topics: Any) -> None:
    topic = topics.new(partitions=3)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    for number in range(30):
        topics.fill(topic, *xml(number), partition=number % 3)
    first = read_all(url)
    assert sorted(texts(first)) == sorted(expected(*range(30)))
    topics.fill(topic, *xml(100, 101), partition=2)
    second = read_all(url, positions(first))
    assert texts(second) == expected(100, 101)
    assert texts(read_all(url, positions(first) | positions(second))) == []


def test_a_run_that_breaks_off_is_continued_without_loss_or_repeat(kafka: Broker, topics: Any) -> None:
    topic = topics.new(partitions=2)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    for part in (0, 1):
        topics.fill(topic, *xml(*range(part * 1000, part * 1000 + 700)), partition=part)
    journal: dict[str, int] = {}
    read: list[str] = []
    for _ in range(100):
        source = iter(read_all_slowly(url, journal))
        batch = next((b for b in source if b), None)
        source.close()
        if batch is None:
            break
        assert len(batch) <= 256
        journal |= batch.positions
        read += texts([batch])
    assert sorted(read) == sorted(expected(*range(700), *range(1000, 1700)))


def read_all_slowly(url: str, resume: dict[str, int]) -> Any:
    from bridge.streams import open_source

    yield from open_source(url, store=SchemaStore(), resume=resume)


def test_a_source_tells_how_many_messages_wait_in_its_topics(kafka: Broker, topics: Any) -> None:
    topic = topics.new(partitions=2)
    for part in (0, 1):
        topics.fill(topic, *xml(*range(700)), partition=part)
    follows = Following(f"kafka://{kafka.bootstrap}/{topic}", start="earliest")
    assert follows.source.waiting is None, "nobody has been asked yet"
    follows.until(lambda: follows.source.waiting, "the count")
    assert 0 < follows.source.waiting <= 1400
    follows.until(lambda: follows.source.waiting == 0, "the end")
    assert len(follows.texts) == 1400
    follows.close()


def test_positions_name_the_cluster_because_hosts_get_new_names(kafka: Broker, topics: Any) -> None:
    topic = topics.new()
    topics.fill(topic, *xml(1, 2))
    by_number = read_all(f"kafka://{kafka.bootstrap}/{topic}")
    port = kafka.ports["PLAIN"]
    assert list(reached(positions(by_number)).values()) == [2]
    assert texts(read_all(f"kafka://localhost:{port}/{topic}", positions(by_number))) == []


def test_every_framing_that_alert_services_use_is_understood(
    kafka: Broker, topics: Any, lsst_distribution: Path, shared_data: Path
) -> None:
    topic = topics.new()
    store = SchemaStore((("lsst", lsst_distribution),))
    ocf = min((shared_data / "alerts").glob("ztf-*.avro")).read_bytes()
    wire = min((shared_data / "alerts/lsst-v10.0-framed").glob("*.bin")).read_bytes()
    fink = b'{"type": "record", "name": "fink", "fields": [{"name": "i", "type": "long"}]}'
    topics.fill(topic, ocf, wire, None, b"<v/>", b"{}", b"no alert")
    topics.fill(topic, b"\x54", key=fink)
    topics.fill(topic, b"\x54", key=b'{"type": "record", "fields": 7}')
    topics.fill(topic, b"\x54", key=b'{"id": 7}')
    read = items(read_all(f"kafka://{kafka.bootstrap}/{topic}", store=store))
    kinds = [(type(item), item.origin.offset) for item in read]
    assert kinds == [
        (Packet, 0),
        (Packet, 1),
        (Document, 3),
        (Document, 4),
        (Refusal, 5),
        (Packet, 6),
        (Refusal, 7),
        (Refusal, 8),
    ]
    assert isinstance(read[0], Packet)
    assert (read[0].framing, read[0].data) == ("ocf", ocf)
    assert isinstance(read[1], Packet)
    assert (read[1].framing, read[1].data) == ("confluent", wire)
    assert isinstance(read[5], Packet)
    assert (read[5].framing, read[5].schema.name, read[5].datum) == ("bare", "fink", b"\x54")
    assert isinstance(read[6], Refusal)
    assert "key of the message is no usable schema" in read[6].reason


def test_bare_alerts_need_a_schema_from_the_caller(kafka: Broker, topics: Any) -> None:
    topic = topics.new()
    topics.fill(topic, b"\x54")
    schema = parse_schema({"type": "record", "name": "r", "fields": [{"name": "i", "type": "long"}]})
    (item,) = items(read_all(f"kafka://{kafka.bootstrap}/{topic}", default_schema=schema))
    assert isinstance(item, Packet)
    assert item.schema is schema


def test_all_items_of_one_message_share_its_position(kafka: Broker, topics: Any, shared_data: Path) -> None:
    topic = topics.new()
    many = (shared_data / "alerts/fink-ztf-2019-11.avro").read_bytes()
    topics.fill(topic, many, b"<v/>")
    batches = read_all(f"kafka://{kafka.bootstrap}/{topic}")
    assert [item.origin.offset for item in items(batches)] == [0] * 11 + [1]
    assert list(reached(positions(batches)).values()) == [2]


def test_what_comes_beside_a_message_is_kept(kafka: Broker, topics: Any) -> None:
    topic = topics.new()
    topics.fill(topic, b"<v/>", key=b"k", headers=[("a", b"1"), ("a", None)], timestamp=1_234_567_890_123)
    (item,) = items(read_all(f"kafka://{kafka.bootstrap}/{topic}"))
    envelope = item.origin.envelope
    assert envelope is not None
    assert envelope.key == b"k"
    assert envelope.headers == (("a", b"1"), ("a", None))
    assert envelope.timestamp_ms == 1_234_567_890_123


def test_a_followed_topic_hands_each_message_over_when_it_comes(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new()
    topics.fill(topic, *xml(0))
    feed = Following(f"kafka://{kafka.bootstrap}/{topic}", kafka_config=settings(tmp_path))
    feed.until(lambda: feed.positions, "the place where it begins")
    # A new feed begins with what is new, and knows its place before anything has come.
    assert list(reached(feed.positions).values()) == [1]
    for number in (1, 2, 3):
        topics.fill(topic, *xml(number))
        feed.until_texts(*expected(*range(1, number + 1)))
    assert any(not batch for batch in feed.batches), "signs of life between the messages"
    feed.close()


def test_a_feed_that_stopped_before_its_first_message_misses_none(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new()
    url = f"kafka://{kafka.bootstrap}/{topic}"
    first = Following(url)
    first.until(lambda: first.positions, "the place where it begins")
    first.close()
    topics.fill(topic, *xml(1))
    second = Following(url, first.positions)
    second.until_texts(*expected(1))
    second.close()


def test_new_partitions_and_new_topics_are_read_from_their_first_message(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("grows")
    later = f"{topic}-later"
    url = f"kafka://{kafka.bootstrap}/{topic},{later}"
    feed = Following(url, kafka_config=settings(tmp_path))
    feed.until(lambda: feed.positions, "the first partition to begin")
    topics.admin.create_partitions([NewPartitions(topic, 2)])[topic].result(60)
    wait_for(lambda: topics.is_led(topic, 2), "the new partition")
    topics.fill(topic, *xml(1, 2), partition=1)
    topics.new(later, exact=True)
    topics.fill(later, *xml(3))
    feed.until_texts(*expected(1, 2, 3))
    feed.close()


def test_tonight_begins_at_midnight_and_last_night_is_read_to_its_end(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    nights = {night: topics.new(f"ztf_2026{night}_programid1", exact=True) for night in ("0101", "0102")}
    clock = [1_767_312_000.0 + 86_000]  # 2026-01-02, a few minutes before midnight
    url = f"kafka://{kafka.bootstrap}/ztf_{{yyyymmdd}}_programid1"
    feed = Following(url, now=lambda: clock[0], kafka_config=settings(tmp_path))
    feed.until(lambda: len(reached(feed.positions)) == 2, "both nights to begin")
    topics.fill(nights["0101"], *xml(1))
    topics.fill(nights["0102"], *xml(2))
    feed.until_texts(*expected(1, 2))
    clock[0] += 1000
    nights["0103"] = topics.new("ztf_20260103_programid1", exact=True)
    topics.fill(nights["0103"], *xml(3))
    topics.fill(nights["0102"], *xml(4))
    feed.until_texts(*expected(1, 2, 3, 4))
    feed.close()
    # What came into the topic of two nights ago after it was left is not read: it is not of these nights.
    assert {key.split("/")[3] for key in reached(feed.positions)} == set(nights.values())


def test_a_pattern_takes_all_topics_that_fit(kafka: Broker, topics: Any) -> None:
    stem = topics.new("gcn.classic.voevent")
    for number, name in enumerate((f"{stem}.A", f"{stem}.B", f"{stem}x")):
        topics.new(name, exact=True)
        topics.fill(name, *xml(number))
    assert sorted(texts(read_all(f"kafka://{kafka.bootstrap}/{stem}.*"))) == expected(0, 1)


def test_deleted_messages_are_a_gap_of_known_size(
    kafka: Broker, topics: Any, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topics.new()
    url = f"kafka://{kafka.bootstrap}/{topic}"
    topics.fill(topic, *xml(0, 1))
    before = positions(read_all(url))
    topics.fill(topic, *xml(*range(2, 12)))
    topics.admin.delete_records([TopicPartition(topic, 0, 9)])[TopicPartition(topic, 0)].result(60)
    with caplog.at_level(logging.WARNING):
        feed = Following(url, before)
        feed.until_texts(*expected(9, 10, 11))
        feed.close()
    (gap,) = feed.source.gaps  # type: ignore[attr-defined]
    assert (gap.wanted, gap.found, gap.size) == (2, 9, 7)
    assert f"7 messages of {topic} (partition 0, offsets 2 to 8) were deleted" in caplog.text
    (record,) = [record for record in caplog.records if hasattr(record, "gap")]
    assert record.gap == 7


def test_a_topic_made_anew_is_read_from_its_start(
    kafka: Broker, topics: Any, caplog: pytest.LogCaptureFixture
) -> None:
    topic = topics.new()
    url = f"kafka://{kafka.bootstrap}/{topic}"
    topics.fill(topic, *xml(0))
    before = dict.fromkeys(positions(read_all(url)), 5000)
    feed = Following(url, before)
    feed.until_texts(*expected(0))
    feed.close()
    assert "has been made anew" in caplog.text


def test_large_alerts_come_in_batches_of_bounded_size(kafka: Broker, topics: Any) -> None:
    topic = topics.new(max_message_bytes=str(5 << 20))
    large = b"<v>" + b"x" * 900_000 + b"</v>"
    topics.fill(topic, *[large] * 30)
    batches = read_all(f"kafka://{kafka.bootstrap}/{topic}")
    assert len(items(batches)) == 30
    assert max(len(batch) for batch in batches) <= 10


def test_an_unknown_topic_is_named(kafka: Broker) -> None:
    with pytest.raises(SourceError, match=f"Kafka at {kafka.bootstrap} has no topic nowhere"):
        read_all(f"kafka://{kafka.bootstrap}/nowhere")


def test_a_feed_waits_for_its_topic_and_says_so_once(
    kafka: Broker, topics: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"{topics.new('waited')}-for"
    with caplog.at_level(logging.INFO):
        feed = Following(f"kafka://{kafka.bootstrap}/{name}", kafka_config=settings(tmp_path))
        feed.until(lambda: len(feed.batches) > 3, "signs of life")
        topics.new(name, exact=True)
        topics.fill(name, *xml(1))
        feed.until_texts(*expected(1))
        feed.close()
    told = [record.getMessage() for record in caplog.records if name in record.getMessage()]
    assert told == [
        f"Kafka at {kafka.bootstrap} has no topic {name}. It is looked for every 0.3 s.",
        f"Topic {name} is there now.",
    ]


def test_simulated_alerts_pass_through_a_topic_unchanged(kafka: Broker, topics: Any) -> None:
    topic = topics.new()
    alerts = [alert for visit in simulate("ztf", visits=2, alerts=20, seed=3) for alert in visit]
    topics.fill(topic, *(alert.packet.data for alert in alerts))
    read = items(read_all(f"kafka://{kafka.bootstrap}/{topic}"))
    assert [item.data for item in read] == [alert.packet.data for alert in alerts]
    assert all(isinstance(item, Packet) and item.whole for item in read)
