"""What the broadcaster is doing, as values for a status page, a log line or a test."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BroadcasterStatus", "ReceiverStatus", "SubscriberStatus", "UpstreamStatus"]


@dataclass(frozen=True, slots=True)
class SubscriberStatus:
    """One subscriber.

    Parameters
    ----------
    address
        ``host:port`` of the peer.
    ivo
        Its identifier, None for an anonymous one.
    connected_at
        Unix seconds.
    handled_seq
        Place up to which it has answered everything, or needs nothing.
    lag
        Places between that and the newest event.
    sent_bytes
        Bytes of the events sent.
    last_acked_at
        When it last acknowledged an event, in Unix seconds; None when it has not yet.
    in_flight
        Events sent and not yet answered.
    filtered, oversize
        Events passed over because of its filters, and because of their size.
    durable
        Whether its cursor is saved.
    """

    address: str
    ivo: str | None
    connected_at: float
    serving: bool
    sent: int
    sent_bytes: int
    acked: int
    last_acked_at: float | None
    nacked: int
    filtered: int
    oversize: int
    in_flight: int
    handled_seq: int
    lag: int
    filters: tuple[str, ...]
    durable: bool


@dataclass(frozen=True, slots=True)
class BroadcasterStatus:
    """All subscribers, and counts since the start.

    Parameters
    ----------
    last_seq
        The newest event in the log.
    connections
        Connections ever taken.
    dropped
        Connections that the broadcaster closed, with a reason in the log.
    """

    last_seq: int
    connections: int
    dropped: int
    sent: int
    acked: int
    nacked: int
    oversize: int
    subscribers: tuple[SubscriberStatus, ...]


@dataclass(frozen=True, slots=True)
class ReceiverStatus:
    """What authors have sent since the start.

    Parameters
    ----------
    connections, connected
        Connections ever taken, and those that are open.
    accepted, refused
        Events published, and messages answered with a nak.
    """

    connections: int
    connected: int
    accepted: int
    refused: int


@dataclass(frozen=True, slots=True)
class UpstreamStatus:
    """A subscription to an upstream broker.

    Parameters
    ----------
    url
        ``vtp://host:port``.
    connected, trouble
        Whether it is connected, and why not.
    broker_ivo
        What the broker calls itself; None before it has said so.
    connections
        Connections since the start.
    received, published, duplicates, refused
        Events that came, and what became of them.
    last_heard_at
        When anything came last, in Unix seconds; None before.
    """

    url: str
    connected: bool
    trouble: str | None
    broker_ivo: str | None
    connections: int
    received: int
    published: int
    duplicates: int
    refused: int
    last_heard_at: float | None
