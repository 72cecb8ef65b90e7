"""Alerts produced in wire format: their schemas go to a registry, and readers find them there."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from feeding import entries_of, feed_command, identifiers
from kafka_broker import Broker
from processes import bridge_command
from reading import items, read_all, settings
from registry_stand_in import FIRST_ID, StandIn

from bridge.alerts.packet import Packet
from bridge.bulk.raw import open_messages


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(bridge_command(*words), capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(autouse=True)
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers of registries are kept on disk; those of one stand-in say nothing about another."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


@pytest.mark.no_cover
def test_each_schema_is_registered_once_and_its_id_leads_back_to_it(
    kafka: Broker, topics: Any, tmp_path: Path, shared_data: Path
) -> None:
    topic = topics.new("framed")
    url = f"kafka://{kafka.bootstrap}/{topic}"
    alerts = shared_data / "alerts"
    given = [*sorted(alerts.glob("ztf-*.avro")), alerts / "fink-ztf-2019-11.avro"]
    before = [i for path in given for i in items(read_all(str(path))) if isinstance(i, Packet)]
    schemas = list(dict.fromkeys(packet.schema.text for packet in before))
    assert len(schemas) >= 3
    with StandIn() as registry:
        words = ("--framing", "confluent", "--registry", registry.url, "--subject", "my-alerts")
        for _ in range(2):
            done = run("produce", *given, "--to", url, *words, "--json")
            assert done.returncode == 0, done.stderr
            assert json.loads(done.stdout)["sent"] == len(before)
        assert [sent["schema"] for sent in registry.sent] == schemas * 2
        assert set(registry.asked) == {"/schema-registry/subjects/my-alerts/versions"}
        ids = {text: FIRST_ID + number for number, text in enumerate(schemas)}
        source = open_messages(url, follow=False, stop=lambda: False)
        values = [message.value for messages, _ in source.batches() for message in messages]
        frames = [b"\x00" + ids[p.schema.text].to_bytes(4, "big") + p.datum for p in before]
        assert values == frames * 2
        # A feed that knows nothing but the registry makes an event of each alert, and of its repetition none.
        more = ("--broadcast", 0, "--once", "--history", "none", "--schemas", registry.url)
        feed = feed_command(url, tmp_path, "feed", settings(tmp_path), *more)
        done = subprocess.run(feed, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
    assert len(identifiers(entries_of(tmp_path, "feed"))) == len(before)


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (409, {"error_code": 409, "message": "it is incompatible"}, "refuses the schema"),
        (200, {"version": 1}, "gave no id"),
    ],
)
def test_a_registry_that_takes_no_schema_is_named_and_nothing_is_sent(
    kafka: Broker, topics: Any, shared_data: Path, status: int, answer: object, said: str
) -> None:
    url = f"kafka://{kafka.bootstrap}/{topics.new('framed')}"
    alert = min((shared_data / "alerts").glob("ztf-*.avro"))
    with StandIn() as registry:
        registry.put("/subjects/alert-packet/versions", answer, status=status)
        done = run("produce", alert, "--to", url, "--framing", "confluent", "--registry", registry.url)
    assert done.returncode == 1
    assert said in done.stderr
    assert registry.url in done.stderr
    assert "Traceback" not in done.stderr
    assert not items(read_all(url))
