"""What it costs a VTP broadcaster to give one event to one subscriber: the protocol, without sockets."""

from __future__ import annotations

from benchmarks.encodings.timing import Clock
from bridge.vtp import BroadcasterConnection, BroadcasterSettings, encode_frame, write_transport

__all__ = ["delivery_us"]

BROKER, SUBSCRIBER = "ivo://org.example/broker", "ivo://org.example/subscriber"
NOW = 1_770_000_000.0


def delivery_us(packet: bytes, clock: Clock, events: int = 2_000, rounds: int = 3) -> float:
    """CPU time of sending an event and taking its acknowledgement, in microseconds; best of the rounds."""
    best = float("inf")
    for _ in range(rounds):
        connection = BroadcasterConnection(BroadcasterSettings(BROKER), NOW)
        connection.receive(
            encode_frame(write_transport("authenticate", BROKER, NOW, response=SUBSCRIBER)), NOW
        )
        ivorns = [f"{BROKER}#{number}" for number in range(events)]
        acks = [encode_frame(write_transport("ack", ivorn, NOW, response=SUBSCRIBER)) for ivorn in ivorns]
        began = clock.cpu()
        at = 0
        while at < events:
            to = min(events, at + connection.room)
            for number in range(at, to):
                connection.send(number + 1, ivorns[number], packet, NOW)
            connection.pieces_to_send()
            connection.receive(b"".join(acks[at:to]), NOW)
            at = to
        took = clock.cpu() - began
        assert connection.acked == events, "an acknowledgement was lost"
        best = min(best, took / events * 1e6)
    return best
