"""``filter`` on topics of a real broker: what is kept comes once, whoever is killed, stopped or joins."""

from __future__ import annotations

import random
import signal
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from committed import Message, committed, keys, wait_until_visible
from confluent_kafka import Consumer, KafkaException, TopicPartition
from feeding import Survey
from kafka_broker import Broker
from processes import bridge_command, running, wait_for
from reading import settings

from bridge.alerts.lens import compile_lens
from bridge.alerts.packet import Packet, Refusal
from bridge.alerts.store import SchemaStore
from bridge.convert.keep import Kept
from bridge.convert.topic_job import TopicJob, filter_topics
from bridge.convert.topic_outlets import target_topics
from bridge.errors import SourceError, UsageError
from bridge.filters import FilterSet, Together, load_filters, parse_filter
from bridge.simulate import simulate
from bridge.streams.kafka.settings import load_settings
from bridge.streams.kafka.url import is_kafka_url, parse_url

KILLS = 20
ALERTS = 1200
EVERY = "candidate.jd > 0"
EARLY = 'auto.offset.reset = "earliest"\n'


class Filtering:
    """Filters in this process, to the present end of a topic."""

    def __init__(self, broker: Broker, folder: Path) -> None:
        self.broker = broker
        self.settings = load_settings(settings(folder, EARLY))
        self.refusals: list[Refusal] = []

    def job(self, source: str, target: str, filters: FilterSet | str = EVERY, **more: Any) -> TopicJob:
        there = f"kafka://{self.broker.bootstrap}/"
        filters = FilterSet([parse_filter(filters)]) if isinstance(filters, str) else filters
        return TopicJob(
            source=parse_url(there + source),
            settings=self.settings,
            target=target if "/" in target else there + target,
            target_settings=self.settings,
            filters=filters,
            store=more.pop("store", SchemaStore()),
            **{"group": f"of-{target[-60:].replace('/', '-')}", "until_end": True, **more},
        )

    def __call__(self, *words: Any, **more: Any) -> Kept:
        job = self.job(*words, **more)
        kept = filter_topics(job, refuse=self.refusals.append, stop=lambda: False)
        if is_kafka_url(job.target):
            wait_until_visible(self.broker, *target_topics(parse_url(job.target), job.filters))
        return kept


@pytest.fixture
def keep(kafka: Broker, tmp_path: Path) -> Filtering:
    return Filtering(kafka, tmp_path)


