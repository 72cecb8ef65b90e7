"""The socket of a client: peers that take nothing, say nothing, or go away in the middle."""

from __future__ import annotations

import socket
import ssl
import threading

import pytest

from bridge.client.wire import UnreachableError, Wire, connect, fault
from bridge.vtp.address import Address

PLENTY = bytes(8 << 20)


def test_what_does_not_fit_into_the_network_waits_for_the_peer_and_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    received = bytearray()

    def read() -> None:
        while data := theirs.recv(1 << 20):
            received.extend(data)

    reader = threading.Thread(target=read, daemon=True)
    with theirs:
        wire = Wire(ours)
        assert wire.read() is None, "nothing has come"
        reader.start()
        wire.write(PLENTY, 30)
        wire.close()
        reader.join(30)
    assert received == PLENTY


def test_a_peer_that_takes_nothing_is_waited_for_no_longer_than_said() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        wire = Wire(ours)
        with pytest.raises(TimeoutError) as caught:
            wire.write(PLENTY, 0.05)
        assert fault(caught.value) == "the connection to it has broken (nothing was taken or sent for 0.05 s)"
        wire.take_leave(0.05)
        wire.close()


def test_a_peer_that_has_gone_is_taken_leave_of_at_once() -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    wire = Wire(ours)
    with pytest.raises(OSError, match="Broken pipe"):
        wire.write(b"x", 1)
    wire.take_leave(60)
    assert wire.read() == b""
    wire.close()


@pytest.mark.parametrize(
    ("closing", "said"),
    [
        (False, "it has not begun to speak TLS in 0.1 s; perhaps this port does not"),
        (True, "it has closed the connection instead of speaking TLS; perhaps this port does not"),
    ],
)
def test_a_port_that_does_not_answer_tls_is_told(closing: bool, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        held: list[socket.socket] = []

        def accept() -> None:
            peer, _ = listening.accept()
            held.append(peer)
            if closing:
                peer.recv(10)
                # What was not read makes of the end a reset.
                peer.close()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        address = Address("127.0.0.1", listening.getsockname()[1])
        with pytest.raises(UnreachableError, match="There is no connection to the broker") as caught:
            connect(address, 30 if closing else 0.1, ssl.create_default_context())
        assert caught.value.reason == said
        thread.join(30)
        held[0].close()
