"""The asking end: addresses as people write them, and what is said when no feed answers."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.status import command
from bridge.errors import SourceError, UsageError
from bridge.web.client import read_status, url_of
from tests.web.states import RECEIVER, UPSTREAMS, state, subscriber


@contextmanager
def answering(code: int, body: bytes) -> Iterator[str]:
    """A web server that gives one answer to everything."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize(
    ("target", "url"),
    [
        (None, "http://127.0.0.1:8097/status"),
        ("broker", "http://broker:8097/status"),
        ("broker:80", "http://broker:80/status"),
        (":9000", "http://127.0.0.1:9000/status"),
        ("[::1]:9000", "http://[::1]:9000/status"),
        ("http://broker/", "http://broker/status"),
        ("https://broker/feed", "https://broker/feed/status"),
        ("http://broker:80/status", "http://broker:80/status"),
    ],
)
def test_addresses_as_people_write_them(target: str | None, url: str) -> None:
    assert url_of(target) == url


@pytest.mark.parametrize("target", ["ftp://broker", "http://", "a b", "broker:port", "http://[::1"])
def test_what_is_no_address_is_refused(target: str) -> None:
    with pytest.raises(UsageError, match="is no address of a feed"):
        url_of(target)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_an_error(text: str) -> None:
    try:
        url = url_of(text)
    except UsageError:
        return
    assert url.startswith(("http://", "https://"))


def test_nobody_there_is_told_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match=rf"No feed answers at http://127.0.0.1:{port}.*--http"):
            read_status(url_of(f":{port}"), 5.0)


def test_one_that_accepts_and_says_nothing_does_not_hold_the_check_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as mute,
        pytest.raises(SourceError, match="No feed answers"),
    ):
        read_status(url_of(f":{mute.getsockname()[1]}"), 0.2)


@pytest.mark.parametrize(
    ("code", "body", "sentence"),
    [
        (200, b"<html>", "is no feed"),
        (200, b"[]", "is no feed"),
        (200, b"{}", "is no feed"),
        (500, b"broken", "status 500: broken"),
    ],
)
def test_others_that_answer_are_no_feed(code: int, body: bytes, sentence: str) -> None:
    with answering(code, body) as target, pytest.raises(SourceError, match=sentence):
        read_status(url_of(target))


def run(*words: str, status: Callable[[], object]) -> tuple[int, str]:
    with answering(200, json.dumps(status()).encode()) as target:
        done = CliRunner().invoke(command, [target, *words], standalone_mode=False)
        assert done.exception is None, done.exception
    return done.return_value, done.stdout


def test_a_person_reads_one_line_for_each_part_and_subscriber() -> None:
    now = state(
        subscriber("ivo://org.example/comet", lag=1234), subscriber("ivo://bad\x1b[2J", last_acked_at=None)
    )
    code, text = run(status=now.document)
    assert code == 0
    lines = text.splitlines()
    assert lines[0] == "all is well"
    assert "kafka://broker/ztf: reading, last item 5 s ago, 1,234 messages waiting" in lines[2]
    assert "1,000 read, 90 published" in lines[3]
    assert "12.5 read and 0.5 published a second; last event never" in lines[3]
    assert "1,234 events behind" in lines[5]
    assert "ivo://org.example/comet: 10 sent (40,000 bytes)" in lines[6]
    assert "\x1b" not in text
    assert len(lines) == 8


def test_a_person_reads_of_authors_and_upstream_brokers() -> None:
    _, text = run(status=state(receiver=RECEIVER, upstreams=UPSTREAMS).document)
    lines = text.splitlines()
    assert "receive    1 author connected, 3 so far; 5 events accepted, 2 refused" in lines
    (line,) = (line for line in lines if line.startswith("upstream"))
    assert line.startswith(
        "upstream   vtp://up:8099: NOT connected to ivo://up/broker; 9 received, 4 published"
    )


def test_problems_come_first_and_give_status_1() -> None:
    ill = state(healthy=False, problems=("The disk is full.",))
    code, text = run(status=ill.document)
    assert code == 1
    assert text.splitlines()[:2] == ["NOT WELL", "  The disk is full."]
    code, text = run("--json", status=ill.document)
    assert code == 1
    assert json.loads(text) == json.loads(json.dumps(ill.document()))