def survey(alerts: int = 40, visits: int = 2) -> Iterator[tuple[str, bytes, Packet]]:
    for visit in simulate("ztf", visits=visits, alerts=alerts // visits, seed=5):
        for alert in visit:
            yield str(alert.identifier), alert.packet.data, alert.packet


def test_a_kept_message_keeps_value_key_headers_and_time(
    kafka: Broker, topics: Any, keep: Filtering, shared_data: Path
) -> None:
    source, target = topics.new("in"), topics.new("out")
    sent = []
    for number, path in enumerate(sorted((shared_data / "alerts").glob("ztf-*.avro"))):
        message = Message(
            path.read_bytes(),
            b"k%d" % number,
            (("n", b"%d" % number), ("e", None)),
            1_500_000_000_000 + number,
        )
        topics.fill(
            source, message.value, key=message.key, headers=list(message.headers), timestamp=message.time_ms
        )
        sent.append(message)
    kept = keep(source, target)
    assert (kept.read, kept.kept) == (len(sent), len(sent))
    assert committed(kafka, target) == sent
    # The group's positions went with them: a second run finds nothing to do.
    assert keep(source, target).read == 0
    assert committed(kafka, target) == sent


def test_json_notices_go_on_as_they_came(kafka: Broker, topics: Any, keep: Filtering) -> None:
    source, target = topics.new("in"), topics.new("out")
    wanted = Message(b'{ "ra": 1.5, "snr":9 }', b"k", (("h", b"v"),), 1_500_000_000_000)
    topics.fill(source, wanted.value, key=wanted.key, headers=list(wanted.headers), timestamp=wanted.time_ms)
    topics.fill(source, b'{"ra": 1.5, "snr": 2}', b'{"ra": 1.5, "alert": "other"}')
    kept = keep(source, target, "snr > 5")
    assert (kept.read, kept.kept, len(keep.refusals)) == (3, 1, 1)
    assert "no filter names a value that it has" in keep.refusals[0].reason
    assert committed(kafka, target) == [wanted]


def test_alerts_stay_in_their_partition_where_there_are_as_many_and_else_their_order_is_lost(
    kafka: Broker, topics: Any, keep: Filtering, caplog: pytest.LogCaptureFixture
) -> None:
    source, same, fewer = (topics.new("t", partitions=count) for count in (3, 3, 2))
    for number, (_, data, _) in enumerate(survey(30)):
        # Without a key nothing but the partition itself keeps them together.
        topics.fill(source, data, partition=(number * 7) % 3)
    first_step = Together(FilterSet([parse_filter(EVERY, "one"), parse_filter("candid > 0", "two")]))
    assert keep(source, same, first_step).by_filter == (30,)
    assert committed(kafka, same) == committed(kafka, source)
    assert "order" not in caplog.text
    keep(source, fewer, first_step)
    assert f"{fewer} has 2 partitions and {source} has 3" in caplog.text


def test_each_filter_has_a_topic_and_bad_messages_go_aside(
    kafka: Broker, topics: Any, keep: Filtering, tmp_path: Path
) -> None:
    source, stem, dead = topics.new("in", partitions=4), topics.new("kept"), topics.new("dead")
    expected: dict[str, list[str]] = {"bright": [], "faint": []}
    cut = 19.0
    for identifier, data, packet in survey():
        topics.fill(source, data, key=identifier)
        magnitude = compile_lens(packet.schema, ("candidate.magpsf",)).read(packet)[0]
        expected["bright" if magnitude < cut else "faint"].append(identifier)
    topics.fill(source, b"no alert", b"{", data[:-100], key="bad", headers=[("a", b"b")])
    texts = [
        f'[[filter]]\nname = "{n}"\nwhere = "candidate.magpsf {c} {cut}"\n'
        for n, c in (("bright", "<"), ("faint", ">="))
    ]
    (tmp_path / "f.toml").write_text("".join(texts))
    filters = load_filters(tmp_path / "f.toml")
    with pytest.raises(SourceError, match=f"has no topic {stem}.(bright|faint), and does not make it"):
        keep(source, stem, filters)
    for name in expected:
        topics.new(f"{stem}.{name}", exact=True)
    kept = keep(source, stem, filters, dead_letters=parse_url(f"kafka://{kafka.bootstrap}/{dead}"))
    assert kept.by_filter == tuple(map(len, expected.values()))
    for name, identifiers in expected.items():
        assert keys(kafka, f"{stem}.{name}") == sorted(identifiers)
    refused = committed(kafka, dead)
    assert sorted(m.value for m in refused) == sorted([b"no alert", b"{", data[:-100]])
    assert len(keep.refusals) == 3
    for message in refused:
        headers = dict(message.headers)
        assert headers["a"] == b"b"
        assert headers["reason"]
        assert source.encode() in (headers["origin"] or b"")


def filter_command(broker: Broker, source: str, target: str, config: Path, *more: object) -> list[str]:
    there = f"kafka://{broker.bootstrap}/"
    return bridge_command(
        *("filter", "--from", there + source, "--to", there + target, "--kafka-config", config),
        *more,
    )


class Group:
    """How far a group has come in a topic, all partitions together."""

    def __init__(self, broker: Broker, group: str, topic: str, partitions: int) -> None:
        config = {"group.id": group, "isolation.level": "read_uncommitted"}
        self._reader = Consumer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **config})
        self._places = [TopicPartition(topic, number) for number in range(partitions)]

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def position(self) -> int:
        try:
            places = self._reader.committed(self._places, timeout=30)
        except KafkaException:
            # The broker is making the place where it keeps the positions of all groups.
            return 0
        return sum(max(0, place.offset) for place in places)


