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
STEPS = ("serialise", "send and receive", "decode")
LENGTH = struct.Struct(">I")
TIMEOUT_S = 60.0


def send_and_receive(
    codec: Codec, content: Content, clock: Clock, rounds: int, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Wall time and CPU time (of both ends) of the whole way, in seconds.

    Raises
    ------
    ContentError
        If an alert arrives with another value anywhere.
    """
    schema = content.messages[0].schema
    pair = pair_for(codec, schema)
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in (*STEPS, "whole")}
    for number in range(rounds):
        progress(f"{len(content.messages)} alerts over TCP, round {number + 1} of {rounds}")
        times = [(clock.wall(), clock.cpu())]
        messages = [pair.encode([message.record]) for message in content.messages]
        times.append((clock.wall(), clock.cpu()))
        arrived = _through_tcp(messages)
        times.append((clock.wall(), clock.cpu()))
        decoded = [pair.decode(message)[0] for message in arrived]
        times.append((clock.wall(), clock.cpu()))
        for name, before, after in zip(STEPS, times, times[1:], strict=False):
            taken[name].append((after[0] - before[0], after[1] - before[1]))
        taken["whole"].append((times[-1][0] - times[0][0], times[-1][1] - times[0][1]))
    for message, record in zip(content.messages, decoded, strict=True):
        found = record != message.record and difference(schema.root, message.record, record)
        if found:
            raise ContentError(f"{codec.name} over TCP: {found}.")
    return {
        "origin": f"{content.origin}, {content.name}, {content.part}",
        "alerts": len(messages),
        "bytes": sum(map(len, messages)),
        "rounds": rounds,
        "encoding": f"{codec.name} ({codec.library})",
        "seconds": {name: _seconds([wall for wall, _ in values]) for name, values in taken.items()},
        "cpu_seconds": {name: _seconds([cpu for _, cpu in values]) for name, values in taken.items()},
        "quoted_s": QUOTED_S,
    }


def _seconds(values: Sequence[float]) -> dict[str, float]:
    spread = Spread.of(values)
    quartiles = (spread.median_us, spread.q1_us, spread.q3_us)
    return {
        name: round(value / 1e6, 4) for name, value in zip(("median", "q1", "q3"), quartiles, strict=True)
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
