"""The thread that keeps a subscription's connection alive while the program works on an event.

Handlers may take minutes; a broker wants an answer to iamalive meanwhile, and the next events have to go
somewhere. So the socket has a thread of its own, and the program takes events from a bounded queue.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import select
import socket
import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field

from bridge.client.received import ReceivedEvent
from bridge.vtp.address import Address
from bridge.vtp.backoff import Backoff, Patience
from bridge.vtp.subscriber_connection import (
    Arrived,
    Greeted,
    Lost,
    Odd,
    SubscriberConnection,
    SubscriberSettings,
)

__all__ = ["Link", "LinkSettings"]

_log = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 30.0
# A look at the clock so often, in seconds; wake-ups come through a socket of their own.
LOOK_S = 1.0
# At the end the broker is given so long to read our last acknowledgements, in seconds.
LEAVE_S = 1.0


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """A subscription from plain sockets.

    Parameters
    ----------
    address
        The broker.
    subscriber
        Who we are, and what we want.
    since
        From where to be served at the first connection, for brokers that understand it.
    patience
        Waits between attempts to connect.
    max_waiting, max_waiting_bytes
        Nothing more is read while so many events, or bytes of events, wait for the program.
    remembered
        So many events are known again when a broker sends them a second time after a reconnection.
    """

    address: Address
    subscriber: SubscriberSettings
    since: str | None = None
    patience: Patience = field(default_factory=Patience)
    max_waiting: int = 10_000
    max_waiting_bytes: int = 64 << 20
    remembered: int = 20_000


Key = tuple[str, bytes]


class Link:
    """Connects, connects again, and queues what comes.

    Attributes
    ----------
    events
        What has come, in order; None when the link has been closed.
    trouble
        Why there is no connection now; None while there is one.
    """

    def __init__(self, settings: LinkSettings) -> None:
        self.settings = settings
        self.events: queue.SimpleQueue[ReceivedEvent | None] = queue.SimpleQueue()
        self.trouble: str | None = "not connected yet"
        self.connections = 0
        self.odd = 0
        self.repeated = 0
        self._stop = threading.Event()
        self._lock = threading.Lock()
        # What has come and not been handled, with the connection that brought it last; and what was handled.
        self._waiting: dict[Key, int] = {}
        self._waiting_bytes = 0
        self._handled: OrderedDict[Key, None] = OrderedDict()
        self._last_handled: str | None = None
        self._acks: deque[tuple[str, int]] = deque()
        self._wake_from, self._wake_to = socket.socketpair()
        self._wake_to.setblocking(False)
        self._wake_from.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="subscription", daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def close(self) -> None:
        """Send the acknowledgements that are due, and end."""
        if self._stop.is_set():
            return
        self._stop.set()
        self._wake()
        self._thread.join(5)
        self.events.put(None)
        self._wake_from.close()
        self._wake_to.close()

    def handled(self, event: ReceivedEvent) -> None:
        """The program has done its work on an event: acknowledge it."""
        key = _key(event.ivorn, event.xml)
        with self._lock:
            connection = self._waiting.pop(key, None)
            if connection is None:
                return
            self._waiting_bytes -= len(event.xml)
            self._last_handled = event.ivorn
            self._handled[key] = None
            if len(self._handled) > self.settings.remembered:
                self._handled.popitem(last=False)
            self._acks.append((event.ivorn, connection))
        self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well; a closed one has nobody to wake.
        with contextlib.suppress(OSError):
            self._wake_to.send(b"x")

    def _run(self) -> None:
        backoff = Backoff(self.settings.patience)
        address = self.settings.address
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                with socket.create_connection((address.host, address.port), CONNECT_TIMEOUT_S) as wire:
                    began = time.monotonic()
                    reason = self._serve(wire)
                    lasted = time.monotonic() - began
            except OSError as error:
                reason, lasted = f"it cannot be reached ({error.strerror or error})", 0.0
            if self._stop.is_set():
                break
            backoff.lasted(lasted)
            wait = backoff.next_wait_s()
            self.trouble = reason
            _log.warning("broker %s: %s; next try in %.1f s", address, reason, wait)
            self._stop.wait(wait)

    def _serve(self, wire: socket.socket) -> str:
        """Serve one connection; gives the reason of its end."""
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self.connections += 1
            since = self._last_handled or self.settings.since
            self._acks.clear()
        self.trouble = None
        _log.info("connected to broker %s", self.settings.address)
        connection = SubscriberConnection(self.settings.subscriber, time.time(), since)
        while True:
            ending = self._stop.is_set()
            self._send(wire, connection)
            if ending:
                _take_leave(wire)
                return "closed"
            full = self._full()
            if full:
                connection.excuse(time.time())
            sources = [self._wake_from] if full else [wire, self._wake_from]
            ready, _, _ = select.select(sources, [], [], LOOK_S)
            if self._wake_from in ready:
                with contextlib.suppress(OSError):
                    self._wake_from.recv(1 << 16)
            events = []
            if wire in ready:
                data = wire.recv(1 << 18)
                if not data:
                    return "it has closed the connection"
                events = connection.receive(data, time.time())
            elif not full:
                events = connection.tick(time.time())
            for event in events:
                match event:
                    case Arrived():
                        self._arrived(event)
                    case Greeted(broker_ivo):
                        _log.info("broker %s is %s", self.settings.address, ascii(broker_ivo))
                    case Odd(reason):
                        self.odd += 1
                        _log.warning("broker %s: %s", self.settings.address, ascii(reason)[1:-1])
                    case Lost(reason):
                        return reason

    def _send(self, wire: socket.socket, connection: SubscriberConnection) -> None:
        while self._acks:
            ivorn, number = self._acks.popleft()
            if number == self.connections:
                connection.acknowledge(ivorn, time.time())
        data = connection.data_to_send()
        if data:
            wire.sendall(data)

    def _full(self) -> bool:
        settings = self.settings
        return len(self._waiting) >= settings.max_waiting or self._waiting_bytes >= settings.max_waiting_bytes

    def _arrived(self, event: Arrived) -> None:
        key = _key(event.ivorn, event.data)
        with self._lock:
            if key in self._handled:
                # It was handled, and the connection ended before the broker knew.
                self.repeated += 1
                self._acks.append((event.ivorn, self.connections))
                return
            again = key in self._waiting
            self._waiting[key] = self.connections
            if again:
                self.repeated += 1
                return
            self._waiting_bytes += len(event.data)
        address = str(self.settings.address)
        self.events.put(ReceivedEvent(event.ivorn, event.role, event.data, address, time.time()))


def _key(ivorn: str, data: bytes) -> Key:
    return ivorn, hashlib.sha256(data).digest()


def _take_leave(wire: socket.socket) -> None:
    """Close our side, and read until the broker closes its own: what it has not read yet could be lost."""
    deadline = time.monotonic() + LEAVE_S
    with contextlib.suppress(OSError):
        wire.shutdown(socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            wire.settimeout(left)
            if not wire.recv(1 << 18):
                return