@pytest.mark.slow
@pytest.mark.no_cover
def test_killed_twenty_times_under_load_every_alert_comes_once(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    source, target = topics.new("in", partitions=4), topics.new("out", partitions=2)
    log = tmp_path / "filter.log"
    command = filter_command(kafka, source, target, settings(tmp_path, EARLY), "--where", EVERY)
    alerts = Survey(topics, source, ALERTS)
    dice = random.Random(7)
    share = ALERTS // (KILLS + 1)
    at_kill = []
    with Group(kafka, f"voevent-bridge.filter.{target}", source, 4) as group:
        for _ in range(KILLS):
            alerts.send(share // 2)
            left = iter(range(share - share // 2))
            aim = group.position() + dice.randrange(1, share)
            with running(command, log) as process:

                def is_time(aim: int = aim, left: Iterator[int] = left) -> bool:
                    # Alerts come in while it works, and some are left for the next one.
                    alerts.send(sum(1 for _ in islice(left, 4)))
                    return group.position() >= aim

                wait_for(is_time, "alerts to come through")
                process.send_signal(signal.SIGKILL)
                process.wait()
            alerts.send(sum(1 for _ in left))
            at_kill.append(group.position())
    assert len(set(at_kill)) == KILLS
    assert at_kill[-1] < ALERTS
    alerts.send(ALERTS)
    topics.flush()
    with running(command, log) as process:
        wait_for(lambda: len(keys(kafka, target)) >= ALERTS, "all alerts")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert keys(kafka, target) == sorted(alerts.identifiers)
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
@pytest.mark.no_cover
def test_three_members_share_the_work_and_one_that_dies_is_replaced_by_the_others(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    source, target = topics.new("in", partitions=16), topics.new("out")
    fast = EARLY + 'session.timeout.ms = "6000"\n'
    command = filter_command(kafka, source, target, settings(tmp_path, fast), "--where", EVERY)
    logs = [tmp_path / f"{number}.log" for number in range(3)]
    alerts = Survey(topics, source, ALERTS, pause_s=0.01)

    def has_a_share(log: Path) -> bool:
        lines = [line for line in log.read_text().splitlines() if "Reading" in line]
        return bool(lines) and 5 <= lines[-1].count(source) <= 6

    with running(command, logs[0]) as first, running(command, logs[1]), running(command, logs[2]) as third:
        wait_for(lambda: all(map(has_a_share, logs)), "three members to share 16 partitions")
        alerts.start()
        wait_for(lambda: len(committed(kafka, target)) > ALERTS // 10, "alerts to come through")
        first.send_signal(signal.SIGKILL)
        wait_for(lambda: len(committed(kafka, target)) > ALERTS // 4, "the others to go on")
        third.send_signal(signal.SIGTERM)
        assert third.wait(30) == 0
        alerts.hurry.set()
        alerts.join()
        wait_for(lambda: len(committed(kafka, target)) >= ALERTS, "the last member to do the rest")
    assert keys(kafka, target) == sorted(alerts.identifiers)
    for log in logs:
        assert "Traceback" not in log.read_text()


CAPPED = """
[[filter]]
name = "best"
where = "candidate.rb > 0.2"
cap = 3
order_by = "candidate.magpsf"
wait = 3600
"""


@pytest.mark.no_cover
def test_what_is_held_back_for_a_cap_is_not_lost_with_the_process(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    source, target = topics.new("in", partitions=3), topics.new("kept")
    out = f"{target}.best"
    topics.new(out, exact=True)
    (tmp_path / "f.toml").write_text(CAPPED)
    ranked: dict[float, list[tuple[float, str]]] = defaultdict(list)
    visits = list(simulate("ztf", visits=3, alerts=30, seed=8))
    log = tmp_path / "filter.log"
    words = ("--filters", tmp_path / "f.toml")
    command = filter_command(kafka, source, target, settings(tmp_path, EARLY), *words)
    place = 0
    for number, visit in enumerate(visits):
        for alert in visit:
            lens = compile_lens(alert.packet.schema, ("candidate.jd", "candidate.rb", "candidate.magpsf"))
            jd, rb, magnitude = lens.read(alert.packet)
            topics.send(source, alert.packet.data, key=str(alert.identifier), partition=place % 3)
            place += 1
            if rb > 0.2:
                ranked[jd].append((magnitude, str(alert.identifier)))
        topics.flush()
        expected = sorted(key for jd in list(ranked)[:number] for _, key in sorted(ranked[jd])[:3])
        with running(command, log) as process:
            wait_for(
                lambda expected=expected: keys(kafka, out) == expected or process.poll() is not None,
                "the visits before",
            )
            process.send_signal(signal.SIGKILL if number % 2 == 0 else signal.SIGTERM)
            process.wait(30)
    with running([*command, "--once"], log) as process:
        assert process.wait(60) == 0, log.read_text()
    assert keys(kafka, out) == sorted(key for some in ranked.values() for _, key in sorted(some)[:3])


def test_at_least_once_and_into_a_folder_positions_go_with_the_group(
    kafka: Broker, topics: Any, keep: Filtering, tmp_path: Path
) -> None:
    source, target = topics.new("in", partitions=2), topics.new("out")
    for identifier, data, _ in survey(20):
        topics.fill(source, data, key=identifier)
    for run in (20, 0):
        assert keep(source, target, exactly_once=False).kept == run
        assert keep(source, str(tmp_path / "kept"), exactly_once=False).kept == run
    assert len(keys(kafka, target)) == len(list((tmp_path / "kept").iterdir())) == 20


def test_files_go_into_topics_and_topics_into_files(kafka: Broker, topics: Any, tmp_path: Path) -> None:
    target = topics.new("out")
    (tmp_path / "in").mkdir()
    for identifier, data, _ in survey(6):
        (tmp_path / "in" / f"{identifier}.avro").write_bytes(data)
    url = f"kafka://{kafka.bootstrap}/{target}"
    for words in (
        ("--from", tmp_path / "in", "--to", url),
        ("--from", url, "--to", tmp_path / "out", "--once"),
    ):
        done = subprocess.run(
            bridge_command("filter", *words, "--where", EVERY),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "6 read, 6 kept, 0 refused" in done.stderr
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / n).iterdir()} for n in ("in", "out"))
    assert first == second


def test_two_processes_cannot_have_one_name(keep: Filtering, topics: Any) -> None:
    source, target = topics.new("in"), topics.new("out")
    asked = threading.Event()
    started = threading.Event()

    def stop() -> bool:
        started.set()
        return asked.is_set()

    job = keep.job(source, target, instance="one", until_end=False)
    worker = threading.Thread(target=filter_topics, args=(job,), kwargs={"refuse": print, "stop": stop})
    worker.start()
    try:
        assert started.wait(60)
        with pytest.raises(UsageError, match="named 'one' is at work"):
            keep(source, target, instance="one")
    finally:
        asked.set()
        worker.join(60)


def test_a_newcomer_of_the_same_name_shuts_the_forerunner_out(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    """As on two hosts, where no lock keeps them apart."""
    from bridge.streams.kafka.outbox import Outbox
    from bridge.streams.kafka.settings import KafkaSettings
    from bridge.streams.kafka.transactions import Transactions

    topic = topics.new("out")
    url = parse_url(f"kafka://{kafka.bootstrap}/{topic}")
    outboxes = []
    for value in (b"old", b"new"):
        outbox = Outbox(url, KafkaSettings(), transactional_id=f"id-{topic}")
        transactions = Transactions(outbox, KafkaSettings(), kafka.bootstrap, lambda: False)
        transactions.begin()
        outbox.send(topic, value)
        outbox.flush()
        outboxes.append((outbox, transactions))
    reader = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "none"})
    outboxes[1][1].commit({}, reader)
    with pytest.raises(SourceError, match="taken over this one's name"):
        outboxes[0][1].commit({}, reader)
    reader.close()
    assert [message.value for message in committed(kafka, topic)] == [b"new"]


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
    own_kafka: Broker, topics_of: Callable[[Broker], Any], tmp_path: Path
) -> None:
    topics = topics_of(own_kafka)
    source, target = topics.new("in", partitions=2), topics.new("out")
    log = tmp_path / "filter.log"
    command = filter_command(own_kafka, source, target, settings(tmp_path, EARLY), "--where", EVERY)
    alerts = Survey(topics, source, 300)
    with running(command, log) as process:
        alerts.send(100)
        topics.flush()
        with Group(own_kafka, f"voevent-bridge.filter.{target}", source, 2) as group:
            wait_for(lambda: group.position() > 0, "alerts to come through")
        alerts.send(100)
        own_kafka.stop(signal.SIGKILL)
        own_kafka.start()
        alerts.send(100)
        topics.flush()
        wait_for(lambda: len(keys(own_kafka, target)) >= 300 or process.poll() is not None, "all alerts")
        assert process.poll() is None, log.read_text()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert keys(own_kafka, target) == sorted(alerts.identifiers)
    assert "Traceback" not in log.read_text()
