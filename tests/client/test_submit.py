"""Sending as an author: to a scripted broker, byte by byte; the real ones are met in the matrix."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from calling import call, make_tar

from bridge.client.submit import Submitted, submit
from bridge.errors import PacketError, SourceError, UsageError
from bridge.vtp import FrameReader, encode_frame
from bridge.vtp.author_connection import Answer, AuthorConnection
from bridge.vtp.messages import write_transport
from bridge.vtp.receiver_connection import salvage_ivorn
from tests.vtp.peers import synthetic_event

EVENTS = [synthetic_event(number)[1] for number in range(40)]

Script = Callable[[int, socket.socket], None]
"""What a broker does with its connection of this number."""


class ScriptedBroker:
    """A listening socket whose connections are served one after the other by a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.received: list[str] = []
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                peer, _ = self.listening.accept()
            except OSError:
                return
            peer.settimeout(10)
            with peer:
                self.connections += 1
                try:
                    self.script(self.connections, peer)
                except OSError:
                    continue

    def close(self) -> None:
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self.thread.join(5)


@contextmanager
def broker(script: Script) -> Iterator[ScriptedBroker]:
    served = ScriptedBroker(script)
    try:
        yield served
    finally:
        served.close()


def events_of(peer: socket.socket) -> Iterator[str]:
    reader = FrameReader()
    while data := peer.recv(1 << 16):
        for frame in reader.feed(data):
            assert isinstance(frame, bytes)
            yield salvage_ivorn(frame)


def answer(peer: socket.socket, ivorn: str, reason: str | None = None) -> None:
    message = write_transport("nak" if reason else "ack", ivorn, 0, response="ivo://b", result=reason)
    peer.sendall(encode_frame(message))


def to(served: ScriptedBroker) -> str:
    return f"127.0.0.1:{served.port}"


def take_all(_number: int, peer: socket.socket) -> None:
    for ivorn in events_of(peer):
        answer(peer, ivorn)


def take_one(_number: int, peer: socket.socket) -> None:
    answer(peer, next(events_of(peer)))


def test_a_broker_that_takes_many_gets_all_on_one_connection() -> None:
    with broker(take_all) as served:
        told = list(submit(EVENTS, to(served)))
        assert served.connections == 1
    assert told == [Submitted(n, synthetic_event(n)[0], "accepted") for n in range(40)]


def test_a_broker_that_takes_one_gets_a_connection_for_each() -> None:
    with broker(take_one) as served:
        told = list(submit(EVENTS, to(served)))
        assert served.connections == 40
    assert [each.outcome for each in told] == ["accepted"] * 40


def test_what_was_in_doubt_when_a_connection_ended_is_sent_again_and_counted_once() -> None:
    seen: set[str] = set()

    def lose_answers(number: int, peer: socket.socket) -> None:
        for count, ivorn in enumerate(events_of(peer)):
            known = ivorn in seen
            seen.add(ivorn)
            if number == 1 and count == 5:
                return
            answer(peer, ivorn, "Event rejected: Previously seen by this broker" if known else None)

    with broker(lose_answers) as served:
        told = list(submit(EVENTS, to(served)))
    assert [each.index for each in told] == list(range(40))
    assert {each.outcome for each in told} == {"accepted"}
    assert told[5].reason == "it had arrived before"


def test_what_is_in_doubt_when_the_broker_has_gone_is_told_apart_from_what_was_never_sent() -> None:
    def die_after_five(_: int, peer: socket.socket) -> None:
        for count, ivorn in enumerate(events_of(peer)):
            if count == 5:
                served.listening.close()
                return
            answer(peer, ivorn)

    with broker(die_after_five) as served:
        told = list(submit(EVENTS, to(served)))
    outcomes = [each.outcome for each in told]
    assert outcomes[:5] == ["accepted"] * 5
    assert set(outcomes[5:]) <= {"unanswered", "unsent"}
    assert told[5].reason.startswith("the connection ended before the answer, and then the broker has gone: ")


def test_an_event_that_was_sent_before_this_call_and_is_sent_again_is_refused() -> None:
    with broker(lambda _, peer: answer(peer, next(events_of(peer)), "Previously seen")) as served:
        told = list(submit(EVENTS[:2], to(served)))
    assert [(each.outcome, each.reason) for each in told] == [("refused", "Previously seen")] * 2


def test_a_broker_that_closes_without_a_word_leaves_events_unanswered() -> None:
    def silent(_: int, peer: socket.socket) -> None:
        peer.recv(1 << 20)

    with broker(silent) as served:
        told = list(submit(EVENTS[:3], to(served)))
        (large,) = submit([synthetic_event(1, padding=100_000)[1]], to(served))
    assert [each.outcome for each in told] == ["unanswered"] * 3
    assert "closed the connection without an answer; is this its port for authors" in told[0].reason
    assert large.reason.endswith("without an answer; stock brokers take no more than 99,999 bytes")


