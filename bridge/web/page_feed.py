"""The front page: how the feed is, for a screen in the control room and for who sees it the first time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.vtp import SubscriberStatus
from bridge.vtp.status import UpstreamStatus
from bridge.web.chart_pace import draw_pace
from bridge.web.chart_sky import draw_sky
from bridge.web.glimpse import LISTED, Glimpse
from bridge.web.markup import Markup, cells, fill, tag
from bridge.web.page import event_table, facts, frame, table, time_tag
from bridge.web.snapshot import FeedStatus
from bridge.web.wording import ago, number, rate, size, span
from bridge.wording import counted

__all__ = ["feed_page"]

MOST_SUBSCRIBERS = 100
"""So many subscribers have a line; the others, who lag less, are counted."""

STATES = {
    "none": "none: the feed serves what its journal holds, and what comes in over VTP",
    "reading": "reading, or waiting for more",
    "refused": "stopped: what is read cannot be written",
    "ended": "has come to its end",
    "failed": "has failed; the log says why",
}


def feed_page(glimpse: Glimpse) -> bytes:
    """The page of one moment."""
    status = glimpse.status
    body = fill(
        "feed",
        {
            "name": status.local_ivo,
            "about": f"voevent-bridge {status.version}, up {span(status.now - status.started_at)}, process "
            f"{status.process}",
            "now": time_tag(status.now),
            "health": _health(status),
            "pace": draw_pace(glimpse.pace),
            "sky": draw_sky(glimpse.events),
            "source": facts(_source(status)),
            "journal": facts(_journal(glimpse)),
            "events": event_table(glimpse.events[:LISTED], "The last events"),
            "subscribers": _subscribers(status),
            "others": _others(status),
        },
    )
    return frame(f"{'' if status.healthy else 'NOT WELL: '}{status.local_ivo}", body, live=True, where="feed")


def _health(status: FeedStatus) -> Markup:
    if status.problems:
        problems = tag("ul", *(tag("li", problem) for problem in status.problems))
        return tag("div", tag("strong", "Not well."), problems, class_="health ill", role="alert")
    last, count = status.intake.last_published_at, len(status.broadcast.subscribers)
    sentence = (
        f"{rate(status.intake.published_hz)} events a second in the last minute, the last one "
        f"{ago(status.now, last)}; {counted(count, 'subscriber')}{_behind(status)}."
    )
    return tag("div", tag("strong", "All is well."), " ", sentence, class_="health well")


def _behind(status: FeedStatus) -> str:
    if not status.broadcast.subscribers:
        return ""
    return f", the slowest {number(status.lag)} behind" if status.lag else ", none of them behind"


def _source(status: FeedStatus) -> Iterator[tuple[object, object]]:
    source, intake = status.source, status.intake
    yield "Source", source.url or "none"
    yield "State", STATES[source.state]
    yield "Last item", ago(status.now, source.last_item_at)
    if source.waiting is not None:
        yield "Waiting in its topics", counted(source.waiting, "message")
    yield "Read", f"{number(intake.read)}, {rate(intake.read_hz)} a second"
    yield "Published", f"{number(intake.published)}, {rate(intake.published_hz)} a second"
    yield "Last event", ago(status.now, intake.last_published_at)
    yield "Dropped by filters", number(intake.dropped)
    yield "Known already", number(intake.duplicates)
    yield "Second content for an IVORN", _warned(intake.conflicts)
    yield "Bad packets", _warned(intake.refused)
    if intake.refused:
        yield "They are in", intake.dead_letters
    yield "Test events", number(status.test_events)


def _warned(count: int) -> object:
    return tag("strong", number(count), class_="warn") if count else "0"


def _journal(glimpse: Glimpse) -> Iterator[tuple[object, object]]:
    journal, now = glimpse.status.journal, glimpse.status.now
    yield "File", journal.file
    yield "Newest place", number(journal.last_seq)
    if glimpse.oldest_at is not None:
        yield "Oldest packet", tag("span", time_tag(glimpse.oldest_at), f" ({ago(now, glimpse.oldest_at)})")
    yield "Size", f"{size(journal.file_bytes)}, of it free {size(journal.free_bytes)}"
    yield "Log beside it", size(journal.log_bytes)
    yield "Free on its disk", size(journal.disk_free_bytes)


def _subscribers(status: FeedStatus) -> Markup:
    broadcast = status.broadcast
    summary = tag(
        "p",
        f"{len(broadcast.subscribers)} connected, {number(broadcast.connections)} so far, "
        f"{number(broadcast.dropped)} dropped. {counted(broadcast.sent, 'event')} sent, "
        f"{number(broadcast.acked)} acknowledged, {number(broadcast.nacked)} refused, "
        f"{number(broadcast.oversize)} too long to send.",
        class_="quiet",
    )
    if not broadcast.subscribers:
        return summary
    slowest = sorted(broadcast.subscribers, key=lambda one: (-one.lag, one.connected_at))
    head = (
        *("Subscriber", "Address", "Connected (UTC)", ("Behind", "number"), ("Under way", "number")),
        *(("Sent", "number"), ("Bytes", "number"), ("Acknowledged", "number"), ("Refused", "number")),
        *("Last acknowledged", "Filters"),
    )
    rows = [_subscriber(one, status.now) for one in slowest[:MOST_SUBSCRIBERS]]
    shown = table(head, rows, says="Subscribers")
    left = len(slowest) - MOST_SUBSCRIBERS
    more = f"And {number(left)} more, who are not further behind. All are in the status (JSON)."
    return tag("div", summary, shown, tag("p", more, class_="quiet") if left > 0 else None)


def _subscriber(one: SubscriberStatus, now: float) -> Markup:
    passed_over = f" ({number(one.filtered)} passed over)" if one.filters else ""
    return cells(
        "td",
        (one.ivo or tag("span", "anonymous", class_="quiet"), "name"),
        (one.address, "place"),
        time_tag(one.connected_at),
        (number(one.lag), "number"),
        (number(one.in_flight), "number"),
        (number(one.sent), "number"),
        (size(one.sent_bytes), "number"),
        (number(one.acked), "number"),
        (_warned(one.nacked), "number"),
        ago(now, one.last_acked_at),
        tag("code", "; ".join(one.filters) + passed_over)
        if one.filters
        else tag("span", "none", class_="quiet"),
    )


def _others(status: FeedStatus) -> Markup | None:
    """Authors and upstream brokers, where there are any."""
    parts: list[Markup] = []
    if (authors := status.receiver) is not None:
        sentence = (
            f"{number(authors.connected)} connected, {number(authors.connections)} so far; "
            f"{counted(authors.accepted, 'event')} accepted, {number(authors.refused)} refused."
        )
        parts += [tag("h2", "Authors"), tag("p", sentence)]
    if status.upstreams:
        parts += [tag("h2", "Upstream brokers"), _upstreams(status.upstreams, status.now)]
    return tag("section", *parts) if parts else None


def _upstreams(upstreams: Sequence[UpstreamStatus], now: float) -> Markup:
    head = (
        *("Broker", "State", "Last heard", ("Received", "number"), ("Published", "number")),
        *(("Known already", "number"), ("Refused", "number")),
    )
    rows = (
        cells(
            "td",
            (tag("span", one.url, title=one.broker_ivo), "name"),
            "connected"
            if one.connected
            else tag("strong", f"not connected: {one.trouble or 'not yet'}", class_="warn"),
            ago(now, one.last_heard_at),
            (number(one.received), "number"),
            (number(one.published), "number"),
            (number(one.duplicates), "number"),
            (_warned(one.refused), "number"),
        )
        for one in upstreams
    )
    return table(head, rows, says="Upstream brokers")
