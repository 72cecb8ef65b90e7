"""VTP, the VOEvent Transport Protocol: the protocol without I/O, and thin Twisted adapters around it.

`BroadcasterConnection` is the protocol (bytes and time in, bytes and events out); `Broadcaster` serves
subscribers from a log of events over TCP.
"""

from __future__ import annotations

from bridge.vtp.connection import BroadcasterConnection
from bridge.vtp.frames import MAX_FRAME_BYTES, FrameReader, Oversize, encode_frame
from bridge.vtp.messages import Transport, parse_transport, write_transport
from bridge.vtp.settings import BroadcasterSettings
from bridge.vtp.status import BroadcasterStatus, SubscriberStatus

__all__ = [
    "MAX_FRAME_BYTES",
    "BroadcasterConnection",
    "BroadcasterSettings",
    "BroadcasterStatus",
    "FrameReader",
    "Oversize",
    "SubscriberStatus",
    "Transport",
    "encode_frame",
    "parse_transport",
    "write_transport",
]
