"""A broadcaster in a process of its own, told what to do by JSON lines on its standard input.

Its feed is a thread beside the reactor, as in the real feed: it appends to the journal, then wakes the
broadcaster. Each command is answered by one JSON line.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import sys
import threading
from typing import Any

from twisted.internet import reactor
from twisted.internet.threads import blockingCallFromThread

from bridge.journal import Journal, NewEntry
from bridge.vtp import BroadcasterSettings
from bridge.vtp.port import listen
from bridge.vtp.server import Broadcaster

loop: Any = reactor


def entry(ivorn: str, data: bytes) -> NewEntry:
    return NewEntry(ivorn, data, "relayed", hashlib.sha256(data).digest(), "observation")


def answer(**values: Any) -> None:
    print(json.dumps(values), flush=True)


def feed(journal: Journal, broadcaster: Broadcaster) -> None:
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "append":
            batch = [entry(ivorn, base64.b64decode(data)) for ivorn, data in command["events"]]
            appended = journal.append(batch)
            loop.callFromThread(broadcaster.wake)
            answer(last_seq=appended.last_seq, stored=appended.stored)
        elif command["do"] == "status":
            status = blockingCallFromThread(loop, broadcaster.status)
            done = blockingCallFromThread(loop, broadcaster.everyone_has_acked, status.last_seq)
            answer(everyone_has_acked=done, **dataclasses.asdict(status))
        else:
            break
    loop.callFromThread(loop.stop)


def main() -> None:
    path, settings = sys.argv[1], BroadcasterSettings(**json.loads(sys.argv[2]))
    journal = Journal.open(path)
    reader = journal.reader()
    broadcaster = Broadcaster(reader, settings, save_cursors=journal.save_cursors)
    port: Any = listen(broadcaster, int(sys.argv[3]), "127.0.0.1")
    loop.addSystemEventTrigger("before", "shutdown", broadcaster.close)
    answer(port=port.getHost().port)
    thread = threading.Thread(target=feed, args=(journal, broadcaster), daemon=True)
    loop.callWhenRunning(thread.start)
    loop.run()
    reader.close()
    journal.close()


if __name__ == "__main__":
    main()
