"""Several archives of one group, each in a folder of its own: together they have everything."""

from __future__ import annotations

import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest
from feeding import Survey
from kafka_broker import Broker
from processes import bridge_command, running, wait_for
from reading import settings

from bridge.bulk.index import NAME

ALERTS = 600


def places(folder: Path) -> list[tuple[int, int]]:
    """Partition and offset of all messages that the index has."""
    try:
        with sqlite3.connect(f"file:{folder / NAME}?mode=ro", uri=True) as db:
            return db.execute("SELECT partition, offset FROM archive").fetchall()
    except sqlite3.Error:
        # It has not been made yet.
        return []


def contents(folder: Path) -> list[bytes]:
    found = []
    for path in folder.glob("*.tar"):
        with tarfile.open(path) as tar:
            found += [tar.extractfile(info).read() for info in tar]  # type: ignore[union-attr]
    return found


@pytest.mark.slow
@pytest.mark.no_cover
def test_members_share_the_partitions_and_the_survivor_takes_the_others_over(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    topic = topics.new("shared", partitions=4)
    group = f'group.id = "{topic}"\nsession.timeout.ms = 6000\nheartbeat.interval.ms = 500\n'
    config = settings(tmp_path, group)
    folders = [tmp_path / name for name in ("one", "two", "three")]
    url = f"kafka://{kafka.bootstrap}/{topic}"
    commands = [bridge_command("archive", url, "-o", folder, "--kafka-config", config) for folder in folders]
    logs = [tmp_path / f"{folder.name}.log" for folder in folders]
    survey = Survey(topics, topic, ALERTS, pause_s=0.01)

    def together() -> set[tuple[int, int]]:
        return {place for folder in folders for place in places(folder)}

    with running(commands[0], logs[0]), running(commands[1], logs[1]) as second:
        with running(commands[2], logs[2]) as third:
            wait_for(lambda: topics.members(topic) == 3, "three archives to have their share")
            survey.start()
            wait_for(lambda: all(len(places(folder)) >= 20 for folder in folders), "all three to archive")
            second.kill()
            second.wait()
            third.terminate()
            assert third.wait(30) == 0
        survey.hurry.set()
        survey.join()
        wait_for(lambda: len(together()) >= ALERTS, "the first to take over what the others had")
        # Back under its name, in its folder: it takes its share again, and nothing that it has.
        with running(commands[1], logs[1]):
            wait_for(lambda: topics.members(topic) == 2, "the killed one to be back")
    assert {partition for partition, _ in together()} == {0, 1, 2, 3}
    everything = sorted(data for _, data in survey.alerts)
    for folder, log in zip(folders, logs, strict=True):
        mine = contents(folder)
        assert len(mine) == len(set(mine)) == len(places(folder)), "no archive has a message twice"
        assert "Traceback" not in log.read_text()
    assert sorted({data for folder in folders for data in contents(folder)}) == everything
    assert len(contents(folders[2])) < ALERTS / 2, "who left in order has its own share and no more"
