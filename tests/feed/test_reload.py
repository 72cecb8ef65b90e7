"""The configuration read again while a feed runs: what changes, what waits; a mistake changes nothing."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from at_once import AtOnce
from processes import PlainSubscriber, bridge_command, free_port, ready_port, running, wait_for

from bridge.errors import BridgeError, ConfigError, UsageError
from bridge.feed import FeedConfig, Reloader
from bridge.feed.config_file import KEYS
from bridge.feed.intake import Intake
from bridge.feed.reload import LIVE
from bridge.journal import Journal, JournalReader
from bridge.pipeline import DeadLetters, Pipeline, Plan
from bridge.simulate import simulate
from bridge.streams import Batch


def fine(_config: FeedConfig) -> None:
    """Whatever it is, it can be gone by."""


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "feed.toml"
        path.write_text(text)
        return path

    return write


def test_live_keys_change_and_the_others_wait(write: Callable[[str], Path]) -> None:
    reloader = Reloader(write('[journal]\nretention = "7d"\n[broadcast]\nport = 8099\nwindow = 5\n'), {})
    write('[journal]\nretention = "2d"\n[broadcast]\nport = 9000\ndrain = "1s"\n')
    new = reloader.read(fine)
    assert new.changed == ("broadcast.drain", "broadcast.window", "journal.retention")
    assert new.waiting == ("broadcast.port",)
    assert new.config.port == 8099
    assert new.config.bounds.retention_s == 2 * 86_400
    assert new.config.broadcaster.drain_s == 1
    assert new.config.broadcaster.window == 100, "a key that was taken out has its default again"
    again = reloader.read(fine)
    assert again.changed == ()
    assert again.waiting == ("broadcast.port",), "it still waits"


def test_flags_go_over_the_file_each_time(write: Callable[[str], Path]) -> None:
    reloader = Reloader(write('[log]\nlevel = "info"\n'), {"log.level": "debug", "feed.where": ()})
    write('[log]\nlevel = "error"\n')
    new = reloader.read(fine)
    assert new.config.log_level == "debug"
    assert new.changed == ()


@pytest.mark.parametrize(
    "text",
    [
        "[journal", '[journal]\nretention = "soon"\n', "[broadcast]\nwindows = 3\n",
        "[broadcast]\nport = 70000\n", '[journal]\nretention = "2d"\nremember = "1d"\n',
    ],
)  # fmt: skip
def test_a_mistake_leaves_all_as_it_was(write: Callable[[str], Path], text: str) -> None:
    reloader = Reloader(write('[journal]\nretention = "7d"\n'), {})
    write(text)
    with pytest.raises(ConfigError):
        reloader.read(fine)
    write('[journal]\nretention = "3d"\n')
    assert reloader.read(fine).changed == ("journal.retention",)


def test_what_cannot_be_gone_by_leaves_all_as_it_was(write: Callable[[str], Path]) -> None:
    def refuse(_config: FeedConfig) -> None:
        raise UsageError("There is no column 'candidat'.")

    reloader = Reloader(write(""), {})
    write('[feed]\nwhere = "candidat.rb > 1"\n')
    with pytest.raises(UsageError, match="candidat"):
        reloader.read(refuse)
    assert reloader.read(fine).changed == ("feed.where",)


def test_live_keys_are_keys() -> None:
    known = {f"{table}.{key}" for table, keys in KEYS.items() for key in keys}
    assert not LIVE - known


def test_a_plan_that_does_not_fit_what_came_last_is_refused_and_the_old_one_goes_on(tmp_path: Path) -> None:
    (visit,) = simulate("ztf", visits=1, alerts=4, seed=1)
    packets = [alert.packet for alert in visit]
    batches: list[Batch] = []
    plan = Plan(where=("candidate.rb > 99",))
    with Journal.open(tmp_path / "j", durability="normal") as journal:
        intake = Intake(
            batches, lambda previous, past: Pipeline(plan, previous=previous, past=past),
            AtOnce(journal), journal, DeadLetters(tmp_path / "dead"), threading.Event(),
        )  # fmt: skip
        batches[:] = [Batch(packets[:2])]
        intake.run()
        assert intake.counts.dropped == 2
        for wrong in ("candidate.rbb > 1", "candidate.rb >"):
            with pytest.raises(BridgeError):
                intake.renew(Plan(where=(wrong,)))
        batches[:] = [Batch(packets[2:3])]
        intake.run()
        assert intake.counts.dropped == 3
        intake.renew(Plan(where=("candidate.rb >= 0",)))
        batches[:] = [Batch(packets[3:])]
        intake.run()
        assert intake.counts.published == 1


def test_a_running_feed_goes_by_the_new_file_without_losing_a_subscriber(tmp_path: Path) -> None:
    alerts, inbox, log = tmp_path / "alerts", tmp_path / "in", tmp_path / "log"
    inbox.mkdir()
    command = bridge_command("simulate", "ztf", "--visits", 1, "--alerts", 4, "--seed", 2, "-o", alerts)
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    files = sorted(path for path in alerts.iterdir() if path.is_file())
    config = tmp_path / "feed.toml"
    nobody = free_port()

    def say(where: str, broadcast: str = "", journal: str = "") -> None:
        config.write_text(
            f'[feed]\nfrom = "in"\nlocal_ivo = "ivo://org.example/feed"\nwhere = "{where}"\n'
            f'[broadcast]\nport = 0\ninterface = "127.0.0.1"\n{broadcast}\n[journal]\nfile = "j"\n{journal}\n'
            f'[receive]\nport = 0\ninterface = "127.0.0.1"\n[[upstream]]\nhost = "127.0.0.1"\nport = {nobody}'
        )

    def hear(process: subprocess.Popen[bytes], answer: bytes) -> None:
        seen = log.read_bytes().count(answer)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: log.read_bytes().count(answer) > seen, answer.decode())

    say("candidate.rb > 99")
    with running(bridge_command("serve", config), log) as process:
        subscriber = PlainSubscriber(ready_port(process, log), "ivo://subscriber.test/one")
        subscriber.start()
        wait_for(lambda: b"served from event" in log.read_bytes(), "the subscriber")
        files[0].rename(inbox / files[0].name)
        with JournalReader.open(tmp_path / "j") as journal:
            wait_for(lambda: journal.positions(), "the first alert to be dropped")
        say("candidate.rbb > 0")
        hear(process, b"The configuration stays as it was")
        config.write_text("[feed")
        hear(process, b"The configuration stays as it was")
        say("candidate.rb >= 0", 'drain = "1s"', 'retention = "1d"\ndurability = "normal"')
        hear(
            process,
            b"the configuration is read again; new are broadcast.drain, feed.where, journal.retention",
        )
        assert b"a restart is needed for journal.durability" in log.read_bytes()
        files[1].rename(inbox / files[1].name)
        wait_for(lambda: len(subscriber.events) == 1, "the alert that the new filter keeps")
        hear(process, b"nothing that can change now is new")
        subscriber.stop()
    assert subscriber.connections == 1
    assert process.returncode == 0
    assert b"Traceback" not in log.read_bytes()
