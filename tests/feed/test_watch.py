"""The watch on a feed: rates, silence, trouble; with a clock that the test turns."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from at_once import AtOnce
from calling import relayable
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from bridge.alerts.packet import Document, Origin
from bridge.errors import SourceError
from bridge.feed import FeedConfig, load_config
from bridge.feed.arrivals import Arrivals
from bridge.feed.intake import Intake
from bridge.feed.watch import Watch, without_credentials
from bridge.feed.writer import Writer
from bridge.journal import Journal
from bridge.pipeline import DeadLetters, Pipeline
from bridge.streams import Batch
from bridge.vtp.server import Broadcaster
from bridge.vtp.status import ReceiverStatus, UpstreamStatus


class Feed:
    """A feed's parts around a watch, none of which runs by itself."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.config: FeedConfig = replace(
            load_config(
                None, {"feed.from": "kafka://user:secret@broker/ztf", "journal.file": str(folder / "j")}
            ),
            **settings,
        )
        self.journal = Journal.open(self.config.journal, durability="normal", clock=self.clock.seconds)
        self.batches: list[Batch] = []
        self.count = 0
        self.intake = Intake(
            self.batches, lambda previous, past: Pipeline(self.config.plan, previous=previous, past=past),
            AtOnce(self.journal), self.journal, DeadLetters(folder / "dead"), threading.Event(),
            wall=self.clock.seconds,
        )  # fmt: skip
        self.works = True
        self.source_trouble: str | None = None
        self.reader = self.journal.reader()
        broadcaster = Broadcaster(self.reader, self.config.broadcaster, clock=self.clock)
        self.arrivals = Arrivals(Writer(self.journal), lambda *_: None, self.clock.seconds)
        self.upstreams: tuple[UpstreamStatus, ...] = ()
        self.watch = Watch(
            *(self.config, self.reader, broadcaster, self.intake, self, lambda: self.works),
            now=self.clock.seconds,
            source_trouble=lambda: self.source_trouble,
        )

    def receiver_status(self) -> ReceiverStatus | None:
        return ReceiverStatus(connections=3, connected=1, accepted=5, refused=2)

    def upstream_statuses(self) -> tuple[UpstreamStatus, ...]:
        return self.upstreams

    def take(self, count: int) -> None:
        items = []
        for _ in range(count):
            self.count += 1
            items.append(Document(relayable(self.count), "voevent", Origin("topic", self.count)))
        self.batches[:] = [Batch(items, {"topic": self.count + 1})]
        self.intake.run()

    def pass_time(self, seconds: int) -> None:
        for _ in range(seconds // 10):
            self.clock.advance(10)
            self.watch.sample()

    def close(self) -> None:
        self.reader.close()
        self.journal.close()


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[Feed]:
    made = Feed(tmp_path, silent_after_s=300.0)
    yield made
    made.close()


def test_rates_are_those_of_the_last_minute(feed: Feed) -> None:
    feed.pass_time(60)
    feed.take(30)
    feed.pass_time(10)
    now = feed.watch.status()
    assert (now.intake.read, now.intake.published) == (30, 30)
    assert now.intake.read_hz == now.intake.published_hz == 30 / 60
    feed.pass_time(120)
    assert feed.watch.status().intake.read_hz == 0.0
    assert feed.watch.status().intake.read == 30


def test_a_silent_source_is_a_problem_until_it_speaks(feed: Feed, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    feed.take(1)
    feed.pass_time(300)
    assert feed.watch.status().healthy
    feed.pass_time(600)
    now = feed.watch.status()
    assert not now.healthy
    assert now.problems == ("The source is silent. The last alert came 900 s ago; silent_after is 300 s.",)
    assert [r.levelname for r in caplog.records if "silent" in r.message] == ["WARNING"], "it is told once"
    feed.take(1)
    feed.pass_time(10)
    assert feed.watch.status().healthy
    assert "the source is heard again" in caplog.text


def test_a_source_that_never_spoke_is_silent_too(feed: Feed) -> None:
    feed.pass_time(310)
    assert "Nothing has come since the start, 310 s ago" in feed.watch.status().problems[0]


def test_silence_is_no_problem_of_a_source_that_has_ended_or_where_nobody_asked(
    feed: Feed, tmp_path: Path
) -> None:
    feed.works = False
    feed.pass_time(1000)
    assert feed.watch.status().healthy
    assert feed.watch.status().source.state == "ended"
    (tmp_path / "other").mkdir()
    other = Feed(tmp_path / "other")
    other.pass_time(100_000)
    assert other.watch.status().healthy
    other.close()


def test_a_journal_that_refuses_is_told_until_it_takes_again(feed: Feed, monkeypatch) -> None:
    append, seen = feed.journal.append, []

    def full(*batch: Any) -> Any:
        if not seen:
            raise SourceError("The journal j cannot be used: the disk is full.")
        return append(*batch)

    def wait(_seconds: float) -> bool:
        now = feed.watch.status()
        seen.append((now.healthy, now.problems, now.source.state))
        return False

    monkeypatch.setattr(feed.journal, "append", full)
    monkeypatch.setattr(feed.intake._stop, "wait", wait)
    feed.take(3)
    assert seen == [
        (False, ("Nothing is taken in: The journal j cannot be used: the disk is full.",), "refused")
    ]
    assert feed.watch.status().healthy
    assert feed.journal.last_seq() == 3


def test_an_intake_that_failed_is_a_problem(feed: Feed) -> None:
    class Broken(list):
        def __iter__(self) -> Iterator[Batch]:
            raise SourceError("The topic is gone.")

    feed.intake._source = Broken()
    with pytest.raises(SourceError):
        feed.intake.run()
    now = feed.watch.status()
    assert (now.healthy, now.source.state) == (False, "failed")


def test_nothing_secret_is_told(feed: Feed) -> None:
    text = repr(feed.watch.status())
    assert "user" not in text
    assert "secret@" not in text
    assert feed.watch.status().source.url == "kafka://broker/ztf"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (None, None),
        ("inbox/a@b", "inbox/a@b"),
        ("kafka://u:p@h1,u:p@h2:9092/t", "kafka://h2:9092/t"),
        ("https://h/x?token=secret", "https://h/x"),
        ("kafka://u:a/b@c@h/t", "kafka://h/t"),
    ],
)
def test_credentials_in_urls_are_left_out(url: str | None, shown: str | None) -> None:
    assert without_credentials(url) == shown


