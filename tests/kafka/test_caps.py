"""Caps per visit where several processes share a topic: one of them counts, or all are told what it means."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from committed import keys
from kafka_broker import Broker
from processes import bridge_command, running, wait_for
from reading import settings

from bridge.alerts.lens import compile_lens
from bridge.simulate import simulate

EARLY = 'auto.offset.reset = "earliest"\nsession.timeout.ms = "6000"\n'
FIELDS = ("candidate.jd", "candidate.rb", "candidate.magpsf", "candidate.fid")

# Two filters that many alerts meet both, so that going on once is not the same as going on for each.
CAPPED = """
[[filter]]
name = "best"
where = "candidate.rb > 0.3"
cap = 5
order_by = "candidate.magpsf"

[[filter]]
name = "faint"
where = "candidate.rb > 0.5 AND candidate.magpsf > 18"
cap = 3
order_by = "candidate.magpsf DESC"
"""


def fill(topics: Any, topic: str, partitions: int) -> tuple[list[str], dict[str, list[str]]]:
    """Visits over all partitions; who meets any filter, and whom one process keeps of all, by name."""
    met: list[str] = []
    best: dict[float, list[tuple[float, str]]] = defaultdict(list)
    faint: dict[float, list[tuple[float, str]]] = defaultdict(list)
    place = 0
    for visit in simulate("ztf", visits=4, alerts=90, seed=21):
        for alert in visit:
            jd, rb, magnitude, _ = compile_lens(alert.packet.schema, FIELDS).read(alert.packet)
            key = str(alert.identifier)
            topics.send(topic, alert.packet.data, key=key, partition=place % partitions)
            place += 1
            if rb > 0.3:
                met.append(key)
                best[jd].append((magnitude, key))
            if rb > 0.5 and magnitude > 18:
                faint[jd].append((-magnitude, key))
    topics.flush()
    assert len(best) == len(faint) == 4
    assert min(map(len, best.values())) > 15
    return sorted(met), {
        "best": sorted(key for some in best.values() for _, key in sorted(some)[:5]),
        "faint": sorted(key for some in faint.values() for _, key in sorted(some)[:3]),
    }


@pytest.mark.slow
def test_many_take_what_any_filter_keeps_and_one_applies_the_caps(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    source, stage = (topics.new(name, partitions=16) for name in ("in", "stage"))
    target = topics.new("out")
    met, expected = fill(topics, source, 16)
    for name in expected:
        topics.new(f"{target}.{name}", exact=True)
    (tmp_path / "f.toml").write_text(CAPPED)
    config, place = settings(tmp_path, EARLY), f"kafka://{kafka.bootstrap}/"
    common = ("--filters", tmp_path / "f.toml", "--kafka-config", config)
    wide = bridge_command("filter", "--from", place + source, "--to", place + stage, "--any", *common)
    logs = [tmp_path / f"{number}.log" for number in range(3)]
    with ExitStack() as stack:
        for log in logs:
            stack.enter_context(running(wide, log))
        wait_for(lambda: len(keys(kafka, stage)) >= len(met), "all alerts that meet any filter")
        wait_for(lambda: topics.members(f"voevent-bridge.filter.{stage}") == 3, "three to share the work")
    assert keys(kafka, stage) == met
    narrow = bridge_command("filter", "--from", place + stage, "--to", place + target, "--once", *common)
    done = subprocess.run(narrow, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert {name: keys(kafka, f"{target}.{name}") for name in expected} == expected
    assert "together they keep more" not in done.stderr + "".join(log.read_text() for log in logs)


@pytest.mark.slow
@pytest.mark.no_cover
def test_members_that_share_a_capped_filter_are_told_that_they_keep_more(
    kafka: Broker, topics: Any, tmp_path: Path
) -> None:
    source, target = topics.new("in", partitions=4), topics.new("t")
    for name in ("best", "faint"):
        topics.new(f"{target}.{name}", exact=True)
    (tmp_path / "f.toml").write_text(CAPPED)
    place = f"kafka://{kafka.bootstrap}/"
    command = bridge_command(
        *("filter", "--from", place + source, "--to", place + target, "--filters", tmp_path / "f.toml"),
        *("--kafka-config", settings(tmp_path, EARLY)),
    )
    one, two = tmp_path / "one.log", tmp_path / "two.log"
    told = "reads 2 of 4 partitions, and applies caps"
    with running(command, one):
        wait_for(lambda: f"{source}/3" in one.read_text(), "the first to have all partitions")
        assert "caps" not in one.read_text()
        with running(command, two):
            wait_for(lambda: told in one.read_text() and told in two.read_text(), "both to be told")
        wait_for(lambda: "reads all partitions now" in one.read_text(), "the first to be alone again")
    assert one.read_text().count(told) == 1