def test_a_broker_that_is_silent_is_waited_for_once() -> None:
    with broker(lambda _, peer: list(events_of(peer))) as served:  # type: ignore[arg-type,return-value]
        told = list(submit(EVENTS[:3], to(served), timeout_s=0.2))
    assert [each.outcome for each in told] == ["unanswered", "unsent", "unsent"]
    assert told[0].reason == "no answer within 0.2 s"


def test_a_broker_that_goes_away_leaves_the_rest_unsent() -> None:
    with broker(take_one) as served:
        told = []
        for each in submit(EVENTS[:5], to(served), one_by_one=True):
            told.append(each)
            if len(told) == 2:
                served.close()
    assert [each.outcome for each in told] == ["accepted", "accepted", "unsent", "unsent", "unsent"]
    assert told[-1].reason == "the broker has gone: it cannot be reached (Connection refused)"


def test_a_broker_that_is_not_there_is_an_error_at_once() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(SourceError, match="cannot be reached"):
        list(submit(EVENTS, f"127.0.0.1:{port}"))
    with pytest.raises(SourceError, match="no host can have this name"):
        list(submit(EVENTS, "a..b"))
    with pytest.raises(UsageError, match="no address"):
        submit(EVENTS, "not an address")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "it speaks HTTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "it speaks TLS"),
        (b"220 mail.example.org ESMTP\r\n", "it speaks another protocol than VTP (it began with '220 ')"),
        (b"<!DOCTYPE html>", "it speaks another protocol than VTP (it began with '<!DO')"),
        (b"\xff\xff\xff\xff\x00", "so it does not speak VTP"),
        (encode_frame(write_transport("authenticate", "ivo://b", 0)), "this port serves subscribers"),
        (encode_frame(b"<hello/>"), "a hello where a Transport message belongs"),
    ],
)
def test_what_is_no_receiver_is_told_apart(said: bytes, reason: str) -> None:
    def greet(_: int, peer: socket.socket) -> None:
        peer.sendall(said)
        list(events_of(peer))

    with broker(greet) as served:
        (told,) = submit(EVENTS[:1], to(served))
    assert told.outcome == "unanswered"
    assert reason in told.reason


def test_answers_find_their_events_by_name_and_else_by_turn() -> None:
    connection = AuthorConnection()
    for number, ivorn in enumerate(("ivo://a#1", "ivo://a#2", "ivo://a#2", "")):
        connection.send(number, ivorn, b"<x/>")
    said = [("ack", "ivo://a#2"), ("nak", "ivo://a#1"), ("ack", "ivo://other"), ("nak", "")]
    stream = b"".join(encode_frame(write_transport(role, origin, 0)) for role, origin in said)  # type: ignore[arg-type]
    found = [each for place in range(len(stream)) for each in connection.receive(stream[place : place + 1])]
    assert found == [Answer(1, True, ""), Answer(0, False, ""), Answer(2, True, ""), Answer(3, False, "")]
    with pytest.raises(PacketError, match="no event waits"):
        connection.receive(encode_frame(write_transport("ack", "ivo://a#1", 0)))


def test_the_command_sends_what_is_in_files_and_names_what_it_cannot(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    make_tar(tmp_path / "some.tar", {f"{n}.xml": EVENTS[n] for n in range(30)})
    (tmp_path / "note.json").write_text('{"a": 1}')
    (tmp_path / "hello.txt").write_text("hello")

    def refuse_some(_: int, peer: socket.socket) -> None:
        for ivorn in events_of(peer):
            answer(peer, ivorn, "no" if int(ivorn.partition("#")[2]) < 25 else None)

    with broker(refuse_some) as served:
        outcome = call(capfdbinary, "submit", tmp_path / "some.tar", "--to", to(served), "--json")
        mixed = call(
            capfdbinary, "submit", tmp_path / "note.json", tmp_path / "hello.txt", "--to", to(served)
        )
    document = json.loads(outcome.out)
    assert outcome.status == mixed.status == 1
    assert (document["accepted"], document["refused"], document["unusable"]) == (5, 25, 0)
    assert document["events"][0]["file"].endswith("some.tar#0 (0.xml)")
    assert outcome.err.count(": refused: no") == 20
    assert "5 more were not accepted." in outcome.err
    assert "it is no VOEvent in XML" in mixed.err
    assert "2 unusable in" in mixed.err


def test_the_command_ends_well_when_all_are_taken(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "event.xml").write_bytes(EVENTS[0])
    with broker(take_one) as served:
        outcome = call(capfdbinary, "submit", tmp_path / "event.xml", "--to", to(served))
    assert outcome.status == 0
    assert outcome.err.startswith("1 accepted in")
