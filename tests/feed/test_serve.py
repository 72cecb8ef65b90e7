"""``serve`` as a process: it starts, feeds, ends when told, and says in a sentence why it cannot start."""

from __future__ import annotations

import json
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from calling import call, relayable
from processes import PlainSubscriber, bridge_command, ready_port, running, wait_for

from bridge.journal import Journal, JournalReader, NewEntry
from bridge.simulate import simulate
from bridge.streams import open_sink


def serve(folder: Path, *words: object) -> list[str]:
    return bridge_command(
        *("serve", "--journal", folder / "feed.journal", "--interface", "127.0.0.1", "--broadcast", 0), *words
    )


def journal_of(folder: Path) -> JournalReader:
    return JournalReader.open(folder / "feed.journal")


def test_once_ends_by_itself_with_all_real_alerts_in_the_journal(
    shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    command = serve(tmp_path, "--from", shared_data / "alerts", "--once", "--log-format", "json")
    for expected in (28, 0):
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        lines = done.stderr.decode().splitlines()
        records = [json.loads(line) for line in lines if not line.startswith("Ready on port ")]
        assert len(records) == len(lines) - 1
        assert records[-1]["published"] == expected
        assert all(record["level"] == "info" for record in records)
    with journal_of(tmp_path) as journal:
        assert journal.last_seq() == 28


def test_a_whole_archive_of_voevents_is_relayed_every_edition_once(shared_data: Path, tmp_path: Path) -> None:
    command = serve(tmp_path, "--from", shared_data / "voevents" / "sample-2014-2016.tar.gz", "--once")
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    with journal_of(tmp_path) as journal:
        statistics = journal.statistics()
    assert statistics.events + statistics.duplicates == 3421
    assert statistics.conflicts == 0


def test_what_is_refused_is_kept_and_told_by_the_status(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    (inbox / "a.xml").write_bytes(relayable(1))
    (inbox / "b.avro").write_bytes(b"nothing")
    done = subprocess.run(
        serve(tmp_path, "--from", inbox, "--once"), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert b"warning refused" in done.stderr
    (note,) = (tmp_path / "feed.dead-letters").glob("*.json")
    assert json.loads(note.read_bytes())["partition"] == str(inbox / "b.avro")


def test_a_renamed_file_is_an_event_at_the_subscriber_in_a_fraction_of_a_second(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    log = tmp_path / "feed.log"
    (visit,) = simulate("ztf", visits=1, alerts=12, seed=1, backlog=2)
    latencies = []
    with running(serve(tmp_path, "--from", inbox), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/quick")
        subscriber.start()
        wait_for(lambda: b"is 'ivo://subscriber.test/quick'" in log.read_bytes(), "the subscriber")
        with open_sink(inbox) as sink:
            for number, alert in enumerate(visit, 1):
                sink.write(alert.packet)
                began = time.monotonic()
                wait_for(lambda number=number: len(subscriber.events) >= number, "its event")
                latencies.append(time.monotonic() - began)
        subscriber.stop()
    # The first waits for the translator to be compiled; the machine may be busy with other tests.
    assert sorted(latencies)[len(latencies) // 2] < 0.8


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_told_to_end_it_saves_the_places_of_its_subscribers(tmp_path: Path, number: signal.Signals) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    for n in range(5):
        (inbox / f"{n}.xml").write_bytes(relayable(n))
    log = tmp_path / "feed.log"
    # One event at a time: who has the fifth has been heard to acknowledge the fourth.
    (tmp_path / "feed.toml").write_text('[broadcast]\nwindow = 1\nnewcomers = "start"\n')
    with running(serve(tmp_path, tmp_path / "feed.toml", "--from", inbox), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/known")
        subscriber.start()
        wait_for(lambda: len(subscriber.events) == 5, "the events")
        process.send_signal(number)
        assert process.wait(20) == 0
        subscriber.stop()
    with journal_of(tmp_path) as journal:
        assert journal.cursor("ivo://subscriber.test/known") in (4, 5)
        assert len(journal.positions()) == 5
    assert b"ending after the current batch" in log.read_bytes()
    assert b"Traceback" not in log.read_bytes()


def test_a_quiet_pipe_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    command = serve(tmp_path, "--from", "-")
    feed = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert feed.stderr is not None
    said = b""
    while b"Ready" not in said:
        said += feed.stderr.readline()
    feed.send_signal(signal.SIGTERM)
    feed.wait(15)
    _, rest = feed.communicate()
    assert feed.returncode == 0, rest
    assert b"Fatal" not in rest


def test_a_feed_without_a_source_serves_what_its_journal_holds(tmp_path: Path) -> None:
    with Journal.open(tmp_path / "feed.journal") as journal:
        journal.append([NewEntry("ivo://org.example/relay#1", relayable(1), "relayed", b"1", "test")])
    (tmp_path / "feed.toml").write_text(
        '[journal]\nfile = "feed.journal"\n[broadcast]\nport = 0\nnewcomers = "start"\n'
    )
    log = tmp_path / "feed.log"
    with running(bridge_command("serve", tmp_path / "feed.toml"), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/late")
        subscriber.start()
        wait_for(lambda: subscriber.events, "the event")
        subscriber.stop()
    assert subscriber.events == [("ivo://org.example/relay#1", relayable(1))]


def test_old_packets_go_at_the_start_of_a_feed(tmp_path: Path) -> None:
    for number, clock in ((1, lambda: 1000.0), (2, time.time)):
        with Journal.open(tmp_path / "feed.journal", clock=clock) as journal:
            ivorn = f"ivo://org.example/relay#{number}"
            journal.append([NewEntry(ivorn, relayable(number), "relayed", b"1", "test")])
    log = tmp_path / "feed.log"
    (tmp_path / "in").mkdir()
    with running(serve(tmp_path, "--from", tmp_path / "in", "--retention", "1d"), log) as process:
        ready_port(process, log)
        wait_for(lambda: b"1 packet older than 86400 s removed" in log.read_bytes(), "retention")
    with journal_of(tmp_path) as journal:
        assert (journal.last_seq(), journal.first_kept_seq()) == (2, 2)


def test_a_mistyped_filter_ends_the_feed_before_anything_is_lost(shared_data: Path, tmp_path: Path) -> None:
    source = shared_data / "alerts" / "ztf-ZTF19acihgng.avro"
    command = serve(tmp_path, "--from", source, "--once", "--where", "candidate.magps < 18")
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"candidate.magpsf" in done.stderr
    assert b"Traceback" not in done.stderr
    with journal_of(tmp_path) as journal:
        assert journal.positions() == {}


def test_a_feed_that_goes_on_is_not_kept_down_by_an_alert_of_another_survey(
    shared_data: Path, lsst_distribution: Path, tmp_path: Path
) -> None:
    inbox = tmp_path / "in"
    inbox.mkdir()
    shutil.copy(shared_data / "alerts" / "ztf-ZTF19acihgng.avro", inbox)
    command = serve(tmp_path, "--from", inbox, "--once", "--where", "candidate.magpsf > 0")
    assert subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    shutil.copy(next((shared_data / "alerts" / "lsst-v10.0-framed").glob("*.bin")), inbox)
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"refused" in done.stderr


MISTAKES: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "no source": (2, "Say where events come from", ()),
    "missing file": (2, "cannot be read (No such file", ("{tmp}/feed.toml",)),
    "folder for a file": (2, "cannot be read (Is a directory)", ("{tmp}",)),
    "broker without a topic": (2, "names no topic", ("--from", "kafka://host")),
    "missing source": (1, "cannot be read", ("--from", "{tmp}/missing")),
    "port": (2, "between 1 and 65535", ("--from", "{tmp}", "--broadcast", "-1")),
    "port word": (2, "not a valid integer", ("--from", "{tmp}", "--broadcast", "http")),
    "interface": (1, "cannot be opened", ("--from", "{tmp}", "--interface", "no.such.host.invalid")),
    "duration": (2, "give a number with a unit", ("--from", "{tmp}", "--retention", "5")),
    "newcomers": (2, "give a number with a unit", ("--from", "{tmp}", "--newcomers", "-5h")),
    "filters": (2, "cannot be read", ("--from", "{tmp}", "--filters", "{tmp}")),
    "mapping": (2, "no mapping", ("--from", "{tmp}", "--mapping", "zzz")),
    "journal is a folder": (1, "journal", ("--from", "{tmp}", "--journal", "{tmp}")),
    "journal in no folder": (
        1,
        "Check that the folder exists",
        ("--from", "{tmp}", "--journal", "{tmp}/no/j"),
    ),
    "author": (2, "author identifier", ("--from", "{tmp}", "--local-ivo", "x")),
    "schemas": (2, "neither a folder nor the URL", ("--from", "{tmp}", "--schemas", "{tmp}/no")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_is_one_sentence(
    capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None of these comes as far as Twisted's loop, so they may run in this process.
    monkeypatch.chdir(tmp_path)
    status, sentence, words = MISTAKES[mistake]
    if "--broadcast" not in words and words:
        words = (*words, "--broadcast", "0")
    outcome = call(capsysbinary, "serve", *(word.format(tmp=tmp_path) for word in words))
    assert outcome.status == status
    assert sentence in " ".join(outcome.err.split())


def test_a_port_that_is_taken_is_said(capsysbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = call(
            capsysbinary,
            *("serve", "--from", tmp_path, "--journal", tmp_path / "j", "--interface", "127.0.0.1"),
            *("--broadcast", port),
        )
    assert outcome.status == 1
    assert re.search(rf"Port {port} of 127.0.0.1 cannot be opened", outcome.err)


def test_two_feeds_on_one_journal_are_one_too_many(tmp_path: Path) -> None:
    log = tmp_path / "feed.log"
    with running(serve(tmp_path, "--from", tmp_path), log) as process:
        ready_port(process, log)
        second = subprocess.run(
            serve(tmp_path, "--from", tmp_path), capture_output=True, timeout=30, check=False
        )
    assert second.returncode == 1
    assert b"Traceback" not in second.stderr
    assert b"Error: " in second.stderr
