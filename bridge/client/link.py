"""The thread that keeps a subscription's connection alive while the program works on an event.

Handlers may take minutes; a broker wants an answer to iamalive meanwhile, and the next events have to go
somewhere. So the socket has a thread of its own, and the program takes events from a bounded queue.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import queue
import selectors
import socket
import ssl
import threading
import time
from collections import OrderedDict, deque

from bridge.client.received import ReceivedEvent
from bridge.client.tls import client_context
from bridge.client.wire import UnreachableError, Wire, connect, fault
from bridge.errors import ConfigError
from bridge.vtp.backoff import Backoff
from bridge.vtp.subscriber_connection import (
    NO_GREETING,
    Arrived,
    Greeted,
    Lost,
    Odd,
    SubscriberConnection,
)
from bridge.vtp.upstream_settings import CONNECT_TIMEOUT_S, UpstreamSettings

__all__ = ["Link"]

_log = logging.getLogger(__name__)

# A look at the clock so often, in seconds; wake-ups come through a socket of their own.
LOOK_S = 1.0
# A broker that takes nothing from us for so long is given up, in seconds.
WRITE_S = 30.0
# At the end the broker is given so long to read our last acknowledgements, in seconds.
LEAVE_S = 1.0

Key = tuple[str, bytes]


class Link:
    """Connects, connects again, and queues what comes.

    Parameters
    ----------
    settings
        The broker, and how to subscribe to it; what is pending is what waits for the program.
    remembered
        So many events are known again when a broker sends them a second time after a reconnection.

    Attributes
    ----------
    events
        What has come, in order; None when the link has been closed or has failed.
    trouble
        Why the broker is not heard now; None while it is.
    heard
        Whether a broker has ever said anything.
    failure
        What ended the link although nobody closed it: a bug.

    Raises
    ------
    ConfigError
        If a file for TLS cannot be used.
    """

    def __init__(self, settings: UpstreamSettings, remembered: int = 20_000) -> None:
        self.settings = settings
        self.events: queue.SimpleQueue[ReceivedEvent | None] = queue.SimpleQueue()
        self.trouble: str | None = "it is not connected yet"
        self.heard = False
        self.failure: Exception | None = None
        self.connections = 0
        self.odd = 0
        self.repeated = 0
        self._remembered = remembered
        self._epoch = time.time() - time.monotonic()
        self._failed = False
        # A mistake in the files is told at once.
        self._context()
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
        self._thread = threading.Thread(target=self._work, name="subscription", daemon=True)

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
            if len(self._handled) > self._remembered:
                self._handled.popitem(last=False)
            self._acks.append((event.ivorn, connection))
        self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well; a closed one has nobody to wake.
        with contextlib.suppress(OSError):
            self._wake_to.send(b"x")

    def _now(self) -> float:
        """Unix seconds that never jump: a clock that is set must not look like a broker's silence."""
        return self._epoch + time.monotonic()

    def _context(self) -> ssl.SSLContext | None:
        """Made anew for each connection: certificates are renewed more often than programs."""
        tls = self.settings.tls
        return None if tls is None else client_context(tls)

    def _work(self) -> None:
        try:
            self._run()
        except Exception as error:
            # The program would wait for ever.
            self.failure = error
            self.events.put(None)

    def _run(self) -> None:
        backoff = Backoff(self.settings.patience)
        address = self.settings.address
        while not self._stop.is_set():
            began: float | None = None
            try:
                with contextlib.closing(Wire(connect(address, CONNECT_TIMEOUT_S, self._context()))) as wire:
                    began = time.monotonic()
                    reason = self._serve(wire)
            except UnreachableError as error:
                reason = error.reason
            except ConfigError as error:
                reason = str(error).rstrip(".")
            except OSError as error:
                reason = fault(error)
            if self._stop.is_set():
                break
            backoff.lasted(0.0 if began is None else time.monotonic() - began)
            wait = backoff.next_wait_s()
            self.trouble, self._failed = reason, True
            _log.warning("broker %s: %s; next try in %.1f s", address, reason, wait)
            self._stop.wait(wait)

    def _serve(self, wire: Wire) -> str:
        """Serve one connection; gives the reason of its end."""
        with self._lock:
            self.connections += 1
            since = self._last_handled or self.settings.since
            self._acks.clear()
        _log.info("connected to broker %s", self.settings.address)
        connection = SubscriberConnection(self.settings.subscriber, self._now(), since)
        if not self._failed:
            self.trouble = f"it is connected and has said nothing{NO_GREETING}"
        # Of any number: a program may have thousands of files open, where select() ends at 1,024.
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_from, selectors.EVENT_READ)
            selector.register(wire, selectors.EVENT_READ)
            reading = True
            while True:
                ending = self._stop.is_set()
                self._send(wire, connection)
                if ending:
                    wire.take_leave(LEAVE_S)
                    return "closed"
                if reading == self._full():
                    reading = not reading
                    connection.excuse(self._now())
                    if reading:
                        selector.register(wire, selectors.EVENT_READ)
                    else:
                        selector.unregister(wire)
                ready = {key.fileobj for key, _ in selector.select(0 if wire.holds_more else LOOK_S)}
                if self._wake_from in ready:
                    with contextlib.suppress(OSError):
                        self._wake_from.recv(1 << 16)
                if reading:
                    reason = self._read(wire, connection)
                    if reason is not None:
                        return reason

    def _read(self, wire: Wire, connection: SubscriberConnection) -> str | None:
        """Take what has come; gives the reason if that is the end."""
        data = wire.read()
        if data == b"":
            return connection.end()
        events = connection.tick(self._now()) if data is None else connection.receive(data, self._now())
        if connection.heard:
            self.heard, self.trouble = True, None
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
        return None

    def _send(self, wire: Wire, connection: SubscriberConnection) -> None:
        while self._acks:
            ivorn, number = self._acks.popleft()
            if number == self.connections:
                connection.acknowledge(ivorn, self._now())
        data = connection.data_to_send()
        if data:
            wire.write(data, WRITE_S)

    def _full(self) -> bool:
        settings = self.settings
        return len(self._waiting) >= settings.max_pending or self._waiting_bytes >= settings.max_pending_bytes

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
