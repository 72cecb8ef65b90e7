"""The demonstration: two simulated surveys, filters, the feed, and a stock Comet, each as users run them.

Nothing is faked for it: the feed and Comet are processes of their own, alerts reach the feed as files in a
folder that it follows, and what is counted at the end are the files that Comet wrote.
"""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from bridge.errors import SourceError, UsageError
from bridge.journal import JournalReader
from bridge.simulate import Survey, simulate
from bridge.streams import open_sink

__all__ = ["FILTERS", "DemoReport", "run_demo"]

FILTERS = """\
# One filter per survey: each looks at the alerts whose schema has its fields.
[[filter]]
name = "ztf-real-and-bright"
where = "candidate.rb >= 0.65 AND candidate.magpsf < 19.5 AND candidate.isdiffpos IN ('t', '1')"

[[filter]]
name = "lsst-reliable-and-significant"
where = "diaSource.reliability >= 0.7 AND diaSource.snr > 20 AND NOT diaSource.isNegative"
"""

# Tells a folder that the demo has made, and may remove, from one that holds somebody's work.
MARK = ".voevent-bridge-demo"

SURVEYS: tuple[Survey, ...] = ("ztf", "lsst")
START_S = 30.0
CATCH_UP_S = 60.0


@dataclass(slots=True)
class DemoReport:
    """What happened.

    Attributes
    ----------
    alerts, alert_bytes
        Simulated alerts and their bytes, by survey.
    published, published_bytes
        Events in the journal and their bytes.
    received, identical
        Files that Comet saved, and those of them that are an event of the journal byte for byte.
    latencies_s
        From an alert's file appearing to Comet having saved its event, in seconds.
    folder
        Where everything lies.
    """

    folder: Path
    alerts: dict[str, int] = field(default_factory=dict)
    alert_bytes: dict[str, int] = field(default_factory=dict)
    published: int = 0
    published_bytes: int = 0
    received: int = 0
    identical: int = 0
    latencies_s: list[float] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether Comet got every event, as it is in the journal, and no other."""
        return self.published == self.received == self.identical > 0

    @property
    def median_latency_s(self) -> float:
        """Median of the latencies, in seconds."""
        return median(self.latencies_s) if self.latencies_s else float("nan")


def run_demo(
    folder: Path,
    *,
    visits: int = 5,
    alerts: int = 100,
    interval_s: float = 2.0,
    tell: Callable[[str], None] = lambda _: None,
    progress: Callable[[DemoReport], None] = lambda _: None,
) -> DemoReport:
    """Run the demonstration.

    Parameters
    ----------
    folder
        Made anew; holds alerts, journal, logs and what Comet saved.
    visits, alerts, interval_s
        Visits of each survey, alerts per visit, seconds from visit to visit.
    tell
        Called with sentences for a person.
    progress
        Called when counts have changed.

    Raises
    ------
    UsageError
        If the folder holds what is not the demo's.
    SourceError
        If the feed or Comet does not start, or the folder cannot be made.
    """
    report = DemoReport(folder)
    inbox, saved = _prepare(folder)
    with ExitStack() as stack:
        feed = stack.enter_context(_running(_feed_command(folder), folder / "feed.log"))
        port = _await_port(feed, folder / "feed.log")
        tell(f"The feed follows {inbox} and serves VTP on port {port}.")
        stack.enter_context(_running(_comet_command(port, saved), folder / "comet.log"))
        _await(lambda: "is 'ivo://" in (folder / "feed.log").read_text(), "Comet", folder / "comet.log")
        tell("A stock Comet (twistd -n comet) has subscribed.")
        appeared: dict[str, float] = {}
        runs = [(survey, simulate(survey, visits=visits, alerts=alerts, seed=2026)) for survey in SURVEYS]
        with open_sink(inbox) as sink:
            for number in range(visits):
                began = time.monotonic()
                for survey, run in runs:
                    for alert in next(run):
                        sink.write(alert.packet)
                        appeared[str(alert.identifier)] = time.time()
                        report.alerts[survey] = report.alerts.get(survey, 0) + 1
                        report.alert_bytes[survey] = report.alert_bytes.get(survey, 0) + len(alert.data)
                while time.monotonic() - began < interval_s and number < visits - 1:
                    _count(report, saved)
                    progress(report)
                    time.sleep(0.1)
        _catch_up(report, saved, progress)
    _judge(report, saved, appeared)
    progress(report)
    return report


def _prepare(folder: Path) -> tuple[Path, Path]:
    inbox, saved = folder / "alerts", folder / "comet" / "received"
    try:
        if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
            raise UsageError(
                f"{folder} holds other things, and the demo would remove them; name another with -o."
            )
        shutil.rmtree(folder, ignore_errors=True)
        for each in (inbox, saved):
            each.mkdir(parents=True)
        (folder / MARK).touch()
        (folder / "filters.toml").write_text(FILTERS)
    except OSError as error:
        raise SourceError(
            f"The demo's folder {folder} cannot be made ({error.strerror or error})."
        ) from error
    return inbox, saved


def _feed_command(folder: Path) -> list[str]:
    options = {
        "--from": folder / "alerts",
        "--filters": folder / "filters.toml",
        "--local-ivo": "ivo://voevent-bridge.demo/feed",
        "--role": "test",
        "--journal": folder / "feed.journal",
        "--newcomers": "start",
        "--interface": "127.0.0.1",
        "--broadcast": 0,
    }
    return [
        sys.executable,
        "-m",
        "bridge",
        "serve",
        *(str(word) for pair in options.items() for word in pair),
    ]


def _comet_command(port: int, saved: Path) -> list[str]:
    beside = Path(sys.executable).with_name("twistd")
    return [
        str(beside) if beside.exists() else "twistd",
        "--nodaemon",
        "--pidfile=",
        "comet",
        "--local-ivo=ivo://voevent-bridge.demo/comet",
        f"--remote=127.0.0.1:{port}",
        "--save-event",
        f"--save-event-directory={saved}",
        f"--eventdb={saved.parent}",
    ]


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_port(feed: subprocess.Popen[bytes], log: Path) -> int:
    ready = re.compile(r"^Ready on port (\d+)", re.MULTILINE)
    _await(lambda: feed.poll() is not None or ready.search(log.read_text()) is not None, "The feed", log)
    found = ready.search(log.read_text())
    if found is None:
        raise SourceError(f"The feed did not start: {log.read_text().strip().splitlines()[-1:]}")
    return int(found[1])


def _await(condition: Callable[[], bool], who: str, log: Path) -> None:
    limit = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > limit:
            raise SourceError(f"{who} did not start within {START_S:g} s; its log is {log}.")
        time.sleep(0.05)


def _count(report: DemoReport, saved: Path) -> None:
    with JournalReader.open(report.folder / "feed.journal") as journal:
        report.published = journal.last_seq()
    report.received = sum(1 for _ in saved.iterdir())


def _catch_up(report: DemoReport, saved: Path, progress: Callable[[DemoReport], None]) -> None:
    """Wait until every alert is read and Comet has what came of it."""
    total = sum(report.alerts.values())
    limit = time.monotonic() + CATCH_UP_S
    while time.monotonic() < limit:
        _count(report, saved)
        progress(report)
        with JournalReader.open(report.folder / "feed.journal") as journal:
            read = len(journal.positions())
        if read >= total and report.received >= report.published:
            return
        time.sleep(0.1)


def _judge(report: DemoReport, saved: Path, appeared: dict[str, float]) -> None:
    """Compare what Comet saved with the journal, byte by byte."""
    files = [(path.read_bytes(), path.stat().st_mtime) for path in saved.iterdir()]
    received = dict(files)
    with JournalReader.open(report.folder / "feed.journal") as journal:
        events = journal.read(0, 1_000_000, max_bytes=1 << 40)
    report.published = len(events)
    report.published_bytes = sum(len(event.data) for event in events)
    report.received = len(files)
    report.identical = sum(event.data in received for event in events)
    for event in events:
        began = appeared.get(event.ivorn.rpartition("#")[2])
        if began is not None and event.data in received:
            report.latencies_s.append(received[event.data] - began)
