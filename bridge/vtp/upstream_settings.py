"""One broker that sends us events, for all who subscribe: feeds on Twisted, programs on plain sockets."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.vtp.address import Address
from bridge.vtp.backoff import Patience
from bridge.vtp.subscriber_connection import SubscriberSettings
from bridge.vtp.tls import ClientTls

__all__ = ["CONNECT_TIMEOUT_S", "UpstreamSettings"]

CONNECT_TIMEOUT_S = 30.0
"""How long a connection may take to be made."""


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One upstream broker.

    Parameters
    ----------
    address
        Where it sends events.
    subscriber
        Who we are, and what we want.
    since
        From where to be served at the first connection, for brokers that understand it.
    patience
        Waits between attempts to connect.
    max_pending, max_pending_bytes
        Nothing more is read from a broker while so many events, or bytes of events, are unsettled.
    tls
        How the broker is trusted; None: the connection is not encrypted.
    """

    address: Address
    subscriber: SubscriberSettings
    since: str | None = None
    patience: Patience = field(default_factory=Patience)
    max_pending: int = 1_000
    max_pending_bytes: int = 16 << 20
    tls: ClientTls | None = None
