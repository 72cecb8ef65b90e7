"""Listening from a program: to our broker in a process of its own, which is killed and started again."""

from __future__ import annotations

import os
import resource
import socket
import threading
import time
from pathlib import Path

import pytest
from processes import free_port

import bridge
from bridge.client.received import ReceivedEvent
from bridge.errors import PacketError, UsageError
from bridge.vtp import FrameReader, encode_frame, parse_transport
from bridge.vtp.messages import write_transport
from tests.client.listening import SELF, listen, numbers, take
from tests.vtp.peers import Server, serving, synthetic_event, wait_until


def test_an_event_is_its_bytes_and_is_parsed_when_somebody_asks(tmp_path: Path, shared_data: Path) -> None:
    real = next((shared_data / "voevents").glob("voevent-2.1-example-1.xml")).read_bytes()
    ivorn, data = synthetic_event(1)
    with serving(tmp_path, newcomers="start") as server, listen(server) as subscription:
        server.append([(ivorn, data), ("ivo://raptor.lanl/VOEvent#235649409", real)])
        first, second = take(subscription, 2)
    assert (first.ivorn, first.role, first.xml) == (ivorn, "test", data)
    assert first.root.findtext("Who/AuthorIVORN") == "ivo://org.example/author"
    assert first.root is first.root
    assert first.voevent is first.voevent
    assert (first.voevent.ivorn, first.voevent.params["number"].value) == (ivorn, 1)
    assert second.xml == real
    assert first.broker == f"127.0.0.1:{server.port}"
    assert ivorn in repr(first)
    voeventparse = pytest.importorskip("voeventparse")
    assert voeventparse.valid_as_v2_0(first.voeventparse())
    with pytest.raises(PacketError):
        _ = ReceivedEvent("ivo://a/b#1", "test", b"<a", "b", 0.0).root


def test_an_event_is_acknowledged_when_the_loop_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start", first_window=100) as server:
        server.append([synthetic_event(n) for n in (1, 2)])
        with listen(server, local_ivo=SELF) as subscription:
            next(subscription)
            wait_until(lambda: server.subscribers()[0]["in_flight"] == 2, "both are on their way")
            assert server.subscribers()[0]["acked"] == 0
            next(subscription)
            wait_until(lambda: server.subscribers()[0]["acked"] == 1, "the first is acknowledged")
        wait_until(lambda: not server.subscribers(), "it has left")
        with listen(server, local_ivo=SELF) as again:
            assert numbers([next(again)]) == [2], "the second was not done with"


def test_what_is_acknowledged_at_once_does_not_wait_for_the_program(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start") as server, listen(server, ack_at_once=True) as subscription:
        server.append([synthetic_event(1)])
        next(subscription)
        wait_until(lambda: server.subscribers()[0]["acked"] == 1, "the acknowledgement")


def test_signs_of_life_are_answered_while_the_program_works(tmp_path: Path) -> None:
    with (
        serving(tmp_path, newcomers="start", iamalive_interval_s=0.1) as server,
        listen(server) as subscription,
    ):
        server.append([synthetic_event(1)])
        next(subscription)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() > began + 1, "a handler that takes ten signs of life")
        status = server.status()
    assert (status["dropped"], len(status["subscribers"])) == (0, 1)


@pytest.mark.parametrize("ivo", [SELF, None])
def test_it_comes_back_after_the_broker_was_killed_and_gets_each_event_once(
    tmp_path: Path, ivo: str | None
) -> None:
    port = free_port()
    server = Server(tmp_path, port=port, newcomers="start", cursor_interval_s=0.05)
    subscription = listen(server, local_ivo=ivo)
    try:
        server.append([synthetic_event(n) for n in range(10)])
        assert numbers(take(subscription, 6)) == [0, 1, 2, 3, 4, 5]
        server.kill()
        with_more = Server(tmp_path, port=port, newcomers="start")
        try:
            with_more.append([synthetic_event(n) for n in range(10, 15)])
            assert numbers(take(subscription, 9)) == list(range(6, 15))
            assert subscription.connections == 2
            subscription.acknowledge()
            wait_until(lambda: with_more.status()["everyone_has_acked"], "all acknowledgements")
        finally:
            with_more.stop()
    finally:
        subscription.close()
        server.log.close()


