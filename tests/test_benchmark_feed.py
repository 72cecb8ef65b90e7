"""The feed's benchmark runs in its shortest form, and no event can be lost, doubled or changed unnoticed."""

from __future__ import annotations

import importlib
import importlib.util
import socket
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from benchmarks.feed_listeners import Expected, Listener
from bridge.vtp import FrameReader, encode_frame, parse_transport, write_transport

BROKER = "ivo://org.example/broker"
ME = "ivo://org.example/listener/1"
COUNT = 6


@pytest.fixture(params=[True, False], ids=["ordered", "unordered"])
def listener(request: pytest.FixtureRequest, shared_data: Any) -> Iterator[Listener]:
    here, there = socket.socketpair()
    with here, there:
        yield Listener(here, Expected(COUNT, "t", ME, ordered=request.param), ME)


def frames(listener: Listener) -> list[bytes]:
    return [listener.expected.frame(place) for place in range(COUNT)]


def greet(listener: Listener) -> None:
    listener.take(encode_frame(write_transport("authenticate", BROKER, 0)))


def said(listener: Listener) -> list[Any]:
    answers = [parse_transport(frame) for frame in FrameReader().feed(listener.out)]  # type: ignore[arg-type]
    listener.out = b""
    return answers


@pytest.mark.parametrize("step", [1, 7, 1_000, 1_000_000])
def test_events_are_acknowledged_however_they_are_chopped(listener: Listener, step: int) -> None:
    greet(listener)
    (answer,) = said(listener)
    assert (answer.role, answer.origin, answer.response) == ("authenticate", BROKER, ME)
    alive = encode_frame(write_transport("iamalive", BROKER, 0))
    stream = b"".join(frames(listener)[:3]) + alive + b"".join(frames(listener)[3:])
    for start in range(0, len(stream), step):
        listener.take(stream[start : start + step])
    answers = said(listener)
    assert listener.got == COUNT
    assert [answer.role for answer in answers].count("iamalive") == 1
    acked = [answer.origin for answer in answers if answer.role == "ack"]
    assert len(set(acked)) == COUNT
    assert all(answer.origin.encode() in frame for answer, frame in zip(
        [answer for answer in answers if answer.role == "ack"], frames(listener), strict=True
    ))  # fmt: skip


def test_a_changed_a_doubled_and_a_lost_event_are_noticed(listener: Listener) -> None:
    greet(listener)
    first, second, third, *_ = frames(listener)
    listener.take(first)
    with pytest.raises(SystemExit):
        listener.take(second.replace(b"<", b"{", 1))
    with pytest.raises(SystemExit):
        listener.take(first)
    if listener.expected.ordered:
        with pytest.raises(SystemExit):
            listener.take(third)


@pytest.mark.no_cover
def test_the_shortest_form_compares_both_brokers() -> None:
    if importlib.util.find_spec("comet") is None:
        pytest.skip("Comet is not installed")
    feed = importlib.import_module("benchmarks.feed")
    told: list[str] = []
    result = feed.measure(rounds=1, share=0.02, subscribers=(10,), progress=told.append)
    assert orjson.loads(orjson.dumps(result)) == result
    assert [(row["way"], row["subscribers"]) for row in result["ways"]] == [
        ("journal", 10),
        ("source", 10),
        ("authors, a connection for each event", 1),
        ("an author, one connection", 1),
    ]
    assert all(row["ours"]["deliveries_hz"] > 0 for row in result["ways"])
    assert ["ratio" in row for row in result["ways"]] == [False, True, True, True]
    assert all(
        result["latency"][who]["p99_ms"] >= result["latency"][who]["p50_ms"] > 0 for who in ("ours", "comet")
    )
    assert "real VOEvents" in result["events"]
    text = feed.report(result)
    assert "an author, one connection" in text
    assert len(told) == 3
