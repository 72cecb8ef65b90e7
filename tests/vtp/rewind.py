"""Subscribers that come back and take all they missed as fast as it comes; run as a process of its own.

Arguments: port, number of the last event, and the subscribers' IVOIDs. When all have it, a JSON line says so.
"""

from __future__ import annotations

import json
import selectors
import sys
import time

from bridge.vtp import FrameReader, encode_frame
from bridge.vtp.messages import write_transport
from tests.vtp.peers import RawPeer


class Returning:
    """One of them; answers in bytes, because its own work must not be what is measured."""

    def __init__(self, port: int, ivo: str, last: int) -> None:
        peer = RawPeer(port)
        self.socket = peer.socket
        # At once: one that takes longer than the grace is served as a newcomer first.
        assert b"authenticate" in peer.frame()
        peer.send(write_transport("authenticate", "ivo://a/b", 0, response=ivo))
        self.last = last
        self.frames = FrameReader(1 << 20)
        self.numbers: list[int] = []
        self.ack = write_transport("ack", "<>", 0, response=ivo).split(b"&lt;&gt;")

    def take(self) -> bool:
        """Read and answer; True when it has the last event."""
        answers = []
        for frame in self.frames.feed(self.socket.recv(1 << 18)):
            assert isinstance(frame, bytes)
            if b":VOEvent" in frame:
                ivorn = frame.split(b'ivorn="')[1].split(b'"')[0]
                self.numbers.append(int(ivorn.split(b"#")[1]))
                answers.append(encode_frame(ivorn.join(self.ack)))
        self.socket.sendall(b"".join(answers))
        return bool(self.numbers) and self.numbers[-1] >= self.last


def main() -> None:
    port, last = int(sys.argv[1]), int(sys.argv[2])
    began = time.monotonic()
    selector = selectors.DefaultSelector()
    everybody = [Returning(port, ivo, last) for ivo in sys.argv[3:]]
    for one in everybody:
        selector.register(one.socket, selectors.EVENT_READ, one)
    waiting = len(everybody)
    while waiting:
        found = selector.select(20)
        assert found, "nothing comes any more"
        for key, _ in found:
            if key.data.take():
                selector.unregister(key.fileobj)
                waiting -= 1
    whole = all(one.numbers[:last] == list(range(1, last + 1)) for one in everybody)
    print(json.dumps({"whole": whole, "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
