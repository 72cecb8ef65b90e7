"""Watches a running feed: counts over the last minute, silence, and what a person should look at.

Apart from the feed's own wiring: it only looks, and what it sees goes to the log, the HTTP port and metrics.
"""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from typing import Literal, Protocol

from bridge import __version__
from bridge.feed.arrivals import Arrivals
from bridge.feed.config import FeedConfig
from bridge.feed.intake import Counts, Intake
from bridge.journal import JournalReader
from bridge.vtp.server import Broadcaster
from bridge.vtp.status import ReceiverStatus, UpstreamStatus
from bridge.web import FeedStatus, IntakeStatus, JournalStatus, SourceStatus

__all__ = ["SAMPLE_S", "Watch", "without_credentials"]

_log = logging.getLogger(__name__)

SAMPLE_S = 10.0
"""Call `Watch.sample` so often, in seconds."""

_OVER_S = 60.0

State = Literal["none", "reading", "refused", "ended", "failed"]


class WaysIn(Protocol):
    """What is watched of the ways in over VTP; `bridge.feed.inlets.Inlets` is one."""

    arrivals: Arrivals

    def receiver_status(self) -> ReceiverStatus | None:
        """What authors have sent; None where none are received."""
        ...

    def upstream_statuses(self) -> tuple[UpstreamStatus, ...]:
        """The subscriptions to upstream brokers."""
        ...


class Watch:
    """Knows how a feed is.

    Parameters
    ----------
    config
        What it was told.
    reader
        Its journal.
    broadcaster
        Its subscribers.
    intake
        What reads its source; None when it has none.
    inlets
        What comes in over VTP.
    working
        Says whether the intake still works.
    now
        Unix seconds.
    source_trouble
        Says why the source cannot be read at the moment, if that is so.

    Attributes
    ----------
    config
        What the feed goes by now.
    test_events
        Test events published since the start.
    """

    def __init__(
        self,
        config: FeedConfig,
        reader: JournalReader,
        broadcaster: Broadcaster,
        intake: Intake | None,
        inlets: WaysIn,
        working: Callable[[], bool],
        now: Callable[[], float] = time.time,
        source_trouble: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.test_events = 0
        self.config = config
        self._reader = reader
        self._broadcaster = broadcaster
        self._intake = intake
        self._inlets = inlets
        self._working = working
        self._source_trouble = source_trouble
        self._now = now
        self._started_at = now()
        self._samples: deque[tuple[float, int, int]] = deque([(self._started_at, 0, 0)])
        self._silent = False

    def sample(self) -> None:
        """Note the counts for the rates, and tell the log when the source falls silent or speaks again."""
        at = self._now()
        counts = self._counts()
        self._samples.append((at, counts.read, counts.published))
        while len(self._samples) > 2 and self._samples[1][0] <= at - _OVER_S:
            self._samples.popleft()
        silence = self._silence(at)
        if silence is not None and not self._silent:
            _log.warning("%s", silence, extra={"source": without_credentials(self.config.source)})
        elif silence is None and self._silent:
            _log.info("the source is heard again", extra={"source": without_credentials(self.config.source)})
        self._silent = silence is not None

    def status(self) -> FeedStatus:
        """The state of the feed now."""
        at = self._now()
        broadcast = self._broadcaster.status()
        counts = self._counts()
        problems = self._problems(at)
        read_hz, published_hz = self._rates(at, counts)
        space = self._reader.space()
        return FeedStatus(
            healthy=not problems,
            problems=problems,
            version=__version__,
            local_ivo=self.config.broadcaster.local_ivo,
            process=os.getpid(),
            started_at=self._started_at,
            now=at,
            source=SourceStatus(
                without_credentials(self.config.source),
                self._state(),
                self._intake.last_item_at if self._intake is not None else None,
                self._intake.waiting if self._intake is not None else None,
            ),
            intake=IntakeStatus(
                read=counts.read,
                published=counts.published,
                dropped=counts.dropped,
                refused=counts.refused,
                duplicates=counts.duplicates,
                conflicts=counts.conflicts,
                read_hz=read_hz,
                published_hz=published_hz,
                last_published_at=self._last_published_at(),
                dead_letters=str(self.config.dead_letters),
            ),
            journal=JournalStatus(
                file=str(self.config.journal),
                file_bytes=space.file_bytes,
                free_bytes=space.free_bytes,
                log_bytes=space.log_bytes,
                first_kept_seq=self._reader.first_kept_seq(),
                last_seq=broadcast.last_seq,
                disk_free_bytes=_disk_free(self.config),
            ),
            lag=max((one.lag for one in broadcast.subscribers), default=0),
            test_events=self.test_events,
            broadcast=broadcast,
            receiver=self._inlets.receiver_status(),
            upstreams=self._inlets.upstream_statuses(),
        )

    def _counts(self) -> Counts:
        arrived = self._inlets.arrivals.counts
        return arrived if self._intake is None else self._intake.counts + arrived

    def _last_published_at(self) -> float | None:
        ways = (self._intake, self._inlets.arrivals)
        return max((way.last_published_at or 0.0 for way in ways if way is not None), default=0.0) or None

    def _state(self) -> State:
        if self._intake is None:
            return "none"
        if self._intake.failed:
            return "failed"
        if not self._working():
            return "ended"
        return "refused" if self._intake.trouble is not None else "reading"

    def _problems(self, at: float) -> tuple[str, ...]:
        troubles = [way.trouble for way in (self._intake, self._inlets.arrivals) if way is not None]
        # The same disk is full for both.
        found = [f"Nothing is taken in: {trouble}" for trouble in dict.fromkeys(troubles) if trouble]
        if self._state() == "failed":
            found.append("The intake has failed; the log says why.")
        found += [told for told in (self._source_trouble(), self._silence(at)) if told is not None]
        found += [
            f"The upstream broker {upstream.url} is not connected: {upstream.trouble.rstrip('.')}."
            for upstream in self._inlets.upstream_statuses()
            if not upstream.connected and upstream.trouble is not None
        ]
        return tuple(found)

    def _silence(self, at: float) -> str | None:
        limit = self.config.silent_after_s
        if not limit or self._state() != "reading" or self._intake is None:
            return None
        since = self._intake.last_item_at or self._started_at
        if at - since <= limit:
            return None
        last = "Nothing has come" if self._intake.last_item_at is None else "The last alert came"
        when = "since the start, " if self._intake.last_item_at is None else ""
        return f"The source is silent. {last} {when}{at - since:.0f} s ago; silent_after is {limit:g} s."

    def _rates(self, at: float, counts: Counts) -> tuple[float, float]:
        began, read, published = self._samples[0]
        over = max(at - began, 1.0)
        return (counts.read - read) / over, (counts.published - published) / over


def _disk_free(config: FeedConfig) -> int:
    try:
        return shutil.disk_usage(config.journal.absolute().parent).free
    except OSError:
        return 0


def without_credentials(url: str | None) -> str | None:
    """A URL without user, password, and what follows a question mark: none of that is for a status page."""
    if url is None or "://" not in url:
        return url
    scheme, _, rest = url.partition("://")
    # Up to the last sign: a password may hold another one, or a slash. No host and no topic holds any.
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}"