@given(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.from_regex(r"[a-z0-9.:,]{1,20}", fullmatch=True))
def test_a_url_without_credentials_stays_as_it_is(scheme: str, rest: str) -> None:
    assert without_credentials(f"{scheme}://{rest}") == f"{scheme}://{rest}"


def test_what_comes_in_over_vtp_counts_with_the_source(feed: Feed) -> None:
    feed.take(2)
    feed.arrivals.counts.read, feed.arrivals.counts.published = 7, 5
    feed.arrivals.last_published_at = feed.clock.seconds() + 20
    now = feed.watch.status()
    assert (now.intake.read, now.intake.published) == (9, 7)
    assert now.intake.last_published_at == feed.clock.seconds() + 20
    assert now.receiver is not None
    assert now.receiver.accepted == 5
    feed.arrivals.trouble = "The journal cannot be used: the disk is full."
    feed.intake._outlet.trouble = feed.arrivals.trouble
    assert feed.watch.status().problems == (f"Nothing is taken in: {feed.arrivals.trouble}",)


def test_a_source_that_does_not_answer_is_a_problem_though_nobody_asked_about_silence(feed: Feed) -> None:
    feed.source_trouble = "Kafka at broker cannot be reached."
    assert feed.watch.status().problems == ("Kafka at broker cannot be reached.",)
    feed.source_trouble = None
    assert feed.watch.status().healthy


def test_an_upstream_broker_that_is_not_there_is_a_problem(feed: Feed) -> None:
    away = UpstreamStatus("vtp://away:8099", False, "connection refused", None, 0, 0, 0, 0, 0, None)
    fine = replace(away, url="vtp://fine:8099", connected=True, trouble=None)
    feed.upstreams = (away, fine)
    now = feed.watch.status()
    assert now.problems == ("The upstream broker vtp://away:8099 is not connected: connection refused.",)
    assert [one.connected for one in now.upstreams] == [False, True]
