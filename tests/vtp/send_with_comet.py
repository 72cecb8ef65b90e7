"""Sends each event with released Comet's own sender, the heart of ``comet-sendvo``, a few at a time.

Reads packets from a folder; writes one JSON line per event: its file and whether it was acknowledged.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from comet.protocol import VOEventSenderFactory
from comet.utility import xml_document
from twisted.internet import reactor

AT_ONCE = 8

loop: Any = reactor
files = sorted(Path(sys.argv[1]).iterdir(), reverse=True)
port = int(sys.argv[2])
under_way: set[VOEventSenderFactory] = set()


class Sender(VOEventSenderFactory):
    def __init__(self, path: Path) -> None:
        super().__init__(xml_document(path.read_bytes()))
        self.path = path

    def clientConnectionLost(self, connector: object, reason: object) -> None:
        print(json.dumps({"file": self.path.name, "acknowledged": self.ack}), flush=True)
        under_way.discard(self)
        go_on()

    def clientConnectionFailed(self, connector: object, reason: object) -> None:
        self.clientConnectionLost(connector, reason)


def go_on() -> None:
    while files and len(under_way) < AT_ONCE:
        sender = Sender(files.pop())
        under_way.add(sender)
        loop.connectTCP("127.0.0.1", port, sender)
    if not under_way and not files:
        loop.stop()


loop.callWhenRunning(go_on)
loop.run()
