"""How tests listen to a broker from a program."""

from __future__ import annotations

import bridge
from tests.vtp.peers import Server

SELF = "ivo://org.example/self"


def numbers(events) -> list[int]:
    return [int(event.ivorn.partition("#")[2]) for event in events]


def listen(server: Server, **options):
    options.setdefault("timeout_s", 20)
    return bridge.subscribe(f"127.0.0.1:{server.port}", **options)


def take(subscription, count: int) -> list:
    found = []
    for event in subscription:
        found.append(event)
        if len(found) == count:
            break
    return found
