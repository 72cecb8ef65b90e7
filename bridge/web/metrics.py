"""A feed's status as metrics in Prometheus' text format.

The names are a contract with dashboards and alarms: add, do not rename. The library is an extra, so it is
imported only when metrics are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.errors import UsageError
from bridge.web.snapshot import FeedStatus

__all__ = ["CONTENT_TYPE", "render_metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_COUNTERS = {
    "items_read": ("intake", "read", "Items read from the source."),
    "events_published": ("intake", "published", "Events that are new in the journal."),
    "items_dropped": ("intake", "dropped", "Alerts that no filter kept."),
    "items_refused": ("intake", "refused", "Items that went to the dead letters."),
    "events_duplicate": ("intake", "duplicates", "Events that the journal had already."),
    "events_conflicting": ("intake", "conflicts", "Events refused because their IVORN has another content."),
    "events_test": ("", "test_events", "Test events of this broker."),
    "deliveries": ("broadcast", "sent", "Events sent to subscribers."),
    "acknowledgements": ("broadcast", "acked", "Events that subscribers acknowledged."),
    "refusals": ("broadcast", "nacked", "Events that subscribers refused."),
    "connections": ("broadcast", "connections", "Connections of subscribers ever taken."),
    "connections_dropped": ("broadcast", "dropped", "Connections closed by the broadcaster."),
    "events_oversize": ("broadcast", "oversize", "Events too long to be sent."),
}

_GAUGES = {
    "healthy": ("", "healthy", "1 if there are no problems."),
    "start_time_seconds": ("", "started_at", "When the feed was started, in Unix seconds."),
    "last_item_time_seconds": ("source", "last_item_at", "When the last item was read, in Unix seconds."),
    "source_waiting_messages": ("source", "waiting", "Messages in the source's topics not yet read."),
    "last_event_time_seconds": ("intake", "last_published_at", "When the last event was published."),
    "journal_file_bytes": ("journal", "file_bytes", "Length of the journal's file."),
    "journal_free_bytes": ("journal", "free_bytes", "Room in it for new events."),
    "journal_log_bytes": ("journal", "log_bytes", "Length of the log beside it."),
    "journal_first_place": ("journal", "first_kept_seq", "Place of the oldest packet that is kept."),
    "journal_last_place": ("journal", "last_seq", "Place of the newest event."),
    "disk_free_bytes": ("journal", "disk_free_bytes", "Room on the journal's disk."),
    "lag_events": ("", "lag", "Events between the slowest subscriber and the newest event."),
}


def render_metrics(status: FeedStatus) -> bytes:
    """The metrics of one moment.

    Raises
    ------
    UsageError
        If prometheus-client is not installed.
    """
    try:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
        from prometheus_client.exposition import generate_latest
        from prometheus_client.registry import CollectorRegistry
    except ImportError:
        raise UsageError(
            "Metrics need the package prometheus-client: pip install 'voevent-bridge[metrics]'."
        ) from None

    class Collector:
        def collect(self) -> Iterator[Any]:
            for name, (part, field, says) in _COUNTERS.items():
                yield CounterMetricFamily(f"voevent_bridge_{name}", says, value=_value(status, part, field))
            for name, (part, field, says) in _GAUGES.items():
                value = _value(status, part, field)
                if value is not None:
                    yield GaugeMetricFamily(f"voevent_bridge_{name}", says, value=float(value))
            yield from self._subscribers()
            yield from self._authors()
            yield from self._upstreams()

        def _subscribers(self) -> Iterator[Any]:
            families = {
                "subscribers": "Connected subscribers of this name; without a name they count together.",
                "subscriber_lag_events": "Events that the slowest of them is behind.",
                "subscriber_in_flight_events": "Events sent to them and not yet answered.",
            }
            made = {
                name: GaugeMetricFamily(f"voevent_bridge_{name}", says, labels=["subscriber"])
                for name, says in families.items()
            }
            # By name, because an address has a new port with each connection and would be a new series.
            by_name: dict[str, list[Any]] = {}
            for one in status.broadcast.subscribers:
                by_name.setdefault(one.ivo or "", []).append(one)
            for name, members in sorted(by_name.items()):
                made["subscribers"].add_metric([name], len(members))
                made["subscriber_lag_events"].add_metric([name], max(one.lag for one in members))
                in_flight = sum(one.in_flight for one in members)
                made["subscriber_in_flight_events"].add_metric([name], in_flight)
            yield from made.values()

        def _authors(self) -> Iterator[Any]:
            authors = status.receiver
            if authors is None:
                return
            for name, value, says in (
                ("author_connections", authors.connections, "Connections of authors ever taken."),
                ("author_events_accepted", authors.accepted, "Events of authors that were published."),
                ("author_events_refused", authors.refused, "Events of authors that were refused."),
            ):
                yield CounterMetricFamily(f"voevent_bridge_{name}", says, value=value)
            says = "Authors connected now."
            yield GaugeMetricFamily("voevent_bridge_authors", says, value=authors.connected)

        def _upstreams(self) -> Iterator[Any]:
            labels = ["upstream"]
            up = GaugeMetricFamily(
                "voevent_bridge_upstream_connected", "1 if the upstream broker is connected.", labels=labels
            )
            events = CounterMetricFamily(
                "voevent_bridge_upstream_events",
                "Events of an upstream broker, by what became of them.",
                labels=[*labels, "outcome"],
            )
            for one in status.upstreams:
                up.add_metric([one.url], float(one.connected))
                for outcome in ("published", "duplicates", "refused"):
                    events.add_metric([one.url, outcome], getattr(one, outcome))
            if status.upstreams:
                yield up
                yield events

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Collector())
    text: bytes = generate_latest(registry)
    return text


def _value(status: FeedStatus, part: str, field: str) -> Any:
    return getattr(getattr(status, part) if part else status, field)