def test_filters_and_since_are_honoured_by_our_broker(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.append([synthetic_event(n) for n in range(20)])
        with listen(server, since="1h", filters="//Param[@name='number' and @value > 16]") as subscription:
            assert numbers(take(subscription, 3)) == [17, 18, 19]
        with listen(server, since=synthetic_event(17)[0]) as subscription:
            assert numbers(take(subscription, 2)) == [18, 19]


def test_the_loop_ends_when_nothing_comes_or_when_it_is_told_to(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert list(listen(server, timeout_s=0.1)) == []
        told = threading.Event()
        told.set()
        assert list(listen(server, timeout_s=None, stop=told.is_set)) == []
        closed = listen(server)
        closed.close()
        closed.close()
        assert list(closed) == []


def test_a_program_that_is_slower_than_the_stream_does_not_fill_its_memory() -> None:
    """A broker without any window: what is not read stays in the network."""
    from bridge.client.link import Link
    from bridge.client.subscribe import Subscription
    from bridge.vtp.address import Address
    from bridge.vtp.subscriber_connection import SubscriberSettings
    from bridge.vtp.upstream_settings import UpstreamSettings

    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = Address("127.0.0.1", listening.getsockname()[1])
        link = Link(UpstreamSettings(address, SubscriberSettings(), max_pending=50))
        with Subscription(link, 10) as subscription:
            peer, _ = listening.accept()
            with peer:
                peer.sendall(encode_frame(write_transport("authenticate", "ivo://b/b", 0)))
                events = [synthetic_event(n, padding=20_000) for n in range(300)]
                sender = threading.Thread(
                    target=lambda: [peer.sendall(encode_frame(data)) for _, data in events], daemon=True
                )
                sender.start()
                wait_until(lambda: link.events.qsize() >= 50, "the queue is full")
                assert link.events.qsize() < 80
                assert numbers(take(subscription, 300)) == list(range(300))
                sender.join(10)


def test_a_program_with_thousands_of_open_files_can_listen(tmp_path: Path) -> None:
    """Descriptors above 1,023, where select() would end."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3_000:
        pytest.skip(f"the system allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3_000), hard))
    held: list[int] = []
    try:
        with serving(tmp_path, newcomers="start") as server:
            server.append([synthetic_event(1)])
            while not held or held[-1] < 1_100:
                held.append(os.dup(0 if not held else held[0]))
            with listen(server) as subscription:
                assert numbers([next(subscription)]) == [1]
                assert subscription._link._wake_from.fileno() > 1_024
    finally:
        for number in held:
            os.close(number)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_waits_can_be_taken_together_and_is_acknowledged_together(tmp_path: Path) -> None:
    with serving(tmp_path, newcomers="start", first_window=100) as server, listen(server) as subscription:
        server.append([synthetic_event(n) for n in range(8)])
        assert numbers([next(subscription)]) == [0]
        wait_until(lambda: subscription._link.events.qsize() == 7, "the others")
        assert numbers(subscription.also_waiting(4)) == [1, 2, 3, 4]
        assert server.subscribers()[0]["acked"] == 0
        assert numbers([next(subscription)]) == [5]
        wait_until(lambda: server.subscribers()[0]["acked"] == 5, "five acknowledgements")
        assert numbers(subscription.also_waiting(10)) == [6, 7]
        assert subscription.also_waiting(10) == []
        subscription.close()
        assert subscription.also_waiting(10) == []


def test_a_bug_in_the_thread_of_the_connection_reaches_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.client.link import Link

    def broken(*_: object) -> str:
        raise ZeroDivisionError

    monkeypatch.setattr(Link, "_read", broken)
    with serving(tmp_path) as server, listen(server) as subscription, pytest.raises(ZeroDivisionError):
        next(subscription)


@pytest.mark.parametrize(
    "options",
    [{"since": "tomorrow"}, {"local_ivo": "me"}, {"filters": "//Param["}, {"filters": ["//C1", "\x00"]}],
)
def test_what_makes_no_sense_is_refused_at_once(options) -> None:
    with pytest.raises(UsageError):
        bridge.subscribe("localhost", **options)
    with pytest.raises(UsageError):
        bridge.subscribe("local host")
    with pytest.raises(AttributeError):
        _ = bridge.nonsense


# The command


def test_what_a_broker_sends_again_is_not_handed_out_again_but_acknowledged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A broker that forgets: after the connection has ended it begins anew, with nonsense between."""
    greeting = encode_frame(write_transport("authenticate", "ivo://b/b", 0))
    first, second, third = (encode_frame(synthetic_event(n)[1]) for n in (1, 2, 3))

    def acks(peer: socket.socket, count: int) -> list[str]:
        reader, found = FrameReader(), []
        while len(found) < count:
            for frame in reader.feed(peer.recv(1 << 16)):
                message = parse_transport(frame)
                found += [message.origin] if message.role == "ack" else []
        return found

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(20)
        with bridge.subscribe(f"127.0.0.1:{listening.getsockname()[1]}", timeout_s=20) as subscription:
            peer, _ = listening.accept()
            peer.settimeout(20)
            peer.sendall(greeting + first + second)
            assert numbers([next(subscription), next(subscription)]) == [1, 2]
            assert acks(peer, 1) == [synthetic_event(1)[0]]
            peer.close()
            peer, _ = listening.accept()
            peer.settimeout(20)
            peer.sendall(greeting + first + second + encode_frame(b"<a/>") + third)
            assert numbers([next(subscription)]) == [3]
            assert sorted(acks(peer, 2)) == [synthetic_event(n)[0] for n in (1, 2)]
            peer.sendall(b"GET / HTTP/1.0\r\n")
            peer.close()
            wait_until(lambda: "it speaks another protocol than VTP" in caplog.text, "the broker is left")
    assert subscription._link.repeated == 2
    assert "a a where a Transport message belongs" in caplog.text
