"""What the HTTP port answers, byte by byte, without a network."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.address import IPv4Address
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.errors import SourceError
from bridge.web import FeedStatus
from bridge.web.front import Front
from bridge.web.server import site
from tests.web.pages import Answered, Asked
from tests.web.states import NOW, RECEIVER, UPSTREAMS, state, subscriber


@contextmanager
def nowhere(status: Callable[[], FeedStatus]) -> Iterator[Asked]:
    """A feed of which nothing but its status is asked."""
    clock = Clock()
    yield Asked(Front(status, Path("no/journal"), maybeDeferred, clock), clock, status)


def ask(status: Callable[[], FeedStatus], path: str, method: str = "GET") -> Answered:
    with nowhere(status) as feed:
        return feed.get(path, method)


def values(text: bytes) -> dict[tuple[str, str], float]:
    """Samples by name and subscriber."""
    return {
        (sample.name.removeprefix("voevent_bridge_"), sample.labels.get("subscriber", "")): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_health_is_ok_or_says_what_is_wrong() -> None:
    assert ask(state, "/health")[::2] == (200, b"ok\n")
    ill = state(healthy=False, problems=("The disk is full.", "The source is silent."))
    code, headers, body = ask(lambda: ill, "/health")
    assert (code, body) == (503, b"The disk is full.\nThe source is silent.\n")
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "text/plain; charset=utf-8"


def test_status_is_the_whole_state_as_json() -> None:
    now = state(subscriber("ivo://org.example/comet", lag=4), subscriber(None))
    code, headers, body = ask(lambda: now, "/status")
    assert (code, headers["content-type"]) == (200, "application/json")
    assert json.loads(body) == json.loads(json.dumps(now.document()))
    first = json.loads(body)["broadcast"]["subscribers"][0]
    assert (first["ivo"], first["lag"], first["sent_bytes"]) == ("ivo://org.example/comet", 4, 40_000)


def test_metrics_are_what_prometheus_reads() -> None:
    now = state(
        subscriber('ivo://org.example/"odd"\n', lag=4), subscriber(None, lag=1), subscriber(None, lag=9),
    )  # fmt: skip
    code, headers, body = ask(lambda: now, "/metrics")
    assert code == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    found = values(body)
    assert found["items_read_total", ""] == 1000
    assert found["events_published_total", ""] == 90
    assert found["healthy", ""] == 1
    assert found["last_item_time_seconds", ""] == NOW - 5
    assert found["source_waiting_messages", ""] == 1234
    assert ("last_event_time_seconds", "") not in found, "there was none yet"
    assert found["subscriber_lag_events", 'ivo://org.example/"odd"\n'] == 4
    assert (found["subscribers", ""], found["subscriber_lag_events", ""]) == (2, 9)
    assert found["subscriber_in_flight_events", ""] == 4


def test_metrics_tell_of_authors_and_upstream_brokers_where_there_are_any() -> None:
    _, _, body = ask(lambda: state(receiver=RECEIVER, upstreams=UPSTREAMS), "/metrics")
    found = values(body)
    assert found["author_events_accepted_total", ""] == 5
    assert found["authors", ""] == 1
    text = body.decode()
    assert 'voevent_bridge_upstream_connected{upstream="vtp://up:8099"} 0.0' in text
    assert 'voevent_bridge_upstream_events_total{outcome="duplicates",upstream="vtp://up:8099"} 4.0' in text
    _, _, body = ask(state, "/metrics")
    assert b"author" not in body
    assert b"upstream" not in body


def test_without_the_library_metrics_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client.core", None)
    code, _, body = ask(state, "/metrics")
    assert (code, body) == (
        503,
        b"Metrics need the package prometheus-client: pip install 'voevent-bridge[metrics]'.\n",
    )
    assert ask(state, "/health")[0] == 200


@pytest.mark.parametrize(
    ("path", "method", "code"),
    [("/index.php", "GET", 404), ("/etc/passwd", "GET", 404), ("/status/x", "GET", 404), ("//", "GET", 404),
     ("/style.css/..", "GET", 404), ("/status", "POST", 405), ("/", "POST", 405), ("/events", "PUT", 405),
     ("/status", "DELETE", 405), ("/health", "HEAD", 200)],
)  # fmt: skip
def test_it_can_be_read_and_nothing_else(path: str, method: str, code: int) -> None:
    found, _, body = ask(state, path, method)
    assert found == code
    if method == "HEAD":
        assert body == b""


def test_a_bug_is_not_shown_to_strangers(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> FeedStatus:
        raise RuntimeError("secret detail")

    code, _, body = ask(broken, "/status")
    assert code == 500
    assert b"secret" not in body
    assert "secret detail" in caplog.text


def test_a_journal_that_cannot_be_read_is_told_in_its_sentence() -> None:
    def damaged() -> FeedStatus:
        raise SourceError("The journal is damaged.")

    assert ask(damaged, "/health")[::2] == (503, b"The journal is damaged.\n")


def test_who_leaves_is_counted_out() -> None:
    gone: list[str] = []
    with nowhere(state) as feed:
        protocol = site(state, feed.front, gone.append).buildProtocol(IPv4Address("TCP", "192.0.2.1", 5000))
        protocol.makeConnection(StringTransport())
        assert gone == []
        protocol.connectionLost(Failure(ConnectionDone()))
    assert gone == ["192.0.2.1"]
