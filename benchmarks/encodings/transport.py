"""Alerts serialised, sent over TCP on this machine, received and decoded: the fourth claim without a broker.

What a broker adds is measured by ``bench stream``, which starts a real one.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.encodings.checked import ContentError, pair_for
from benchmarks.encodings.codecs import Codec
from benchmarks.encodings.content import Content
from benchmarks.encodings.equality import difference
from benchmarks.encodings.timing import Clock, Spread

__all__ = ["QUOTED_S", "send_and_receive"]

QUOTED_S = 4.2
"""DMTN-028 (2018): 3.88 s to serialise and produce, 0.30 s in transit, for 1,000 alerts of 136 kB."""
LENGTH = struct.Struct(">I")
TIMEOUT_S = 60.0


def send_and_receive(
    codec: Codec, content: Content, clock: Clock, rounds: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Wall time of the whole way, in seconds.

    Raises
    ------
    ContentError
        If an alert arrives with another value anywhere.
    """
    schema = content.messages[0].schema
    pair = pair_for(codec, schema)
    taken: dict[str, list[float]] = {"serialise": [], "send and receive": [], "decode": [], "whole": []}
    for number in range(rounds):
        progress(f"{len(content.messages)} alerts over TCP, round {number + 1} of {rounds}")
        began = clock.wall()
        messages = [pair.encode([message.record]) for message in content.messages]
        ready = clock.wall()
        arrived = _through_tcp(messages)
        there = clock.wall()
        decoded = [pair.decode(message)[0] for message in arrived]
        end = clock.wall()
        for name, value in zip(taken, (ready - began, there - ready, end - there, end - began), strict=True):
            taken[name].append(value)
    for message, record in zip(content.messages, decoded, strict=True):
        found = record != message.record and difference(schema.root, message.record, record)
        if found:
            raise ContentError(f"{codec.name} over TCP: {found}.")
    spread = {name: Spread.of(values) for name, values in taken.items()}
    return {
        "origin": f"{content.origin}, {content.name}, {content.part}",
        "alerts": len(messages),
        "bytes": sum(map(len, messages)),
        "rounds": rounds,
        "encoding": f"{codec.name} ({codec.library})",
        "seconds": {
            name: {
                "median": round(s.median_us / 1e6, 4),
                "q1": round(s.q1_us / 1e6, 4),
                "q3": round(s.q3_us / 1e6, 4),
            }
            for name, s in spread.items()
        },
        "quoted_s": QUOTED_S,
    }


def _through_tcp(messages: Sequence[bytes]) -> list[bytes]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT_S)
        sender = threading.Thread(target=_send, args=(server.getsockname(), messages), daemon=True)
        sender.start()
        connection, _ = server.accept()
        with connection, connection.makefile("rb") as stream:
            connection.settimeout(TIMEOUT_S)
            arrived = []
            while head := stream.read(LENGTH.size):
                arrived.append(stream.read(*LENGTH.unpack(head)))
        sender.join(TIMEOUT_S)
    return arrived


def _send(address: Any, messages: Sequence[bytes]) -> None:
    with socket.create_connection(address, TIMEOUT_S) as connection:
        for message in messages:
            connection.sendall(LENGTH.pack(len(message)) + message)
