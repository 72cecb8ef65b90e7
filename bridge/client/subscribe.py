"""Listening to a broker from a Python program: an iterator of events that reconnects by itself."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from os import PathLike
from types import TracebackType
from typing import Self

from bridge.client.link import Link
from bridge.client.received import ReceivedEvent
from bridge.errors import UsageError
from bridge.vtp.address import BROADCAST_PORT, Address, parse_address
from bridge.vtp.since import check_since
from bridge.vtp.subscriber_connection import SubscriberSettings
from bridge.vtp.tls import client_tls
from bridge.vtp.upstream_settings import UpstreamSettings
from bridge.vtp.xpath import xpath_fault

__all__ = ["Subscription", "subscribe"]

# A wait for the next event is cut into such pieces, so that Ctrl-C is heard between them (seconds).
PIECE_S = 0.5
# Nothing more is read from the broker while so much waits for the program.
MOST_WAITING = 10_000
MOST_WAITING_BYTES = 64 << 20


def subscribe(
    broker: str | Address,
    *,
    local_ivo: str | None = None,
    filters: str | Sequence[str] = (),
    since: str | None = None,
    timeout_s: float | None = None,
    ack_at_once: bool = False,
    stop: Callable[[], bool] | None = None,
    tls: bool | None = None,
    tls_ca: str | PathLike[str] | None = None,
    tls_certificate: str | PathLike[str] | None = None,
    tls_key: str | PathLike[str] | None = None,
) -> Subscription:
    """Listen to a broker.

    >>> for event in bridge.subscribe("broker.example.org", local_ivo="ivo://me/laptop"):  # doctest: +SKIP
    ...     print(event.ivorn, event.root.findtext(".//{*}C1"))

    The loop never ends by itself; when the connection does, another one is made, with longer and longer
    waits. An event is acknowledged when the loop comes back for the next one: a program that is killed
    before gets it again, from a broker that remembers it (`local_ivo`).

    Parameters
    ----------
    broker
        ``host`` or ``host:port`` (8099).
    local_ivo
        Our identifier, by which a broker remembers us; None stays nameless.
    filters
        XPath filters, for the broker to apply; an event that meets any of them comes.
    since
        From where to begin: a duration (``12h``), a time in ISO 8601 (UTC), a place in the broker's journal
        (``seq:1234``), or the IVORN of the last event. Brokers other than ours do not know this, and send
        what comes from now on.
    timeout_s
        End the loop when nothing has come for so long, in seconds. None waits for ever.
    ack_at_once
        Acknowledge an event when it is handed out. For stock brokers and handlers that take minutes: such a
        broker gives up a subscriber that leaves ten events without an answer at its next sign of life.
    stop
        Asked before each event, and twice a second while none comes; the loop ends when it says True.
    tls
        Whether the connection is encrypted; by default if there is any file for it. The broker's certificate
        must name its host.
    tls_ca
        PEM file with the authorities by which the broker is trusted; by default the system's.
    tls_certificate, tls_key
        PEM files with the certificate by which we prove ourselves, and its key (by default in the same file).

    Raises
    ------
    UsageError
        If the address, the identifier, a filter or `since` makes no sense, or a file for TLS cannot be used.
    """
    address = broker if isinstance(broker, Address) else parse_address(broker, BROADCAST_PORT)
    texts = (filters,) if isinstance(filters, str) else tuple(filters)
    for text in texts:
        # A broker passes a filter with a mistake over, and sends everything.
        reason = xpath_fault(text)
        if reason is not None:
            raise UsageError(f"The filter {text!r} cannot be used: {reason}.")
    settings = UpstreamSettings(
        address,
        SubscriberSettings(local_ivo, texts),
        None if since is None else check_since(since),
        max_pending=MOST_WAITING,
        max_pending_bytes=MOST_WAITING_BYTES,
        tls=client_tls(f"The connection to {address}", tls, tls_ca, tls_certificate, tls_key),
    )
    return Subscription(Link(settings), timeout_s, ack_at_once=ack_at_once, stop=stop)


class Subscription:
    """An iterator of events; as a context manager it is closed at the end. Made by `subscribe`."""

    def __init__(
        self,
        link: Link,
        timeout_s: float | None = None,
        *,
        ack_at_once: bool = False,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._link = link
        self._timeout_s = timeout_s
        self._ack_at_once = ack_at_once
        self._stop = stop or _never
        self._current: list[ReceivedEvent] = []
        self._closed = False
        link.start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ReceivedEvent:
        """Acknowledge the event before, and wait for the next."""
        self.acknowledge()
        if self._closed:
            raise StopIteration
        event = self._wait()
        if event is None:
            self.close()
            if self._link.failure is not None:
                raise self._link.failure
            raise StopIteration
        self._hand_out(event)
        return event

    def also_waiting(self, most: int) -> list[ReceivedEvent]:
        """Up to so many events more that have come by now, for programs that do many at a time.

        They are acknowledged with the one before them, when the loop comes back for the next.
        """
        found: list[ReceivedEvent] = []
        while len(found) < most and not self._closed:
            try:
                event = self._link.events.get_nowait()
            except queue.Empty:
                break
            if event is None:
                # The end is for the loop.
                self._link.events.put(None)
                break
            found.append(event)
        self._hand_out(*found)
        return found

    def _hand_out(self, *events: ReceivedEvent) -> None:
        self._current += events
        if self._ack_at_once:
            self.acknowledge()

    def _wait(self) -> ReceivedEvent | None:
        deadline = None if self._timeout_s is None else time.monotonic() + self._timeout_s
        while not self._stop():
            left = PIECE_S if deadline is None else min(PIECE_S, deadline - time.monotonic())
            try:
                return self._link.events.get(timeout=max(0.0, left))
            except queue.Empty:
                if deadline is not None and time.monotonic() >= deadline:
                    return None
        return None

    @property
    def trouble(self) -> str | None:
        """Why the broker is not heard now; None while it is."""
        return self._link.trouble

    @property
    def connections(self) -> int:
        """How often it was connected."""
        return self._link.connections

    @property
    def heard(self) -> bool:
        """Whether a broker has ever said anything; a greeting is something."""
        return self._link.heard

    def acknowledge(self) -> None:
        """Acknowledge what was handed out last, before the next is asked for."""
        for event in self._current:
            self._link.handled(event)
        self._current.clear()

    def close(self) -> None:
        """End: what was handed out last is not acknowledged unless that was done."""
        self._closed = True
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _never() -> bool:
    return False
