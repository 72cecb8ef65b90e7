"""States of a feed, made up for tests of what is told about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bridge.vtp import BroadcasterStatus, SubscriberStatus
from bridge.vtp.status import ReceiverStatus, UpstreamStatus
from bridge.web import FeedStatus, IntakeStatus, JournalStatus, SourceStatus

NOW = 1_700_000_000.0
RECEIVER = ReceiverStatus(connections=3, connected=1, accepted=5, refused=2)
UPSTREAMS = (UpstreamStatus("vtp://up:8099", False, "refused", "ivo://up/broker", 2, 9, 4, 4, 1, NOW - 7),)


def subscriber(ivo: str | None, lag: int = 0, **others: Any) -> SubscriberStatus:
    values: dict[str, Any] = {
        "address": "192.0.2.7:4000",
        "connected_at": NOW - 100,
        "serving": True,
        "sent": 10,
        "sent_bytes": 40_000,
        "acked": 8,
        "last_acked_at": NOW - 3,
        "nacked": 0,
        "filtered": 0,
        "oversize": 0,
        "in_flight": 2,
        "handled_seq": 10,
        "filters": (),
        "durable": True,
    }
    return SubscriberStatus(ivo=ivo, lag=lag, **(values | others))


def state(*subscribers: SubscriberStatus, **others: Any) -> FeedStatus:
    made = FeedStatus(
        healthy=True,
        problems=(),
        version="1.2.3",
        local_ivo="ivo://org.example/feed",
        process=7,
        started_at=NOW - 1_000,
        now=NOW,
        source=SourceStatus("kafka://broker/ztf", "reading", NOW - 5, 1234),
        intake=IntakeStatus(1000, 90, 900, 10, 5, 1, 12.5, 0.5, None, "dead"),
        journal=JournalStatus("feed.journal", 8192, 0, 0, 12, 90, 10**12),
        lag=max((one.lag for one in subscribers), default=0),
        test_events=2,
        broadcast=BroadcasterStatus(90, 4, 1, 20, 16, 0, 3, subscribers),
    )
    return replace(made, **others)
