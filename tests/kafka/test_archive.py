"""Topics of a real broker in an archive: byte for byte, night by night, once, whatever happens meanwhile."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from feeding import Survey
from kafka_broker import Broker
from processes import bridge_command, running, wait_for
from reading import settings

from bridge.alerts.recorded_member import envelope_of
from bridge.alerts.store import SchemaStore
from bridge.bulk.archive import archive_topics
from bridge.bulk.index import NAME
from bridge.errors import SourceError

KILLS = 20
EVENING = 1_772_750_000_000  # 2026-03-05T22:33:20Z
HOUR = 3_600_000


def contents(folder: Path) -> dict[str, list[tuple[str, bytes]]]:
    """Tar file to its members."""
    found = {}
    for path in sorted(folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            found[path.name] = [(info.name, tar.extractfile(info).read()) for info in tar]  # type: ignore[union-attr]
    return found


def indexed(folder: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(folder / NAME) as db:
        asked = (
            "SELECT partition, offset, time, alert_id, tar, member, start, size FROM archive ORDER BY 1, 2"
        )
        return db.execute(asked).fetchall()


def run(kafka: Broker, topic: str, folder: Path, **more: Any) -> int:
    url = f"kafka://{kafka.bootstrap}/{topic}"
    return archive_topics(url, folder, SchemaStore(), follow=False, **more).messages


def test_each_message_is_kept_as_it_came_in_the_file_of_its_night(
    kafka: Broker, topics: Any, tmp_path: Path, shared_data: Path
) -> None:
    topic = topics.new("kept")
    alert = min((shared_data / "alerts").glob("ztf-*.avro")).read_bytes()
    several = (shared_data / "alerts/fink-ztf-2019-11.avro").read_bytes()
    topics.fill(topic, alert, key=b"\x00\xff", headers=[("a", b"\x01"), ("b", None)], timestamp=EVENING)
    topics.fill(topic, several, b"garbage \x00", timestamp=EVENING + 12 * HOUR)
    topics.fill(topic, None, key=b"gone", timestamp=EVENING + 13 * HOUR)
    topics.fill(topic, b"<late/>", timestamp=EVENING + 17 * HOUR)
    topics.fill(topic, b"<belated/>", timestamp=EVENING + HOUR)
    assert run(kafka, topic, tmp_path / "a") == 6
    found = contents(tmp_path / "a")
    first, second = f"{topic}-20260305.tar", f"{topic}-20260306.tar"
    assert {name: [data for _, data in members] for name, members in found.items()} == {
        first: [alert, several, b"garbage \x00", b"", b"<belated/>"],
        second: [b"<late/>"],
    }
    rows = indexed(tmp_path / "a")
    assert [row[1] for row in rows] == [0, 1, 2, 3, 4, 5]
    assert rows[0][2] == "2026-03-05T22:33:20.000Z"
    assert rows[0][3] in rows[0][5]
    for _, _, _, _, tar, member, start, size in rows:
        assert (tmp_path / "a" / tar).read_bytes()[start : start + size] == dict(found[tar])[member]
    with tarfile.open(tmp_path / "a" / first) as tar:
        envelopes = [envelope_of(info) for info in tar]
    assert envelopes[0] is not None
    assert envelopes[0][0].key == b"\x00\xff"
    assert envelopes[0][0].headers == (("a", b"\x01"), ("b", None))
    assert envelopes[0][0].timestamp_ms == EVENING
    assert [each[1] for each in envelopes if each] == [False, False, False, True, False]


def test_a_second_run_goes_on_where_the_first_ended_in_the_same_files(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("twice", partitions=2)
    topics.fill(topic, b"<a/>", b"<b/>", partition=0, timestamp=EVENING)
    assert run(kafka, topic, tmp_path) == 2
    assert run(kafka, topic, tmp_path) == 0
    topics.fill(topic, b"<c/>", partition=1, timestamp=EVENING + 1)
    assert run(kafka, topic, tmp_path) == 1
    (members,) = contents(tmp_path).values()
    assert [data for _, data in members] == [b"<a/>", b"<b/>", b"<c/>"]
    assert len({name for name, _ in members}) == 3


def test_what_a_crash_left_behind_the_last_recorded_member_is_cut_off(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("torn")
    topics.fill(topic, b"<a/>", timestamp=EVENING)
    run(kafka, topic, tmp_path)
    path = tmp_path / f"{topic}-20260305.tar"
    whole = path.read_bytes()
    for torn in (whole[:-1024] + b"half a header", whole[:-1024], whole[:-600], whole + whole):
        path.write_bytes(torn)
        assert run(kafka, topic, tmp_path) == 0
        assert path.read_bytes() == whole
    topics.fill(topic, b"<b/>", timestamp=EVENING)
    path.write_bytes(whole[:-1024] + b"\x01" * 5000)
    run(kafka, topic, tmp_path)
    assert [data for _, data in contents(tmp_path)[path.name]] == [b"<a/>", b"<b/>"]
    path.write_bytes(whole[:100])
    with pytest.raises(SourceError, match="somebody has shortened it"):
        run(kafka, topic, tmp_path)


def test_a_file_that_was_taken_away_is_followed_by_another(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("moved")
    topics.fill(topic, b"<a/>", timestamp=EVENING)
    run(kafka, topic, tmp_path)
    (tmp_path / f"{topic}-20260305.tar").unlink()
    (tmp_path / f"{topic}-20260305.2.tar").write_bytes(b"of somebody else")
    topics.fill(topic, b"<b/>", timestamp=EVENING)
    run(kafka, topic, tmp_path)
    with tarfile.open(tmp_path / f"{topic}-20260305.3.tar") as tar:
        assert len(tar.getnames()) == 1
    assert (tmp_path / f"{topic}-20260305.2.tar").read_bytes() == b"of somebody else"


def test_a_topic_made_anew_begins_again_and_nothing_is_mixed_up(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("anew")
    topics.fill(topic, b"<a/>", b"<b/>", timestamp=EVENING)
    run(kafka, topic, tmp_path)
    topics.admin.delete_topics([topic])[topic].result(60)
    wait_for(lambda: topic not in topics.admin.list_topics(timeout=10).topics, "the topic to go")
    topics.new(topic, exact=True)
    topics.fill(topic, b"<new/>", timestamp=EVENING)
    run(kafka, topic, tmp_path)
    (members,) = contents(tmp_path).values()
    assert [data for _, data in members] == [b"<a/>", b"<b/>", b"<new/>"]
    assert [row[1] for row in indexed(tmp_path)] == [0, 0, 1]


def test_two_processes_cannot_write_into_one_archive(kafka: Broker, topics: Any, tmp_path: Path) -> None:
    topic = topics.new("one")
    topics.fill(topic, b"<a/>")
    refused = []

    def second(_: object) -> None:
        with pytest.raises(SourceError, match="Another process archives"):
            run(kafka, topic, tmp_path)
        refused.append(True)

    run(kafka, topic, tmp_path, progress=second)
    assert refused


def test_told_to_end_it_leaves_whole_files_and_goes_on_later(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("ended")
    folder, log = tmp_path / "archive", tmp_path / "log"
    url = f"kafka://{kafka.bootstrap}/{topic}"
    command = bridge_command("archive", url, "-o", folder, "--kafka-config", settings(tmp_path), "--json")
    topics.fill(topic, b"<a/>", timestamp=EVENING)
    with running(command, log) as process:
        _wait_until(_archived(folder), 1, process, log)
        process.terminate()
        assert process.wait(60) == 0
    assert '"messages": 1' in log.read_text()
    (members,) = contents(folder).values()
    assert len(members) == 1
    topics.fill(topic, b"<b/>", timestamp=EVENING)
    assert run(kafka, topic, folder) == 1


def _archived(folder: Path) -> Callable[[], int]:
    def count() -> int:
        try:
            with sqlite3.connect(f"file:{folder / NAME}?mode=ro", uri=True) as db:
                return int(db.execute("SELECT count(*) FROM messages").fetchone()[0])
        except sqlite3.Error:
            # It has not been made yet.
            return 0

    return count


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.tar"))


def _wait_until(
    measure: Callable[[], int],
    goal: int,
    process: subprocess.Popen[bytes],
    log: Path,
    feed: Callable[[], None] = lambda: None,
) -> None:
    def reached() -> bool:
        feed()
        return measure() >= goal or process.poll() is not None

    wait_for(reached, f"{goal} ({log})")


@pytest.mark.slow
@pytest.mark.no_cover
def test_killed_twenty_times_under_load_nothing_is_lost_and_nothing_twice(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("killed", partitions=3)
    survey = Survey(topics, topic, 900)
    folder, log = tmp_path / "archive", tmp_path / "archive.log"
    config = settings(tmp_path)
    url = f"kafka://{kafka.bootstrap}/{topic}"
    command = bridge_command("archive", url, "-o", folder, "--kafka-config", config)
    archived = _archived(folder)
    dice = random.Random(3)
    at_kill = []
    sent = 0

    def feed() -> None:
        # The archive sets the pace: messages come in whenever it looks, and never run out before the end.
        nonlocal sent
        if sent - archived() < 25:
            survey.send(1)
            sent += 1

    for number in range(KILLS):
        with running(command, log) as process:
            # One half of the kills comes just after the index has grown, the other just after a tar file.
            measure = (archived, lambda: _size(folder))[number % 2]
            goal = measure() + dice.randint(1, 15) * (1, 10_000)[number % 2]
            _wait_until(measure, goal, process, log, feed)
            assert process.poll() is None, log.read_text()
            process.kill()
            process.wait()
        at_kill.append(archived())
    survey.send(len(survey.alerts))
    topics.flush()
    archive_topics(url, folder, SchemaStore(), kafka_config=config, follow=False)
    alerts = sorted(data for _, data in survey.alerts)
    kept = [data for members in contents(folder).values() for _, data in members]
    assert sorted(kept) == alerts
    rows = indexed(folder)
    assert len(rows) == len(alerts) == 900
    assert sorted(row[3] for row in rows) == sorted(survey.identifiers)
    assert len(set(at_kill)) >= KILLS // 2
