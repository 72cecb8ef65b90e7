"""``filter`` exactly once through a listener with TLS and SCRAM, as an alert service has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from committed import keys
from feeding import Survey
from kafka_broker import Broker
from kafka_config import PASSWORD, USER
from processes import bridge_command, running, wait_for
from reading import settings

KILLS = 3
ALERTS = 400


@pytest.mark.slow
@pytest.mark.no_cover
def test_killed_under_load_behind_tls_and_a_password_every_alert_comes_once(
    kafka: Broker, topics: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = topics.new("in", partitions=4), topics.new("out", partitions=2)
    monkeypatch.setenv("WORD", PASSWORD)
    config = settings(
        tmp_path,
        'auto.offset.reset = "earliest"\nsecurity.protocol = "sasl_ssl"\nsasl.mechanisms = "SCRAM-SHA-512"\n'
        f'sasl.username = "{USER}"\nsasl.password = "${{WORD}}"\nssl.ca.location = "{kafka.ca_file}"\n',
    )
    there = f"kafka://{kafka.address('SCRAMTLS')}/"
    command = bridge_command(
        *("filter", "--from", there + source, "--to", there + target, "--kafka-config", config),
        *("--where", "candidate.jd > 0"),
    )
    log = tmp_path / "filter.log"
    survey = Survey(topics, source, ALERTS)
    step = len(survey.alerts) // (KILLS + 1)
    for number in range(KILLS):
        with running(command, log) as process:
            survey.send(step // 2)
            goal = number * step + 1
            wait_for(lambda goal=goal: len(keys(kafka, target)) >= goal, "alerts to come through")
            # These are on their way when it dies.
            survey.send(step - step // 2)
            process.kill()
            process.wait()
    survey.send(len(survey.alerts))
    topics.flush()
    with running(command, log) as process:
        wait_for(lambda: len(keys(kafka, target)) >= len(survey.alerts), "all alerts")
        process.terminate()
        assert process.wait(30) == 0
    assert keys(kafka, target) == sorted(survey.identifiers)
    assert PASSWORD not in log.read_text()
    assert "Traceback" not in log.read_text()
