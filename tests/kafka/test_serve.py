"""The feed on a real broker: killed, cut off or shared, it publishes every alert once."""

from __future__ import annotations

import random
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feeding import Survey, entries_of, feed_command, identifiers
from kafka_broker import Broker
from processes import PlainSubscriber, bridge_command, free_port, ready_port, running, wait_for
from reading import settings

from bridge.alerts.lens import compile_lens
from bridge.alerts.packet import Packet
from bridge.alerts.store import open_store
from bridge.errors import SourceError
from bridge.journal import JournalReader
from bridge.simulate import simulate
from bridge.streams import open_source

KILLS = 20
ALERTS = 900
FROM_START = 'auto.offset.reset = "earliest"\n'


def published(journal: Path) -> int:
    try:
        with JournalReader.open(journal) as reader:
            return reader.last_seq()
    except SourceError:
        # The feed has not made it yet.
        return 0


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_killed_twenty_times_under_load_every_alert_is_published_once(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("survey", partitions=3)
    journal, log, port = tmp_path / "feed.journal", tmp_path / "feed.log", free_port()
    log.touch()
    config = settings(tmp_path, FROM_START)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    feed = feed_command(url, tmp_path, "feed", config, "--broadcast", port)
    survey = Survey(topics, topic, ALERTS)
    subscriber = PlainSubscriber(port, "ivo://subscriber.test/plain")
    dice = random.Random(11)
    at_kill = []
    subscriber.start()
    for _ in range(KILLS):
        skip = log.stat().st_size
        with running(feed, log) as process:
            ready_port(process, log, skip)
            # Alerts come in while it works, and some are left for the next one.
            survey.send(ALERTS // (KILLS + 1))
            target = published(journal) + dice.randrange(1, 20)
            wait_for(lambda target=target: published(journal) >= target, "events to be published")
            process.send_signal(signal.SIGKILL)
            process.wait()
        at_kill.append(published(journal))
    assert len(set(at_kill)) > KILLS / 2, "most kills came while the feed was at work"
    survey.send(ALERTS)
    topics.flush()
    assert at_kill[-1] < ALERTS
    skip = log.stat().st_size
    with running(feed, log) as process:
        ready_port(process, log, skip)
        wait_for(lambda: published(journal) >= ALERTS, "all alerts in the journal")
        wait_for(lambda: len(set(subscriber.events)) >= ALERTS, "the subscriber to have all")
    subscriber.stop()
    entries = entries_of(tmp_path, "feed")
    assert sorted(identifiers(entries)) == sorted(survey.identifiers), "each alert is one event"
    assert set(subscriber.events) == {(entry.ivorn, entry.data) for entry in entries}
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_a_broker_that_dies_and_comes_back_costs_nothing(
    own_kafka: Broker, topics_of: Callable[[Broker], Any], tmp_path: Path
) -> None:
    topics = topics_of(own_kafka)
    topic = topics.new("survey", partitions=2)
    log = tmp_path / "feed.log"
    log.touch()
    survey = Survey(topics, topic, 300, pause_s=0.02)
    url = f"kafka://{own_kafka.bootstrap}/{topic}"
    feed = feed_command(url, tmp_path, "feed", settings(tmp_path, FROM_START), "--broadcast", 0)
    with running(feed, log) as process:
        ready_port(process, log)
        survey.start()
        wait_for(lambda: published(tmp_path / "feed.journal") >= 30, "the first events")
        own_kafka.stop(signal.SIGKILL)
        wait_for(lambda: "cannot be reached" in log.read_text(), "the feed to notice")
        own_kafka.start()
        survey.hurry.set()
        survey.join()
        wait_for(lambda: published(tmp_path / "feed.journal") >= 300, "all alerts in the journal")
        wait_for(lambda: "answers again" in log.read_text(), "the feed to say that all is well")
    assert sorted(identifiers(entries_of(tmp_path, "feed"))) == sorted(survey.identifiers)
    assert log.read_text().count("cannot be reached") == 1, "trouble is told once"


@pytest.mark.slow
@pytest.mark.interop
@pytest.mark.no_cover
def test_two_feeds_share_a_group_and_the_survivor_takes_over(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("survey", partitions=4)
    group = f'group.id = "{topic}"\nsession.timeout.ms = 6000\nheartbeat.interval.ms = 500\n'
    config = settings(tmp_path, FROM_START + group)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    survey = Survey(topics, topic, 300, pause_s=0.02)
    one, two = (feed_command(url, tmp_path, name, config, "--broadcast", 0) for name in ("one", "two"))
    with running(one, tmp_path / "one.log"), running(two, tmp_path / "two.log") as second:
        wait_for(lambda: topics.members(topic) == 2, "both feeds to have their share")
        survey.start()
        wait_for(lambda: published(tmp_path / "one.journal") >= 20, "events of the first feed")
        wait_for(lambda: published(tmp_path / "two.journal") >= 20, "events of the second feed")
        second.send_signal(signal.SIGKILL)
        second.wait()
        survey.hurry.set()
        survey.join()

        def covered() -> set[str]:
            return {i for name in ("one", "two") for i in identifiers(entries_of(tmp_path, name))}

        wait_for(lambda: covered() == set(survey.identifiers), "all alerts in one journal or the other")
    for name in ("one", "two"):
        found = identifiers(entries_of(tmp_path, name))
        assert len(found) == len(set(found)), "no feed publishes an alert twice"


@pytest.mark.interop
def test_bad_messages_and_a_new_schema_in_mid_topic_cost_nothing_else(
    kafka: Broker, topics: Any, tmp_path: Path, shared_data: Path, lsst_distribution: Path
) -> None:
    topic = topics.new("lsst")
    old = [path.read_bytes() for path in sorted((shared_data / "alerts/lsst-v10.0-framed").glob("*.bin"))]
    new = [alert.packet.data for visit in simulate("lsst", visits=1, alerts=5, seed=2) for alert in visit]
    bad = [b"", b"garbage", old[0][:200], b"\x00\x00\x00\xff\xff" + old[0][5:], b"<not><closed>", b"<v/>"]
    topics.fill(topic, *old[:3], *bad, *new[:3], None, *old[3:], *new[3:])
    command = feed_command(
        f"kafka://{kafka.bootstrap}/{topic}",
        *(tmp_path, "feed", settings(tmp_path), "--broadcast", 0, "--once", "--schemas", lsst_distribution),
    )
    with running(command, tmp_path / "feed.log") as process:
        assert process.wait(60) == 1, (tmp_path / "feed.log").read_text()
    entries = entries_of(tmp_path, "feed")
    kept = read_identifiers(kafka, topic, lsst_distribution)
    assert len(kept) == len(old) + len(new)
    assert identifiers(entries) == kept
    dead = sorted((tmp_path / "feed.dead-letters").glob("*.bin"))
    assert [path.name.rpartition("-")[0] for path in dead] == [f"{topic}-0-{n}" for n in range(3, 9)]
    assert [path.read_bytes() for path in dead] == bad


def read_identifiers(kafka: Broker, topic: str, schemas: Path) -> list[str]:
    source = open_source(f"kafka://{kafka.bootstrap}/{topic}", store=open_store(schemas))
    packets = [item for batch in source for item in batch if isinstance(item, Packet) and item.stop > 300]
    return [str(compile_lens(packet.schema, ("diaSourceId",)).read(packet)[0]) for packet in packets]


@pytest.mark.interop
def test_voevents_from_gcn_leave_as_the_bytes_that_came(
    kafka: Broker, topics: Any, tmp_path: Path, shared_data: Path
) -> None:
    stem = topics.new("gcn.classic.voevent")
    events = []
    with tarfile.open(shared_data / "voevents/sample-2014-2016.tar.gz") as tar:
        for member in tar:
            if member.isfile() and len(events) < 60:
                events.append(tar.extractfile(member).read())  # type: ignore[union-attr]
    kinds = [topics.new(f"{stem}.{kind}", exact=True) for kind in ("SWIFT", "FERMI")]
    topics.fill(kinds[0], *events[:30])
    topics.fill(kinds[1], *events[30:])
    command = feed_command(
        f"kafka://{kafka.bootstrap}/{stem}.*,gcn.heartbeat",
        *(tmp_path, "feed", settings(tmp_path, FROM_START), "--broadcast", 0),
    )
    topics.new("gcn.heartbeat", exact=True)
    topics.fill("gcn.heartbeat", *[b'{"alert_datetime": "2026-01-01T00:00:00Z"}'] * 5)
    with running(command, tmp_path / "feed.log") as process:
        ready_port(process, tmp_path / "feed.log")
        wait_for(lambda: published(tmp_path / "feed.journal") >= len(set(events)), "all VOEvents")
    relayed = [entry.data for entry in entries_of(tmp_path, "feed")]
    assert sorted(relayed) == sorted(set(events))
    assert not (tmp_path / "feed.dead-letters").exists(), "heartbeats are no events"


@pytest.mark.interop
def test_a_wrong_password_is_told_once_by_a_feed_that_goes_on_trying(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new()
    scram = 'security.protocol = "sasl_plaintext"\nsasl.mechanisms = "SCRAM-SHA-512"\n'
    config = settings(tmp_path, scram + 'sasl.username = "reader"\nsasl.password = "hush-hush"\n')
    url = f"kafka://{kafka.address('SCRAM')}/{topic}"
    log = tmp_path / "feed.log"
    with running(feed_command(url, tmp_path, "feed", config, "--broadcast", 0), log) as process:
        wait_for(lambda: "refuses the credentials" in log.read_text(), "the sentence")
        assert process.poll() is None
        environment = Path(f"/proc/{process.pid}/cmdline")
        if environment.exists():
            assert b"hush-hush" not in environment.read_bytes()
    assert log.read_text().count("refuses the credentials") == 1
    assert "hush-hush" not in log.read_text()


def test_the_command_says_what_is_wrong_with_a_url(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = bridge_command("serve", "--from", "kafka://me:hush@host/t", "--journal", tmp_path / "j")
    with running(command, log) as process:
        assert process.wait(60) == 2
    assert "holds no user and no password" in log.read_text()
    assert "hush" not in log.read_text()
